"""Who carries, and what carriers have told us of parcels."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Json, OrgId, Time, UtcDateTime, Words


class Carrier(Base):
    """Who carries: `code` is our word for it, `names` what exports call it.

    `built_in` is its code in the public table (`sync.rules.carriers`), where it is one of that. `status_words` are its
    own words for a parcel's state and what each means (`sync.rules.vocabulary`). `feed_salt` is what its feed's secret
    and key are made from, together with the installation's own key: neither is kept. `areas` are where it delivers and
    for how much: `[{area, price, days}]`, the area "" for everywhere.
    """

    __tablename__ = "carriers"
    org_id: Mapped[OrgId]
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[Words]
    names: Mapped[list[Any]] = mapped_column(Json, default=list)
    built_in: Mapped[str | None] = mapped_column(String(64))
    tracking_pattern: Mapped[str | None] = mapped_column(Text)
    check_digit: Mapped[str | None] = mapped_column(String(16))
    provider_id: Mapped[str | None] = mapped_column(String(64))
    contract_ref: Mapped[str | None] = mapped_column(String(128))
    contract_until: Mapped[date | None] = mapped_column(Date)
    status_words: Mapped[dict[str, Any] | None] = mapped_column(Json)
    areas: Mapped[list[Any] | None] = mapped_column(Json)
    feed_salt: Mapped[str | None] = mapped_column(String(64))
    feed_made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CarrierReport(Base):
    """One thing that a carrier's feed said of a parcel, kept whatever became of it; `id` is the feed's own event id.

    `outcome` is applied (the parcel moved), recorded (an event, nothing moved), told (nothing that the carrier did),
    unknown_parcel or unknown_status (both wait), or conflict (an id said twice with different words).
    """

    __tablename__ = "carrier_reports"
    __table_args__ = (
        Index(None, "org_id", "received_at"),
        Index(None, "org_id", "outcome", "tracking_number"),
        Index(None, "org_id", "parcel"),
    )
    org_id: Mapped[OrgId]
    carrier: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))
    tracking_number: Mapped[str] = mapped_column(String(64))
    word: Mapped[str] = mapped_column(String(128))
    finer: Mapped[str] = mapped_column(String(128))
    vocabulary: Mapped[str] = mapped_column(String(16))
    status: Mapped[str | None] = mapped_column(String(32))
    at: Mapped[Time]
    place: Mapped[str | None] = mapped_column(String(255))
    note: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[Time]
    made_by: Mapped[str | None] = mapped_column(String(36))
    outcome: Mapped[str] = mapped_column(String(16))
    parcel: Mapped[str | None] = mapped_column(String(128))
    event_id: Mapped[str | None] = mapped_column(String(36))
