"""How long the bytes of photos and signatures are kept: the shop's numbers, and the least that makes sense.

Digests and events stay for ever; only pictures go. Plain data and small functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sync.protocol.problems import Problem
from sync.rules.cases import COMPLAINT_WITHIN

SIGNATURE = "signature"
LEAST_DAYS = COMPLAINT_WITHIN.days  # R30: until a complaint's time is over, the photos are what answers it
MOST_DAYS = 3650
BEGINS_AFTER = timedelta(days=1)  # a number typed wrong can be put right before anything is gone
WHY_LEAST = f"A complaint has {LEAST_DAYS} days: until then the photos are what answers it."


@dataclass(frozen=True, slots=True)
class Keeping:
    """After how many days pictures go; None keeps them for ever. Nothing goes before `begins_at`."""

    photos: int | None = None
    signatures: int | None = None
    begins_at: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything ever goes."""
        return self.photos is not None or self.signatures is not None

    def days_of(self, role: str) -> int | None:
        """The number for a picture of this role (`photo`, `tag`, `signature`)."""
        return self.signatures if role == SIGNATURE else self.photos

    def before(self, role: str, now: datetime) -> datetime | None:
        """Pictures of this role that came home before this time may go; None when none may."""
        days = self.days_of(role)
        if days is None or (self.begins_at is not None and now < self.begins_at):
            return None
        return now - timedelta(days=days)

    def is_stricter_than(self, other: Keeping) -> bool:
        """Whether something goes that would stay, or goes sooner."""
        pairs = ((self.photos, other.photos), (self.signatures, other.signatures))
        return any(mine is not None and (theirs is None or mine < theirs) for mine, theirs in pairs)

    def as_dict(self) -> dict[str, Any]:
        """The two numbers, as an audit entry and a command tell them."""
        return {"photos": self.photos, "signatures": self.signatures}


def checked(name: str, text: str) -> int | None:
    """A number of days as somebody typed it; empty keeps for ever. Problem `field-invalid`."""
    typed = text.strip()
    if not typed:
        return None
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    if days < LEAST_DAYS:
        raise Problem("field-invalid", f"At least {LEAST_DAYS} days, or nothing. {WHY_LEAST}", field=name)
    if days > MOST_DAYS:
        raise Problem(
            "field-invalid", f"At most {MOST_DAYS} days; leave it empty to keep them for ever.", field=name
        )
    return days
