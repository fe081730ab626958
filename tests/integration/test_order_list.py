"""The office's list of orders on both databases: newest first, keyset both ways, found by the index of their times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.support.shop import make_shop
from webapp import clock
from webapp.store.models import Order
from webapp.store.queries.orders import OrderList, OrderStep, list_orders
from webapp.store.unit import reading, transaction

HOURS = (
    5,
    1,
    None,
    3,
    3,
    9,
    None,
    3,
    0,
)  # since the order with this number was made; the numbers tell nothing of it
NEWEST_FIRST = ["8", "1", "7", "4", "3", "0", "5", "6", "2"]


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    org_id, now = make_shop(), clock.now()
    with transaction() as session:
        for number, hours in enumerate(HOURS):
            session.add(
                Order(
                    org_id=org_id,
                    order_id=str(number),
                    platform_status="To ship",
                    created_at=None if hours is None else now - timedelta(hours=hours),
                    seen_at=now,
                    digest="",
                )
            )
    return org_id


def page(org_id: str, step: OrderStep | None = None, limit: int = 2) -> OrderList:
    with reading() as session:
        return list_orders(session, org_id, None, step=step, limit=limit)


def ids(at: OrderList) -> list[str]:
    return [row.order.order_id for row in at.rows]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9, 50])
def test_orders_are_read_newest_first_without_gap_or_overlap_both_ways(org_id: str, limit: int) -> None:
    at = page(org_id, limit=limit)
    assert at.newer is None
    seen = ids(at)
    while at.older:
        at = page(org_id, at.older, limit)
        seen += ids(at)
    assert seen == NEWEST_FIRST
    back = ids(at)
    while at.newer:
        at = page(org_id, at.newer, limit)
        back = ids(at) + back
    assert back == NEWEST_FIRST


@pytest.mark.parametrize("which", ["first", "older", "newer"])
def test_a_page_of_orders_is_found_by_the_index_of_their_times(org_id: str, which: str) -> None:
    statements: list[tuple[str, Any]] = []
    older = page(org_id).older
    step = {"first": None, "older": older, "newer": page(org_id, older).newer}[which]
    with reading() as session:
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def _note(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
            statements.append((statement, parameters))

        list_orders(session, org_id, None, step=step, limit=2)
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:  # of so few, it would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        statement, parameters = statements[0]
        words = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = str(connection.exec_driver_sql(f"{words} {statement}", parameters).all())
    assert "ix_orders_org_id_created_at" in plan
    # Only those of one and the same moment are put in order, not all of the shop's.
    assert ("LAST TERM OF ORDER BY" if is_sqlite else "Incremental Sort") in plan
