"""Who there is: the installation, the shops on it, and the people of a shop."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import Count, JsonObject, Key, Short, Time, UtcDateTime, Words

ROLES = ("office", "seller", "courier", "driver", "admin")
DESK_ROLES = ("office", "seller", "admin")
# What a seller without a named shop is narrowed to: no parcel has it, not even those without a seller.
NO_SHOP = "\x7f"


class Installation(Base):
    """One row of facts about this installation by name: its epoch, when it was made."""

    __tablename__ = "installation"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Words]


class Organisation(Base):
    """A shop or a carrier: the scope of every query. `head` numbers its changes in commit order.

    The clock has made the deadlines of every parcel up to (`swept_changed`, `swept_code`) in the order of changes;
    `swept_by` is the stamp of the terms and the zone that the open ones were judged by.
    """

    __tablename__ = "organisations"
    id: Mapped[Key]
    name: Mapped[Words]
    market: Mapped[Short]
    created_at: Mapped[Time]
    head: Mapped[Count] = mapped_column(default=0)
    swept_changed: Mapped[Count] = mapped_column(default=0, server_default="0")
    swept_code: Mapped[str] = mapped_column(String(128), default="", server_default="")
    swept_by: Mapped[str | None] = mapped_column(String(64))
    settings: Mapped[JsonObject] = mapped_column(default=dict)


class RoleName(RoleMixin):
    """A role as Flask-Security asks for it; ours are words on the user, not rows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.permissions: list[str] = []


class User(Base, UserMixin):
    """A person; an e-mail and a password only for those who sign in to the office. `erased_at`: no name any more."""

    __tablename__ = "users"
    id: Mapped[Key]  # type: ignore[assignment]  # the library names an integer, and takes any
    org_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[Words]
    role: Mapped[Short]
    seller: Mapped[str | None] = mapped_column(String(128))
    email: Mapped[str | None] = mapped_column(String(255), unique=True)  # type: ignore[assignment]
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[Time]
    last_signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def roles(self) -> list[Any]:  # type: ignore[override]
        """The one role, as Flask-Security asks for it."""
        return [RoleName(self.role)]

    @property
    def is_desk(self) -> bool:
        """Whether this person may sign in to the office."""
        return self.role in DESK_ROLES and self.password is not None
