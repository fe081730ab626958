"""Questions about phones that are not about one page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import uuid_utils
from sqlalchemy import Connection, bindparam, case, func, insert, select, update
from sqlalchemy.orm import Session

from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp.store.models import Device, Receipt, User
from webapp.store.prepared import Prepared

# Every request of a phone asks this. Whoever works here no more has no phone that is let in, signed out or not: it
# is revoked since ever.
_STOPPED_AT = case(
    (User.active, Device.revoked_at), else_=func.coalesce(Device.revoked_at, Device.enrolled_at)
)
_CALLING = Prepared(
    lambda _dialect: (
        select(Device.id, Device.org_id, Device.user_id, Device.jwk, _STOPPED_AT)
        .join(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(Device.token_sha256 == bindparam("token_sha256"), Device.kind == "phone")
    )
)


def calling(connection: Connection, token_sha256: str) -> Sequence[Any] | None:
    """id, org_id, user_id, jwk, revoked_at (set, too, while its person is not active) of the phone with this token."""
    rows = _CALLING.glance(connection, token_sha256=token_sha256)
    return rows[0] if rows else None


def listed(session: Session) -> list[dict[str, Any]]:
    """Every phone with its heartbeat, newest first, as the command line tells it (times in RFC 3339)."""
    rows = session.execute(
        select(Device, User.name)
        .join(User, User.id == Device.user_id)
        .where(Device.kind == "phone")
        .order_by(Device.enrolled_at.desc(), Device.id)
    )
    return [_told(device, name) for device, name in rows]


def servers(session: Session, org_id: str) -> list[Device]:
    """The server's own rows in a shop's ledger, one for each key it has had, newest first."""
    query = select(Device).where(Device.org_id == org_id, Device.kind == "server")
    return list(session.execute(query.order_by(Device.enrolled_at.desc())).scalars())


def phone(session: Session, org_id: str, device_id: str) -> Device | None:
    """One phone of this shop, to change; None when there is none."""
    query = select(Device).where(Device.org_id == org_id, Device.id == device_id, Device.kind == "phone")
    return session.execute(query).scalar_one_or_none()


def told_at(session: Session, org_id: str, device_id: str) -> datetime | None:
    """When a phone last told of its queue, by its own clock; None when it never did."""
    ((seen_at, clock_ms),) = _TOLD.rows(session.connection(), org_id=org_id, device_id=device_id)
    return None if clock_ms is None else seen_at - timedelta(milliseconds=clock_ms)


_TOLD = Prepared(
    lambda _dialect: select(Device.last_seen_at, Device.clock_ms).where(
        Device.org_id == bindparam("org_id"), Device.id == bindparam("device_id")
    )
)


def note_heartbeat(session: Session, org_id: str, device_id: str, told: dict[str, Any]) -> None:
    """Write down what a phone told of itself, by column."""
    values = {f"b_{name}": value for name, value in told.items()}
    _noting(tuple(sorted(told))).run(session.connection(), b_org_id=org_id, b_device_id=device_id, **values)


@lru_cache(maxsize=128)
def _noting(names: tuple[str, ...]) -> Prepared:
    table: Any = Device.__table__
    return Prepared(
        lambda _dialect: (
            update(table)
            .where(table.c.org_id == bindparam("b_org_id"), table.c.id == bindparam("b_device_id"))
            .values({table.c[name]: bindparam(f"b_{name}") for name in names})
        )
    )


_KEEP_RECEIPT = Prepared(lambda _dialect: insert(Receipt))


def keep_receipt(session: Session, org_id: str, device_id: str, received_at: datetime, jws: str) -> None:
    """Keep what the server has just promised a phone."""
    _KEEP_RECEIPT.run(
        session.connection(),
        org_id=org_id,
        id=str(uuid_utils.uuid7()),
        device_id=device_id,
        received_at=received_at,
        jws=jws,
    )


def org_of(session: Session, device_id: str) -> str:
    """The shop a phone belongs to. Problem `not-found`."""
    org_id = session.execute(
        select(Device.org_id).where(Device.id == device_id, Device.kind == "phone")
    ).scalar_one_or_none()
    if org_id is None:
        raise Problem("not-found", f"There is no phone {device_id}.")
    return org_id


def _told(device: Device, name: str) -> dict[str, Any]:
    return {
        "id": device.id,
        "label": device.label,
        "person": name,
        "user": device.user_id,
        "enrolled_at": format_time(device.enrolled_at),
        "last_seen_at": format_time(device.last_seen_at) if device.last_seen_at else None,
        "head_seq": device.head_seq,
        "high_seq": device.high_seq,
        "unsent": device.unsent,
        "unsent_blobs": device.unsent_blobs,
        "lost_stores": len((device.storage or {}).get("lost") or ()),
        "oldest_unsent_at": format_time(device.oldest_unsent_at) if device.oldest_unsent_at else None,
        "revoked_at": format_time(device.revoked_at) if device.revoked_at else None,
    }
