"""What every office page says of the shop: its name, market and zone, and what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.store.models import Event, Organisation

ZONE = "time_zone"


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
    return Shop(row.name, row.market, zone_setting(row.settings))


def zone_setting(settings: Mapping[str, Any] | None) -> str | None:
    """The clock that these settings choose; None for the market's own."""
    return (settings or {}).get(ZONE) or None


def set_name(session: Session, org_id: str, name: str) -> None:
    """Call the shop so; under `lock_org`."""
    session.execute(update(Organisation).where(Organisation.id == org_id).values(name=name))


def set_market(session: Session, org_id: str, market: str) -> None:
    """Let the shop sell in this market; under `lock_org`."""
    session.execute(update(Organisation).where(Organisation.id == org_id).values(market=market))


def waiting_for_review(session: Session, org_id: str) -> int:
    """How many proofs nobody has judged yet."""
    return session.execute(
        select(func.count()).select_from(Event).where(Event.org_id == org_id, Event.review_state == "waiting")
    ).scalar_one()


def settings(session: Session, org_id: str) -> Mapping[str, Any]:
    """The organisation's own settings, by name."""
    kept = session.execute(
        select(Organisation.settings).where(Organisation.id == org_id)
    ).scalar_one_or_none()
    return kept or {}


def set_setting(session: Session, org_id: str, name: str, value: Any) -> None:
    """Keep one setting, or forget it (None); under `lock_org`, so that two changes do not meet."""
    kept = {**settings(session, org_id), name: value}
    left = {key: held for key, held in kept.items() if held is not None}
    session.execute(update(Organisation).where(Organisation.id == org_id).values(settings=left))
