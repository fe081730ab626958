"""What every office page says of the shop: its name, market and zone, and what waits."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.store.models import Event, Organisation


@dataclass(frozen=True, slots=True)
class Shop:
    """One organisation as a page needs it; `zone` is its own setting or None for the market's."""

    name: str
    market: str
    zone: str | None


def is_founded(session: Session) -> bool:
    """Whether there is any shop here."""
    return session.execute(select(Organisation.id).limit(1)).first() is not None


def all_ids(session: Session) -> list[str]:
    """Every shop of this installation."""
    return list(session.execute(select(Organisation.id).order_by(Organisation.id)).scalars())


def shop(session: Session, org_id: str) -> Shop:
    """The organisation of the signed-in person."""
    row = session.execute(
        select(Organisation.name, Organisation.market, Organisation.settings).where(Organisation.id == org_id)
    ).one()
    return Shop(row.name, row.market, (row.settings or {}).get("time_zone"))


def waiting_for_review(session: Session, org_id: str) -> int:
    """How many proofs nobody has judged yet."""
    return session.execute(
        select(func.count()).select_from(Event).where(Event.org_id == org_id, Event.review_state == "waiting")
    ).scalar_one()
