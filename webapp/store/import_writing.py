"""Write what an import changes in the books: rows in bulk, each statement once for a whole chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, bindparam, case, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sync.rules.carriers import named
from webapp.store.among import among
from webapp.store.models import (
    ABOUT_BUYER,
    Anomaly,
    BlobRef,
    Carrier,
    CarrierReport,
    CaseParcel,
    Deadline,
    EventParcel,
    LabelCheck,
    Order,
    OrderLine,
    Parcel,
    ParcelOrder,
    RunParcel,
)

Row = Mapping[str, Any]


def put_orders(session: Session, org_id: str, orders: Sequence[Row], lines: Sequence[Row]) -> None:
    """Insert or overwrite orders and their lines, which are exactly those of its newest export.

    The marketplace's deadlines for an order, which few exports have, stay. Of an order whose buyer was erased nothing
    comes back that says who that was.
    """
    _put(
        session,
        Order,
        [{"org_id": org_id, **row} for row in orders],
        ("org_id", "order_id"),
        keep=("own_times",),
        unless_erased=ABOUT_BUYER,
    )
    _drop_lines(session, org_id, [row["order_id"] for row in orders], lines)
    _put(session, OrderLine, [{"org_id": org_id, **row} for row in lines], ("org_id", "order_id", "sku_id"))


def _drop_lines(session: Session, org_id: str, order_ids: Collection[str], named: Sequence[Row]) -> None:
    """Take out the lines of these orders that are not among those named."""
    if not order_ids:
        return
    there = session.execute(
        select(OrderLine.order_id, OrderLine.sku_id).where(
            OrderLine.org_id == org_id, among(session, OrderLine.order_id, order_ids)
        )
    )
    stale = {(row.order_id, row.sku_id) for row in there} - {
        (row["order_id"], row["sku_id"]) for row in named
    }
    if stale:
        table = _table(OrderLine)
        session.execute(
            delete(table).where(
                table.c.org_id == org_id,
                table.c.order_id == bindparam("b_order_id"),
                table.c.sku_id == bindparam("b_sku_id"),
            ),
            [{"b_order_id": order_id, "b_sku_id": sku_id} for order_id, sku_id in sorted(stale)],
        )


def touch_orders(session: Session, org_id: str, order_ids: Collection[str], seen_at: datetime) -> None:
    """A newer export says the same of these orders."""
    if order_ids:
        session.execute(
            update(_table(Order))
            .where(
                Order.org_id == org_id,
                among(session, Order.order_id, order_ids),
                _table(Order).c.seen_at < seen_at,
            )
            .values(seen_at=seen_at)
        )


def add_parcels(session: Session, org_id: str, head: int, now: datetime, rows: Sequence[Row]) -> None:
    """New parcels, expected; their facts come after."""
    common = {"org_id": org_id, "is_known": True, "status": "expected", "flags": {}, "milestones": {}}
    stamps = {"is_deemed": False, "open_anomalies": 0, "created_at": now, "updated_at": now, "changed": head}
    if rows:
        session.execute(insert(_table(Parcel)), [{**common, **stamps, **row} for row in rows])


_BOOK_COLUMNS = ("package_id", "tracking_number", "carrier", "seller", "fragile", "items", "place_id")


def change_parcels(session: Session, org_id: str, head: int, now: datetime, rows: Sequence[Row]) -> None:
    """What the books say of parcels we have; each becomes known. Rows have `code` and all the books' columns."""
    if not rows:
        return
    table = _table(Parcel)
    session.execute(
        update(table)
        .where(table.c.org_id == org_id, table.c.code == bindparam("b_code"))
        .values(
            is_known=True,
            updated_at=now,
            changed=head,
            **{name: bindparam(f"b_{name}") for name in _BOOK_COLUMNS},
        ),
        [{f"b_{name}": row[name] for name in ("code", *_BOOK_COLUMNS)} for row in rows],
    )


def link_orders(session: Session, org_id: str, pairs: Collection[tuple[str, str]]) -> None:
    """Say which orders are in which parcel, as (code, order id); what is said already stays."""
    rows = [{"org_id": org_id, "code": code, "order_id": order_id} for code, order_id in pairs]
    if rows:
        session.execute(_flavour(session).insert(_table(ParcelOrder)).on_conflict_do_nothing(), rows)


def part_orders(session: Session, org_id: str, pairs: Collection[tuple[str, str]]) -> None:
    """Take orders out of parcels that hold others too, as (code, order id); what stays in them is counted again."""
    if not pairs:
        return
    links = _table(ParcelOrder)
    session.execute(
        delete(links).where(
            links.c.org_id == org_id,
            links.c.code == bindparam("b_code"),
            links.c.order_id == bindparam("b_order_id"),
        ),
        [{"b_code": code, "b_order_id": order_id} for code, order_id in pairs],
    )
    items = _pieces(session, org_id, {code for code, _ in pairs})
    parcels = _table(Parcel)
    if items:
        session.execute(
            update(parcels)
            .where(parcels.c.org_id == org_id, parcels.c.code == bindparam("b_code"))
            .values(items=bindparam("b_items")),
            [{"b_code": code, "b_items": pieces} for code, pieces in sorted(items.items())],
        )


def _pieces(session: Session, org_id: str, codes: Collection[str]) -> dict[str, int]:
    """How many pieces these parcels hold by their orders; not said of one whose order is in another one too."""
    mine = select(ParcelOrder.order_id).where(
        ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes)
    )
    links = session.execute(
        select(ParcelOrder.code, ParcelOrder.order_id)
        .join(Parcel, and_(Parcel.org_id == ParcelOrder.org_id, Parcel.code == ParcelOrder.code))
        .where(ParcelOrder.org_id == org_id, ParcelOrder.order_id.in_(mine), Parcel.status != "cancelled")
    ).all()
    lines = session.execute(
        select(OrderLine.order_id, func.sum(OrderLine.quantity))
        .where(OrderLine.org_id == org_id, OrderLine.order_id.in_(mine))
        .group_by(OrderLine.order_id)
    )
    pieces = {order_id: int(quantity) for order_id, quantity in lines}
    parcels_of = Counter(order_id for _, order_id in links)
    found: dict[str, int] = {}
    for code in codes:
        its = [order_id for held, order_id in links if held == code]
        if its and all(parcels_of[order_id] == 1 for order_id in its):
            found[code] = sum(pieces.get(order_id, 0) for order_id in its)
    return found


def mark_parcels_of(session: Session, org_id: str, head: int, order_ids: Collection[str]) -> None:
    """Give the parcels of these orders a new change number: a phone that has one reads its address again."""
    if order_ids:
        table, links = _table(Parcel), _table(ParcelOrder)
        codes = select(links.c.code).where(
            links.c.org_id == org_id, among(session, ParcelOrder.order_id, order_ids)
        )
        session.execute(
            update(table).where(table.c.org_id == org_id, table.c.code.in_(codes)).values(changed=head)
        )


def merge_parcel(session: Session, org_id: str, source: str, into: str) -> None:
    """Give a parcel that was only ever scanned to the one it turned out to be; its events go along.

    The events themselves name the tracking number, which is the other parcel's from now on: this is the same
    link that would have been made had the import come before the scan.
    """
    events = select(EventParcel.event_id).where(EventParcel.org_id == org_id, EventParcel.code == source)
    # What was seen in its photos was said of the old code: they are looked at anew under the other one.
    session.execute(
        update(BlobRef)
        .where(BlobRef.org_id == org_id, BlobRef.event_id.in_(events))
        .values(is_checked=False)
        .execution_options(synchronize_session=False)
    )
    for model, column in (
        (EventParcel, "code"),
        (RunParcel, "code"),
        (BlobRef, "parcel"),
        (CarrierReport, "parcel"),
        (CaseParcel, "code"),
        (LabelCheck, "code"),
    ):
        _repoint(session, model, column, org_id, source, into)
    for stale in (_table(Anomaly), _table(Deadline)):
        session.execute(delete(stale).where(stale.c.org_id == org_id, stale.c.parcel == source))
    parcels = _table(Parcel)
    session.execute(delete(parcels).where(parcels.c.org_id == org_id, parcels.c.code == source))


def _repoint(session: Session, model: Any, column: str, org_id: str, source: str, into: str) -> None:
    table = _table(model)
    other = table.alias()
    keys = [key.name for key in table.primary_key if key.name not in {"org_id", column}]
    there = exists(
        select(other.c.org_id).where(
            other.c.org_id == org_id,
            other.c[column] == into,
            and_(*(other.c[key] == table.c[key] for key in keys)),
        )
    )
    its = (table.c.org_id == org_id, table.c[column] == source)
    session.execute(update(table).where(*its, ~there).values({column: into}))
    session.execute(delete(table).where(*its))


def add_carriers(session: Session, org_id: str, made: Mapping[str, str]) -> None:
    """New carriers by code, with the name the export calls them, and the public table's code where it has them."""
    rows = [
        {
            "org_id": org_id,
            "code": code,
            "name": name,
            "names": [name],
            "built_in": known.code if (known := named(name)) else None,
        }
        for code, name in made.items()
    ]
    if rows:
        session.execute(_flavour(session).insert(_table(Carrier)).on_conflict_do_nothing(), rows)


def _put(
    session: Session,
    model: Any,
    rows: list[dict[str, Any]],
    keys: tuple[str, ...],
    keep: tuple[str, ...] = (),
    unless_erased: tuple[str, ...] = (),
) -> None:
    """`keep` are columns that an empty value does not overwrite, `unless_erased` those that an erased row lets be."""
    if not rows:
        return
    table = _table(model)
    statement = _flavour(session).insert(table)
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    fresh |= {name: func.coalesce(statement.excluded[name], table.c[name]) for name in keep}
    for name in unless_erased:
        fresh[name] = case((table.c.erased_at.is_(None), statement.excluded[name]), else_=table.c[name])
    session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=fresh), rows)


def _flavour(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
