"""Statements compiled once say and give what SQLAlchemy's own way does, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Float, bindparam, insert, literal_column, select, update

from webapp.store.among import among
from webapp.store.models import Event, Parcel, Place
from webapp.store.prepared import Prepared, _compile, one_of
from webapp.store.unit import DatabaseError, looking, reading, transaction

EVENING = datetime(2026, 11, 22, 19, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=8)))
EVENT: dict[str, Any] = {
    "org_id": "o",
    "id": "e1",
    "device_id": "d",
    "actor_id": "a",
    "seq": 1,
    "branch": 0,
    "prev": None,
    "sha256": "00",
    "kind": "pack",
    "at": EVENING,
    "offset_ms": None,
    "effective_at": EVENING,
    "received_at": EVENING.replace(microsecond=0),
    "run_id": None,
    "carrier": "ü",
    "expected": None,
    "reason": None,
    "ref": None,
    "data": {"é": [1, 2.5, None]},
    "marks": None,
    "result": "recorded",
    "effects": [{"parcel": "x"}],
    "review_state": None,
    "doubt": 0,
    "jws": "…",
}
COLUMNS = (Event.id, Event.at, Event.received_at, Event.offset_ms, Event.carrier, Event.data, Event.marks)


def test_it_writes_and_reads_what_sqlalchemy_does(app_on_both: Flask) -> None:
    add = Prepared(lambda _dialect: insert(Event))
    ask = Prepared(
        lambda dialect: (
            select(*COLUMNS)
            .where(Event.org_id == "o", Event.branch == 0, one_of(dialect, Event.id, "ids"))
            .order_by(Event.id)
        )
    )
    other = {**EVENT, "id": "e2", "seq": 2}
    with transaction() as session:
        add.run_many(session.connection(), [EVENT])
        session.execute(insert(Event), [other])
        ids = ["e1", "e2", "e3"]
        usual = session.execute(
            select(*COLUMNS).where(among(session, Event.id, ids)).order_by(Event.id)
        ).all()
        swift = ask.rows(session.connection(), ids=ids)
        # Not only as read: as it lies there, or a comparison of texts in SQLite would go wrong.
        (first, second) = session.connection().exec_driver_sql(
            "SELECT at, received_at, data, effects, marks FROM events ORDER BY id"
        )
    assert [tuple(row) for row in swift] == [tuple(row) for row in usual]
    assert tuple(first) == tuple(second)
    assert swift[0][1] == EVENING
    assert swift[0][1].tzinfo is UTC


def test_a_flag_comes_out_as_one(app_on_both: Flask) -> None:
    ask = Prepared(lambda _dialect: select(Parcel.is_known).where(Parcel.code == bindparam("code")))
    with transaction() as session:
        row = {"org_id": "o", "code": "c", "is_known": False, "created_at": EVENING, "updated_at": EVENING}
        session.execute(insert(Parcel), [row])
        assert ask.rows(session.connection(), code="c")[0][0] is False


def test_a_glance_gives_the_same_and_sees_what_was_committed_since_the_last(app_on_both: Flask) -> None:
    ask = Prepared(
        lambda _dialect: select(Parcel.is_known, Parcel.created_at).where(Parcel.code == bindparam("code"))
    )
    row = {"org_id": "o", "code": "c", "is_known": False, "created_at": EVENING, "updated_at": EVENING}
    with looking() as connection:
        assert ask.glance(connection, code="c") == []
    with transaction() as session:
        session.execute(insert(Parcel), [row])
    for _ in range(2):
        with looking() as connection:
            assert ask.glance(connection, code="c") == ask.rows(connection, code="c") == [[False, EVENING]]
        with transaction() as session:  # a connection that still read would hold this up, or see the old row
            session.execute(update(Parcel).values(is_known=False))


def test_a_glance_that_fails_is_told_in_the_usual_way(app_on_both: Flask) -> None:
    ask = Prepared(lambda _dialect: select(literal_column("nothing_of_this_name")))
    with looking() as connection, pytest.raises(DatabaseError, match=r"no such column|does not exist"):
        ask.glance(connection)


def test_a_time_without_a_zone_is_refused(app_on_both: Flask) -> None:
    add = Prepared(lambda _dialect: insert(Event))
    with reading() as session, pytest.raises(Exception, match="without a zone"):
        add.run(session.connection(), **{**EVENT, "at": EVENING.replace(tzinfo=None)})


def test_a_row_that_lacks_a_column_is_an_error(app_on_both: Flask) -> None:
    add = Prepared(lambda _dialect: insert(Event))
    with reading() as session, pytest.raises(Exception, match="jws"):
        add.run(session.connection(), **{name: value for name, value in EVENT.items() if name != "jws"})


def test_no_rows_are_no_statement(app_on_both: Flask) -> None:
    with reading() as session:
        Prepared(lambda _dialect: insert(Event)).run_many(session.connection(), [])


def test_a_float_needs_nothing_done(app_on_both: Flask) -> None:
    assert isinstance(Place.lat.type, Float)
    with reading() as session:
        made = _compile(select(Place.lat), session.connection().dialect)
    assert made.out == ()
