"""One parcel, whole: what is known of it, its orders and lines, every event, every anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.protocol import codes
from webapp.store.among import among
from webapp.store.models import (
    Anomaly,
    Carrier,
    EventParcel,
    Order,
    OrderLine,
    Parcel,
    ParcelOrder,
    Place,
    Run,
    RunParcel,
)
from webapp.store.queries.event_views import EventView, Finding, finding, views
from webapp.store.queries.parcel_filter import GIVEN_ON


@dataclass(frozen=True, slots=True)
class AnomalyView:
    """An anomaly with its sentence, the event it is about, and the event that closed it."""

    finding: Finding
    event: EventView | None
    event_id: str
    is_open: bool
    closing: EventView | None


@dataclass(frozen=True, slots=True)
class ParcelPage:
    """A parcel as its page shows it; `events` in effective order, `scanned` is what was read when not the code."""

    parcel: Parcel
    carrier_name: str | None
    place: str | None
    orders: tuple[Order, ...]
    lines: tuple[OrderLine, ...]
    runs: tuple[tuple[str, str, Any], ...]
    events: tuple[EventView, ...]
    scanned: dict[str, str]
    anomalies: tuple[AnomalyView, ...]

    @property
    def reached(self) -> dict[str, tuple[str, ...]]:
        """Which statuses each event was the first to bring, by the fold as it is now."""
        found: dict[str, tuple[str, ...]] = {}
        for status, first in (self.parcel.milestones or {}).items():
            found[first["event"]] = (*found.get(first["event"], ()), status)
        return found

    @property
    def troubles(self) -> tuple[AnomalyView, ...]:
        """What is open and more than a note, the worst first."""
        return tuple(a for a in self.anomalies if a.is_open and a.finding.severity != "info")

    @property
    def notes(self) -> tuple[AnomalyView, ...]:
        """What is open and only a note."""
        return tuple(a for a in self.anomalies if a.is_open and a.finding.severity == "info")

    @property
    def closed(self) -> tuple[AnomalyView, ...]:
        """What somebody has closed."""
        return tuple(a for a in self.anomalies if not a.is_open)

    @property
    def proof(self) -> str | None:
        """What the office thinks of its newest handover."""
        states = [e.review_state for e in self.events if e.kind in GIVEN_ON]
        return states[-1] if states else None


_BY_SEVERITY = {"urgent": 0, "warning": 1, "info": 2}


def resolve_code(session: Session, org_id: str, own_seller: str | None, text: str) -> str | None:
    """The stored code that a typed or linked one means, within this person's parcels; None when there is none."""
    wanted = codes.normalise(text) if codes.is_code(text) else text
    query = select(Parcel.code).where(Parcel.org_id == org_id, Parcel.code == wanted)
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    return session.execute(query).scalar_one_or_none()


def parcel_page(session: Session, org_id: str, code: str) -> ParcelPage:
    """All of a parcel that exists (see `resolve_code`)."""
    parcel = session.get_one(Parcel, (org_id, code))
    links = session.execute(
        select(EventParcel.event_id, EventParcel.scanned).where(
            EventParcel.org_id == org_id, EventParcel.code == code
        )
    ).all()
    events = tuple(views(session, org_id, [row.event_id for row in links], code))
    orders = _orders(session, org_id, code)
    return ParcelPage(
        parcel=parcel,
        carrier_name=_name(session, Carrier.name, Carrier.org_id == org_id, Carrier.code == parcel.carrier),
        place=_name(session, Place.name, Place.org_id == org_id, Place.id == parcel.place_id),
        orders=orders,
        lines=order_lines(session, org_id, [o.order_id for o in orders]),
        runs=_runs(session, org_id, code),
        events=events,
        scanned={row.event_id: row.scanned for row in links if row.scanned and row.scanned != code},
        anomalies=_anomalies(session, org_id, code, {e.id: e for e in events}),
    )


def order_lines(session: Session, org_id: str, order_ids: list[str]) -> tuple[OrderLine, ...]:
    """The lines of these orders, order by order."""
    query = (
        select(OrderLine)
        .where(OrderLine.org_id == org_id, among(session, OrderLine.order_id, order_ids))
        .order_by(OrderLine.order_id, OrderLine.product, OrderLine.sku_id)
    )
    return tuple(session.execute(query).scalars())


def _orders(session: Session, org_id: str, code: str) -> tuple[Order, ...]:
    query = (
        select(Order)
        .join(ParcelOrder, (ParcelOrder.org_id == Order.org_id) & (ParcelOrder.order_id == Order.order_id))
        .where(ParcelOrder.org_id == org_id, ParcelOrder.code == code)
        .order_by(Order.order_id)
    )
    return tuple(session.execute(query).scalars())


def _runs(session: Session, org_id: str, code: str) -> tuple[tuple[str, str, datetime | None], ...]:
    rows = session.execute(
        select(Run.id, Run.title, RunParcel.removed_at)
        .join(RunParcel, (RunParcel.org_id == Run.org_id) & (RunParcel.run_id == Run.id))
        .where(RunParcel.org_id == org_id, RunParcel.code == code)
        .order_by(Run.day, Run.id)
    )
    return tuple((row.id, row.title, row.removed_at) for row in rows)


def _anomalies(
    session: Session, org_id: str, code: str, events: dict[str, EventView]
) -> tuple[AnomalyView, ...]:
    rows = session.execute(select(Anomaly).where(Anomaly.org_id == org_id, Anomaly.parcel == code)).scalars()
    found = [
        AnomalyView(
            finding(row.code, row.detail),
            events.get(row.event_id),
            row.event_id,
            row.is_open,
            events.get(row.closed_by) if row.closed_by else None,
        )
        for row in rows
    ]
    return tuple(
        sorted(found, key=lambda a: (not a.is_open, _BY_SEVERITY.get(a.finding.severity, 1), a.finding.code))
    )


def _name(session: Session, column: Any, *conditions: Any) -> str | None:
    name: str | None = session.execute(select(column).where(*conditions)).scalar_one_or_none()
    return name
