"""What the tables keep of the fold, chunk by chunk, to be held against the events."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import Anomaly, Parcel


def codes_after(session: Session, org_id: str, after: str, limit: int) -> list[str]:
    """The next codes of a shop's parcels in their order; begin with ``""``."""
    query = select(Parcel.code).where(Parcel.org_id == org_id, Parcel.code > after)
    return list(session.execute(query.order_by(Parcel.code).limit(limit)).scalars())


def parcels(session: Session, org_id: str, codes: Sequence[str]) -> list[Parcel]:
    """The rows of these parcels."""
    query = select(Parcel).where(Parcel.org_id == org_id, among(session, Parcel.code, codes))
    return list(session.execute(query).scalars())


def anomalies(session: Session, org_id: str, codes: Sequence[str]) -> list[Anomaly]:
    """What is held against these parcels, open or closed."""
    query = select(Anomaly).where(Anomaly.org_id == org_id, among(session, Anomaly.parcel, codes))
    return list(session.execute(query).scalars())
