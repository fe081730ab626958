"""An installation of an earlier version is brought up to date with its rows."""

from __future__ import annotations

from alembic import command
from sqlalchemy import create_engine, text

from webapp.store.database import _config

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
OLD_REF = """
INSERT INTO blob_refs (org_id, event_id, sha256, role, parcel, device_id, type, size, is_lost)
VALUES ('o', :event, :sha256, 'photo', '', 'd', 'image/jpeg', 1, :lost)
"""
OLD_BLOB = """
INSERT INTO blobs (org_id, sha256, type, size, device_id, held_at)
VALUES ('o', :sha256, 'image/jpeg', 1, 'd', '2026-11-22 09:00:00+00:00')
"""


def test_photos_of_an_older_installation_are_awaited_where_they_are_missing(empty_database: str) -> None:
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for event, sha256, lost in (
            ("a", ONE, False),
            ("b", TWO, False),
            ("c", THREE, False),
            ("d", THREE, True),
        ):
            connection.execute(text(OLD_REF), {"event": event, "sha256": sha256, "lost": lost})
        connection.execute(text(OLD_BLOB), {"sha256": ONE})
        command.upgrade(config, "head")
        rows = connection.execute(text("SELECT event_id, is_awaited FROM blob_refs ORDER BY event_id"))
        assert [(event, bool(awaited)) for event, awaited in rows] == [
            ("a", False),
            ("b", True),
            ("c", False),
            ("d", False),
        ]
    engine.dispose()


OLD_PARCEL = """
INSERT INTO parcels (org_id, code, is_known, fragile, items, status, flags, is_deemed, milestones, open_anomalies,
                     created_at, updated_at, changed)
VALUES ('o', 'F7ANY0M5J7AJ', :yes, :yes, 1, 'ready', '{}', :no, '{}', 0,
        '2026-11-22 09:00:00+00:00', '2026-11-22 09:00:00+00:00', 1)
"""


def test_parcels_of_an_older_installation_hold_nothing_dangerous_and_stay_fragile(
    empty_database: str,
) -> None:
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(text(OLD_PARCEL), {"yes": True, "no": False})
        command.upgrade(config, "head")
        row = connection.execute(text("SELECT fragile, dangerous FROM parcels")).one()
        assert (bool(row.fragile), bool(row.dangerous)) == (True, False)
    engine.dispose()


OLD_CASE = """
INSERT INTO cases (org_id, id, number, kind, title, state, opened_at, due_at, ends_at, refund)
VALUES ('o', :id, :number, 'complaint', '', :state, '2026-11-22 09:00:00+00:00', :due_at, :ends_at, 'none')
"""
EARLY, LATE = "2026-11-23 09:00:00.000000+00:00", "2026-11-24 09:00:00.000000+00:00"


def test_open_cases_of_an_older_installation_are_looked_at_when_they_fall_due_or_their_period_ends(
    empty_database: str,
) -> None:
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        for number, (state, due_at, ends_at) in enumerate(
            [
                ("open", EARLY, None),
                ("open", EARLY, LATE),
                ("open", LATE, EARLY),
                ("open", None, LATE),
                ("open", None, None),
                ("closed", EARLY, EARLY),
            ]
        ):
            told = {"id": str(number), "number": number, "state": state, "due_at": due_at, "ends_at": ends_at}
            connection.execute(text(OLD_CASE), told)
        command.upgrade(config, "head")
        same = "CASE WHEN next_at = due_at THEN 'due' WHEN next_at = ends_at THEN 'ends' END"
        rows = connection.execute(text(f"SELECT {same} FROM cases ORDER BY number")).scalars()
        assert list(rows) == ["due", "due", "ends", "ends", None, None]
    engine.dispose()
