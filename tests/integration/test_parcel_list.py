"""The office's list of parcels on both databases: keyset, filter and search give what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.support.desk import hand_over
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.store.models import Parcel
from webapp.store.queries.parcel_filter import Filter, asked_to_cancel, found_codes
from webapp.store.queries.parcels import Page, Step, list_parcels
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


def page(org_id: str, wanted: Filter | None = None, step: Step | None = None, limit: int = 7) -> Page:
    with reading() as session:
        return list_parcels(session, org_id, None, wanted or Filter(), step, limit)


def walk(org_id: str, wanted: Filter | None = None) -> list[str]:
    at, seen = page(org_id, wanted), []
    seen += [row.code for row in at.rows]
    while at.older:
        at = page(org_id, wanted, at.older)
        seen += [row.code for row in at.rows]
    return seen


def spread(org_id: str, codes: list[str]) -> None:
    """Give them times in pairs, a microsecond apart from the next, so that ties and neighbours both occur."""
    start = clock.now()
    with transaction() as session:
        for i, code in enumerate(codes):
            session.get_one(Parcel, (org_id, code)).created_at = start + timedelta(microseconds=i // 2)


def test_pages_meet_without_gap_or_overlap_in_both_directions(org_id: str) -> None:
    codes = make_parcels(org_id, 40)
    spread(org_id, codes)
    seen = walk(org_id)
    assert len(seen) == 40
    assert set(seen) == set(codes)
    at = page(org_id)
    while at.older:
        at = page(org_id, step=at.older)
    back = [row.code for row in at.rows]
    while at.newer:
        at = page(org_id, step=at.newer)
        back = [row.code for row in at.rows] + back
    assert back == seen


def test_handovers_are_paged_by_when_they_were(app_on_both: Flask, org_id: str) -> None:
    codes = make_parcels(org_id, 16)
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))
    for minute, code in enumerate(codes[:9]):
        hand_over(phone, org_id, [code], minute=minute, is_home=False)
    assert walk(org_id, Filter(by="handed_over")) == list(reversed(codes[:9]))
    assert set(walk(org_id, Filter(proof="waiting"))) == set(codes[:9])
    assert set(walk(org_id, Filter(proof="none"))) == set(codes[9:])
    assert set(walk(org_id, Filter(anomaly="info"))) == set(codes[:9])


@pytest.mark.parametrize("own_seller", [None, "Toko A"])
def test_requests_to_cancel_are_found_without_reading_every_parcel(
    org_id: str, own_seller: str | None
) -> None:
    [asked] = make_parcels(org_id, 1, flags={"cancel_requested": True})
    make_parcels(org_id, 3, seed=2, flags={"cancel_requested": False})
    make_parcels(org_id, 1, seed=3, flags={"cancel_requested": True}, status="delivered")
    assert walk(org_id, Filter(flag="cancel_requested")) == [asked]
    statements: list[tuple[str, Any]] = []
    with reading() as session:
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def _note(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
            statements.append((statement, parameters))

        assert asked_to_cancel(session, org_id, own_seller) == ([] if own_seller else [asked])
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:  # of so few, it would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        statement, parameters = statements[0]
        words = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = str(connection.exec_driver_sql(f"{words} {statement}", parameters).all())
    assert "ix_parcels_asked_to_cancel" in plan


def test_a_total_is_counted_up_to_a_thousand(org_id: str) -> None:
    make_parcels(org_id, 12)
    assert (page(org_id).total, page(org_id).is_more_than_total) == (12, False)


def test_a_piece_of_a_tracking_number_finds_it_and_wildcards_are_text(org_id: str) -> None:
    [code] = make_parcels(org_id, 1, tracking_number="JT00_12%345678")
    make_parcels(org_id, 2, seed=2, tracking_number="JT00X12Y345678")
    with reading() as session:
        assert found_codes(session, org_id, "00_12%3") == [code]
        assert found_codes(session, org_id, "jt00_12%34 5678") == [code]
        assert found_codes(session, org_id, "%") == []
