"""Time stamps: one of each day, over all events that entered the ledger on it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Date, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import OrgId, Time, UtcDateTime, Words

_OPEN = text("response IS NULL")


class DayStamp(Base):
    """A day of UTC that is over. `leaves` are its events' digests one after the other, 32 bytes each, in their order.

    They are kept, so that nothing that happens to the ledger later changes what was stamped. `response` is what the
    authority answered, byte for byte, once that was checked; `stamped_at` and `authority` are its time and name. Until
    then `next_try_at` says when it is asked (again), and `last_error` why it was in vain.
    """

    __tablename__ = "day_stamps"
    __table_args__ = (Index("ix_day_stamps_open", "next_try_at", sqlite_where=_OPEN, postgresql_where=_OPEN),)
    org_id: Mapped[OrgId]
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    size: Mapped[int]
    root: Mapped[str] = mapped_column(String(64))
    leaves: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[Time]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[Time]
    last_error: Mapped[Words | None]
    response: Mapped[bytes | None] = mapped_column(LargeBinary)
    stamped_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    authority: Mapped[Words | None]
