"""What carriers' feeds have told: what waits, what is held, and the log of a carrier."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import CarrierReport, Parcel


def held(session: Session, org_id: str, carrier: str, ids: Collection[str]) -> dict[str, CarrierReport]:
    """Those of these reports that are here, by id."""
    query = select(CarrierReport).where(
        CarrierReport.org_id == org_id,
        CarrierReport.carrier == carrier,
        among(session, CarrierReport.id, ids),
    )
    return {row.id: row for row in session.execute(query).scalars()}


def parcels_by_number(session: Session, org_id: str, numbers: Collection[str]) -> dict[str, str]:
    """The parcel of each tracking number, as its code; should two have one number, the ledger's choice of them."""
    query = (
        select(Parcel.tracking_number, func.min(Parcel.code))
        .where(Parcel.org_id == org_id, among(session, Parcel.tracking_number, numbers))
        .group_by(Parcel.tracking_number)
    )
    return {number: code for number, code in session.execute(query) if number is not None}


def ready_to_settle(
    session: Session, org_id: str, carrier: str | None, after: tuple[datetime, str] | None, most: int
) -> list[CarrierReport]:
    """Reports whose parcel has turned up since, by (at, id); with a `carrier` also its own whose word waits."""
    rule = _found()
    if carrier is not None:
        waits = and_(CarrierReport.outcome == "unknown_status", CarrierReport.carrier == carrier)
        rule = or_(rule, waits)
    query = select(CarrierReport).where(CarrierReport.org_id == org_id, rule)
    if after is not None:
        query = query.where(tuple_(CarrierReport.at, CarrierReport.id) > tuple_(*after))
    return list(session.execute(query.order_by(CarrierReport.at, CarrierReport.id).limit(most)).scalars())


def shops_to_settle(session: Session) -> list[str]:
    """Every shop that has a report whose parcel has turned up since."""
    return list(session.execute(select(CarrierReport.org_id).where(_found()).distinct()).scalars())


def _found() -> ColumnElement[bool]:
    there = exists().where(
        Parcel.org_id == CarrierReport.org_id, Parcel.tracking_number == CarrierReport.tracking_number
    )
    return and_(CarrierReport.outcome == "unknown_parcel", there)


def log(
    session: Session, org_id: str, carrier: str, outcome: str = "", *, limit: int, offset: int = 0
) -> list[CarrierReport]:
    """What a carrier's feed has told, newest first; of one outcome, or of all."""
    query = select(CarrierReport).where(CarrierReport.org_id == org_id, CarrierReport.carrier == carrier)
    if outcome:
        query = query.where(CarrierReport.outcome == outcome)
    query = query.order_by(CarrierReport.received_at.desc(), CarrierReport.at.desc(), CarrierReport.id)
    return list(session.execute(query.limit(limit).offset(offset)).scalars())


def untranslated(session: Session, org_id: str) -> dict[str, int]:
    """How many different words of each carrier wait for a translation."""
    words = (
        select(CarrierReport.carrier, CarrierReport.word, CarrierReport.finer)
        .where(CarrierReport.org_id == org_id, CarrierReport.outcome == "unknown_status")
        .distinct()
        .subquery()
    )
    counted = session.execute(select(words.c.carrier, func.count()).group_by(words.c.carrier))
    return {row[0]: row[1] for row in counted}


def counts(session: Session, org_id: str) -> dict[str, dict[str, int]]:
    """How many reports of each carrier came to which outcome."""
    query = (
        select(CarrierReport.carrier, CarrierReport.outcome, func.count())
        .where(CarrierReport.org_id == org_id)
        .group_by(CarrierReport.carrier, CarrierReport.outcome)
    )
    found: dict[str, dict[str, int]] = {}
    for carrier, outcome, number in session.execute(query):
        found.setdefault(carrier, {})[outcome] = number
    return found


def last_received(session: Session, org_id: str) -> dict[str, datetime]:
    """When each carrier's feed was last heard of."""
    query = (
        select(CarrierReport.carrier, func.max(CarrierReport.received_at))
        .where(CarrierReport.org_id == org_id)
        .group_by(CarrierReport.carrier)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def unknown_words(session: Session, org_id: str, carrier: str, most: int = 50) -> list[tuple[str, str, int]]:
    """The words of a carrier that wait for a translation, with how often each was said: (word, finer, how often)."""
    query = (
        select(CarrierReport.word, CarrierReport.finer, func.count())
        .where(
            CarrierReport.org_id == org_id,
            CarrierReport.carrier == carrier,
            CarrierReport.outcome == "unknown_status",
        )
        .group_by(CarrierReport.word, CarrierReport.finer)
        .order_by(func.count().desc(), CarrierReport.word, CarrierReport.finer)
        .limit(most)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]
