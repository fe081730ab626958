"""Places and carriers of a shop, and what still names them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.store.models import Carrier, Parcel, Place, Run, Stock


def list_places(session: Session, org_id: str) -> list[Place]:
    """A shop's places by name."""
    return list(session.execute(select(Place).where(Place.org_id == org_id).order_by(Place.name)).scalars())


def list_carriers(session: Session, org_id: str) -> list[Carrier]:
    """A shop's carriers by name."""
    query = select(Carrier).where(Carrier.org_id == org_id).order_by(Carrier.name)
    return list(session.execute(query).scalars())


def carriers_for_phones(session: Session, org_id: str) -> list[dict[str, Any]]:
    """Each carrier as `sync.rules.export` wants it, by code: in one order, for the rules' version hangs on it."""
    rows = session.execute(
        select(
            Carrier.code,
            Carrier.name,
            Carrier.tracking_pattern,
            Carrier.check_digit.label("check"),
            Carrier.built_in,
        )
        .where(Carrier.org_id == org_id)
        .order_by(Carrier.code)
    )
    return [dict(row) for row in rows.mappings()]


def find_place(session: Session, org_id: str, place_id: str) -> Place | None:
    """One place of this shop, to read or to change."""
    return session.get(Place, (org_id, place_id))


def find_carrier(session: Session, org_id: str, code: str) -> Carrier | None:
    """One carrier of this shop, to read or to change."""
    return session.get(Carrier, (org_id, code))


def uses_of_place(session: Session, org_id: str, place_id: str) -> tuple[int, int]:
    """How many (parcels, runs) name a place."""
    return (
        _count(session, Parcel.org_id == org_id, Parcel.place_id == place_id),
        _count(session, Run.org_id == org_id, Run.place_id == place_id),
    )


def stock_at(session: Session, org_id: str, place_id: str) -> tuple[int, int]:
    """(pieces on hand, pieces reserved) in a place."""
    sums = select(func.coalesce(func.sum(Stock.on_hand), 0), func.coalesce(func.sum(Stock.reserved), 0))
    on_hand, reserved = session.execute(sums.where(Stock.org_id == org_id, Stock.place_id == place_id)).one()
    return int(on_hand), int(reserved)


def uses_of_carrier(session: Session, org_id: str, code: str) -> tuple[int, int]:
    """How many (parcels, runs) name a carrier."""
    return (
        _count(session, Parcel.org_id == org_id, Parcel.carrier == code),
        _count(session, Run.org_id == org_id, Run.carrier == code),
    )


def shown_at_place(session: Session, org_id: str, place_id: str) -> tuple[list[Run], list[str]]:
    """What phones show a place's name on: its open runs, and the codes of its parcels."""
    runs = select(Run).where(Run.org_id == org_id, Run.place_id == place_id, Run.state == "open")
    codes = select(Parcel.code).where(Parcel.org_id == org_id, Parcel.place_id == place_id)
    return list(session.execute(runs).scalars()), list(session.execute(codes).scalars())


def _count(session: Session, *rules: object) -> int:
    return session.execute(select(func.count()).where(*rules)).scalar_one()  # type: ignore[arg-type]
