"""Say that somebody is to be told something: one row inside the caller's own transaction, and once for each key.

    raise_notice(session, org_id, kind="remind", key=f"remind:{order}:{day}", to=to_role("office"),
                 params={"order": order, "until": deadline}, now=now)

Raising is cheap (one insert): who is reached by which channel, and in which language, is found out by the clockwork.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils

from sync.protocol.times import format_time
from webapp.services.notices.kinds import KINDS, TIMES
from webapp.store.models import ROLES
from webapp.store.queries import notices
from webapp.store.unit import Session

LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class To:
    """Who is to be told; made by the functions below."""

    kind: str
    value: str


def to_person(user_id: str) -> To:
    """One person of the shop."""
    return To("person", user_id)


def to_role(role: str) -> To:
    """Everybody at work with this role; `office` are all who do the office's work, administrators too.

    Sellers see their own orders only: see `to_seller`.
    """
    if role not in ROLES or role == "seller":
        raise ValueError(f"nobody is told as {role}")
    return To("role", role)


def to_seller(seller: str | None) -> To:
    """The sellers of one shop as the orders name it; the office if that is not known, or has nobody at work."""
    return To("seller", seller) if seller else to_role("office")


def to_address(email: str) -> To:
    """Somebody outside by e-mail. An empty address is told by hand: the office finds it among the unsent."""
    return To("address", email.strip()[:255])


@dataclass(frozen=True, slots=True)
class Asked:
    """One notice to be raised. `params` are plain data; times in it are aware datetimes. `path` is a page of ours.

    A `key` is the occasion and at most 200 characters: `remind:ORDER:2026-11-26`, the day by the shop's clock.
    """

    kind: str
    key: str
    to: To
    params: Mapping[str, Any]
    path: str | None = None


def raise_notice(
    session: Session,
    org_id: str,
    *,
    kind: str,
    key: str,
    to: To,
    params: Mapping[str, Any],
    now: datetime,
    path: str | None = None,
) -> bool:
    """Have somebody told, once for this key; whether that was new. ValueError is a mistake of the caller's."""
    return bool(raise_notices(session, org_id, [Asked(kind, key, to, params, path)], now))


def raise_notices(session: Session, org_id: str, asked: Sequence[Asked], now: datetime) -> int:
    """The same for many at once, in few statements; gives how many were new."""
    return notices.add(session, [_row(org_id, each, now) for each in asked])


def _row(org_id: str, asked: Asked, now: datetime) -> dict[str, Any]:
    kind = KINDS.get(asked.kind)
    if kind is None:
        raise ValueError(f"there is no kind of notice {asked.kind}")
    if missing := [name for name in kind.params if name not in asked.params]:
        raise ValueError(f"{asked.kind} needs {', '.join(missing)}")
    if not 1 <= len(asked.key) <= LONGEST_KEY:
        raise ValueError(f"the key of a notice has 1 to {LONGEST_KEY} characters: {asked.key[:60]}")
    if wrong := [name for name in TIMES & set(asked.params) if not isinstance(asked.params[name], datetime)]:
        raise ValueError(f"{', '.join(wrong)} of a notice is an aware datetime")
    params = {name: _plain(value) for name, value in asked.params.items()}
    return {
        "org_id": org_id,
        "id": str(uuid_utils.uuid7()),
        "key": asked.key,
        "kind": asked.kind,
        "to_kind": asked.to.kind,
        "to": asked.to.value,
        "params": {**params, **({"path": asked.path} if asked.path else {})},
        "state": "new",
        "created_at": now,
    }


def _plain(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value
