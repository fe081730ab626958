"""Which parcels a person asks for: the office's filter and search, as conditions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.orm import Session

from sync.protocol import codes
from sync.rules.lifecycle import ENDED
from webapp.store.among import among
from webapp.store.models import Anomaly, Event, EventParcel, Parcel, ParcelOrder
from webapp.store.models.parcels import ASKED_TO_CANCEL

GIVEN_ON = ("drop_off", "collect", "deliver", "return")
AT_MOST = 1000
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

Query = Select[Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. `since` and `until` bound `by` (came_in or handed_over), the upper end excluded.

    `anomaly` is any, info, warning or urgent; `proof` is none, waiting, accept, reject or retake; `flag` is the name of
    one that is set or not.
    """

    q: str = ""
    status: str = ""
    carrier: str = ""
    seller: str = ""
    by: str = "came_in"
    since: datetime | None = None
    until: datetime | None = None
    anomaly: str = ""
    proof: str = ""
    flag: str = ""


def filtered(session: Session, org_id: str, own_seller: str | None, wanted: Filter) -> Query:
    """The parcels of a shop (of one seller) that fit, in no order."""
    query = select(Parcel).where(Parcel.org_id == org_id)
    if own_seller is not None:
        query = query.where(Parcel.seller == own_seller)
    for column, value in (
        (Parcel.status, wanted.status),
        (Parcel.carrier, wanted.carrier),
        (Parcel.seller, wanted.seller),
    ):
        if value:
            query = query.where(column == value)
    if wanted.flag:
        query = query.where(marked(session, org_id, wanted.flag))
    if wanted.q:
        query = query.where(among(session, Parcel.code, found_codes(session, org_id, wanted.q)))
    return _by_proof(_by_anomaly(_by_day(query, wanted), wanted, org_id), wanted, org_id)


def marked(session: Session, org_id: str, flag: str) -> ColumnElement[bool]:
    """The flag is set; `cancel_requested` as `asked_to_cancel` has it."""
    if flag == "cancel_requested":
        return among(session, Parcel.code, asked_to_cancel(session, org_id, None))
    is_set: ColumnElement[bool] = Parcel.flags[flag].as_boolean()
    return is_set


def asked_to_cancel(session: Session, org_id: str, own_seller: str | None) -> list[str]:
    """The parcels of which the buyer has asked to cancel them and nobody has decided: once one is over, nobody can."""
    query = select(Parcel.code).where(
        Parcel.org_id == org_id,
        literal_column(ASKED_TO_CANCEL[session.get_bind().dialect.name]),
        # All of them: with a bound to begin at, SQLite sees that the partial index serves best.
        Parcel.created_at > _BEFORE_ALL,
        Parcel.status.not_in(ENDED),
    )
    if own_seller is not None:
        # No plain column: the index of all that a seller ever had would look as good as the few that ask.
        query = query.where(func.coalesce(Parcel.seller, "") == own_seller)
    return list(session.execute(query).scalars())


def sort_column(wanted: Filter) -> Any:
    """The time that the list is ordered and bounded by."""
    return Parcel.handed_over_at if wanted.by == "handed_over" else Parcel.created_at


def found_codes(session: Session, org_id: str, text: str) -> list[str]:
    """Codes of the parcels that a typed text means: a code, a tracking number, an order or package id.

    An exact hit wins; without one, a piece of a tracking number or of an order id (4 characters or more).
    """
    key = codes.tracking_key(text)
    exact = [Parcel.tracking_number == key, Parcel.package_id == key, Parcel.code == key]
    if codes.is_code(text):
        exact.append(Parcel.code == codes.normalise(text))
    by_parcel = [_codes_where(session, org_id, condition) for condition in exact]
    by_order = _codes_of_orders(session, org_id, ParcelOrder.order_id == key)
    found = sorted({code for part in (*by_parcel, by_order) for code in part})
    if found or len(key) < 4:
        return found
    piece = _codes_where(session, org_id, Parcel.tracking_number.contains(key, autoescape=True))
    return piece or _codes_of_orders(session, org_id, ParcelOrder.order_id.contains(key, autoescape=True))


def _codes_where(session: Session, org_id: str, condition: ColumnElement[bool]) -> list[str]:
    query = select(Parcel.code).where(Parcel.org_id == org_id, condition).limit(AT_MOST)
    return list(session.execute(query).scalars())


def _codes_of_orders(session: Session, org_id: str, condition: ColumnElement[bool]) -> list[str]:
    query = select(ParcelOrder.code).where(ParcelOrder.org_id == org_id, condition).limit(AT_MOST)
    return list(session.execute(query).scalars())


def _by_day(query: Query, wanted: Filter) -> Query:
    column = sort_column(wanted)
    if wanted.by == "handed_over":
        query = query.where(Parcel.handed_over_at.is_not(None))
    if wanted.since is not None:
        query = query.where(column >= wanted.since)
    if wanted.until is not None:
        query = query.where(column < wanted.until)
    return query


def _by_anomaly(query: Query, wanted: Filter, org_id: str) -> Query:
    if not wanted.anomaly:
        return query
    # Written out, not bound: only so do both databases see that the partial index serves.
    query = query.where(Parcel.open_anomalies > literal_column("0"))
    if wanted.anomaly == "any":
        return query
    of_that_severity = select(Anomaly.parcel).where(
        Anomaly.org_id == org_id, Anomaly.is_open, Anomaly.severity == wanted.anomaly
    )
    return query.where(Parcel.code.in_(of_that_severity))


def _by_proof(query: Query, wanted: Filter, org_id: str) -> Query:
    if wanted.proof == "none":
        return query.where(Parcel.handed_over_at.is_(None), Parcel.delivered_at.is_(None))
    if not wanted.proof:
        return query
    judged = select(Event.id).where(
        Event.org_id == org_id, Event.review_state == wanted.proof, Event.kind.in_(GIVEN_ON)
    )
    scans = select(EventParcel.code).where(EventParcel.org_id == org_id, EventParcel.scanned.is_not(None))
    if wanted.proof == "accept":
        # Most are: walk the parcels in their order and look at each. The other states are few: begin with them.
        mine = scans.where(
            EventParcel.code == Parcel.code, judged.where(Event.id == EventParcel.event_id).exists()
        )
        return query.where(mine.correlate(Parcel).exists())
    return query.where(Parcel.code.in_(scans.where(EventParcel.event_id.in_(judged))))
