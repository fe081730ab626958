"""What people are told: notices, their deliveries by each channel, and where a shop and its people want them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Count, JsonObject, OrgId, Time, UtcDateTime, Words

# What the phone shows by itself in its list of tasks.
LISTED_KINDS = ("retake",)


class Notice(Base):
    """One thing that somebody is to be told once: `key` is unique in a shop, raising it again changes nothing.

    `to_kind` is person (a user's id), role, seller (the shop's name on its orders) or address (an e-mail);
    `params` fill the words of `kind` in the reader's language.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("org_id", "key"),
        Index(None, "org_id", "created_at", "id"),
        Index(None, "state", "org_id"),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    to_kind: Mapped[str] = mapped_column(String(16))
    to: Mapped[str] = mapped_column(String(255))
    params: Mapped[JsonObject]
    # `new` no delivery made yet; `waiting` some delivery is under way; `told` at least one arrived; `failed` every one
    # ended otherwise; `unsent` there was no channel for it; `listed` none took it, and it is of LISTED_KINDS;
    # `by_hand` the office told it itself.
    state: Mapped[str] = mapped_column(String(16), default="new")
    created_at: Mapped[Time]
    settled_by: Mapped[str | None] = mapped_column(String(36))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Delivery(Base):
    """One notice on its way by one channel (email, push, webhook) to one target.

    `target` is an e-mail, a subscription's id, or empty for the shop's own webhook. `lease` is held by whoever
    sends it just now, until `leased_until`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("org_id", "notice_id", "channel", "target"),
        Index(None, "state", "next_try_at"),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    notice_id: Mapped[str] = mapped_column(String(36))
    channel: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[str | None] = mapped_column(String(36))
    # waiting, sending, sent; `maybe` was handed over without an answer and is not sent again by itself; `refused` for
    # good; `given_up` after the last try.
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    tries: Mapped[Count] = mapped_column(default=0)
    next_try_at: Mapped[Time]
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(String(36))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[Words] = mapped_column(default="")
    created_at: Mapped[Time]
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NoticeSettings(Base):
    """How a shop tells: its language, quiet hours (`HH:MM` in its zone, both or none) and channels."""

    __tablename__ = "notice_settings"
    org_id: Mapped[OrgId]
    language: Mapped[str | None] = mapped_column(String(8))
    quiet_from: Mapped[str | None] = mapped_column(String(5))
    quiet_until: Mapped[str | None] = mapped_column(String(5))
    by_email: Mapped[bool] = mapped_column(default=True)
    by_push: Mapped[bool] = mapped_column(default=True)
    reply_to: Mapped[str | None] = mapped_column(String(255))
    webhook_url: Mapped[str | None] = mapped_column(String(1000))
    webhook_secret: Mapped[str | None] = mapped_column(String(100))


class NoticeChoice(Base):
    """How one person wants to be told; without a row as the shop does."""

    __tablename__ = "notice_choices"
    org_id: Mapped[OrgId]
    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(8))
    by_email: Mapped[bool] = mapped_column(default=True)


class PushSubscription(Base):
    """A browser that agreed to be told for one person; `vapid_key` is the public key that it agreed to.

    `device_id` is the phone's, null for a browser of the office.
    """

    __tablename__ = "push_subscriptions"
    __table_args__ = (
        UniqueConstraint("org_id", "user_id", "endpoint_sha256"),
        Index(None, "org_id", "endpoint_sha256"),
    )
    org_id: Mapped[OrgId]
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    device_id: Mapped[str | None] = mapped_column(String(36))
    endpoint: Mapped[Words]
    endpoint_sha256: Mapped[str] = mapped_column(String(64))
    p256dh: Mapped[str] = mapped_column(String(100))
    auth: Mapped[str] = mapped_column(String(40))
    vapid_key: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[Time]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_why: Mapped[Words] = mapped_column(default="")
