"""Find out whom a notice reaches, and by which channels: a delivery for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uuid_utils

from webapp.settings import Settings
from webapp.store.models import Notice, NoticeSettings
from webapp.store.queries import notices as ask
from webapp.store.queries import push
from webapp.store.queries.notices import Reader
from webapp.store.unit import Session, transaction

AT_ONCE = 200


def make_ready(settings: Settings, now: datetime, only: tuple[str, str] | None = None) -> int:
    """Make the deliveries of notices that have none yet, a few hundred at most; gives how many notices that were.

    `only`: of the one with this shop and key.

    One transaction: a notice is either new, or all its deliveries are there.
    """
    with transaction() as session:
        taken = ask.take_new(session, AT_ONCE, only)
        book = _Book(session, settings)
        rows: list[dict[str, Any]] = []
        for notice in taken:
            targets = book.targets(notice)
            rows += [_row(notice, each, now) for each in targets]
            notice.state = "waiting" if targets else ask.untold(notice.kind, "unsent")
        session.flush()
        ask.add_deliveries(session, rows)
    return len(taken)


@dataclass(frozen=True, slots=True)
class _Target:
    channel: str
    target: str
    user_id: str | None = None


@dataclass(slots=True)
class _Book:
    """Who is where, looked up once for all notices of one round."""

    session: Session
    settings: Settings
    shops: dict[str, NoticeSettings] = field(default_factory=dict)
    people: dict[tuple[str, str, str], list[Reader]] = field(default_factory=dict)

    def targets(self, notice: Notice) -> list[_Target]:
        """Every channel that this notice goes by; none when it has to be told by hand."""
        shop = self._shop(notice.org_id)
        found: list[_Target] = []
        if notice.to_kind == "address":
            if self._has_mail(shop) and notice.to:
                found.append(_Target("email", notice.to))
        else:
            for reader in self._readers(notice):
                found += self._of(reader, notice.org_id, shop)
        if shop.webhook_url:
            found.append(_Target("webhook", ""))
        return list({(each.channel, each.target): each for each in found}.values())

    def _of(self, reader: Reader, org_id: str, shop: NoticeSettings) -> list[_Target]:
        found = []
        if self._has_mail(shop) and reader.by_email and reader.email:
            found.append(_Target("email", reader.email, reader.id))
        if shop.by_push:
            browsers = push.open_of(self.session, org_id, reader.id)
            found += [_Target("push", each, reader.id) for each in browsers]
        return found

    def _has_mail(self, shop: NoticeSettings) -> bool:
        return self.settings.smtp is not None and shop.by_email

    def _shop(self, org_id: str) -> NoticeSettings:
        if org_id not in self.shops:
            self.shops[org_id] = ask.shop_settings(self.session, org_id)
        return self.shops[org_id]

    def _readers(self, notice: Notice) -> list[Reader]:
        key = (notice.org_id, notice.to_kind, notice.to)
        if key not in self.people:
            found = ask.readers(self.session, *key)
            if not found and notice.to_kind == "seller":
                found = ask.readers(self.session, notice.org_id, "role", "office")
            self.people[key] = found
        return self.people[key]


def _row(notice: Notice, target: _Target, now: datetime) -> dict[str, Any]:
    return {
        "org_id": notice.org_id,
        "id": str(uuid_utils.uuid7()),
        "notice_id": notice.id,
        "channel": target.channel,
        "target": target.target,
        "user_id": target.user_id,
        "state": "waiting",
        "next_try_at": now,
        "created_at": now,
    }
