"""Notices and their deliveries: raised once, made ready, claimed by one sender, marked with what came of it.

The clockwork asks here for every shop at once; what the office asks is in `notice_views`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import (
    Delivery,
    Notice,
    NoticeChoice,
    NoticeSettings,
    Organisation,
    PushSubscription,
    User,
)
from webapp.store.models.notices import LISTED_KINDS

_OPEN = ("waiting", "sending")


def add(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Write these notices, leaving out those whose key is there already; gives how many were new."""
    if not rows:
        return 0
    flavour = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    new = flavour.insert(Notice).on_conflict_do_nothing().returning(Notice.id)
    # In the order of their keys: two transactions that raise the same ones wait for each other, and never both.
    return len(session.execute(new, sorted(rows, key=lambda row: (row["org_id"], row["key"]))).all())


def take_back(session: Session, org_id: str, prefix: str) -> int:
    """Delete the notices whose keys begin like this and that can have reached nobody; gives how many.

    One that is on its way, or perhaps arrived, stays.
    """
    may_have = exists().where(
        Delivery.org_id == org_id,
        Delivery.notice_id == Notice.id,
        Delivery.state.in_((*_OPEN, "sent", "maybe")),
    )
    untold_yet = select(Notice.id).where(
        Notice.org_id == org_id,
        Notice.key.startswith(prefix, autoescape=True),
        Notice.state.in_(("new", "unsent", "failed")),
        ~may_have,
    )
    ids = list(session.execute(untold_yet.with_for_update()).scalars())
    for table, column in ((Delivery, Delivery.notice_id), (Notice, Notice.id)):
        session.execute(delete(table).where(table.org_id == org_id, among(session, column, ids)))
    return len(ids)


def take_new(session: Session, most: int, only: tuple[str, str] | None = None) -> list[Notice]:
    """Notices nobody has made deliveries for yet (`only` that of a shop and key); other servers leave them alone."""
    query = select(Notice).where(Notice.state == "new").order_by(Notice.org_id, Notice.id).limit(most)
    if only is not None:
        query = query.where(Notice.org_id == only[0], Notice.key == only[1])
    return list(session.execute(query.with_for_update(skip_locked=True)).scalars())


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody at work who may be told: where, and in which language they chose."""

    id: str
    name: str
    email: str | None
    by_email: bool
    language: str | None


def readers(session: Session, org_id: str, kind: str, to: str) -> list[Reader]:
    """The people at work that a notice means, by `to_kind` and `to`."""
    which = {
        "person": User.id == to,
        "role": User.role.in_(("office", "admin")) if to == "office" else User.role == to,
        "seller": and_(User.role == "seller", User.seller == to),
    }[kind]
    query = (
        select(User.id, User.name, User.email, NoticeChoice.by_email, NoticeChoice.language)
        .outerjoin(NoticeChoice, and_(NoticeChoice.org_id == User.org_id, NoticeChoice.user_id == User.id))
        .where(User.org_id == org_id, User.active.is_(True), which)
        .order_by(User.id)
    )
    return [
        Reader(user_id, name, email, by_email is not False, language)
        for user_id, name, email, by_email, language in session.execute(query)
    ]


def shop_settings(session: Session, org_id: str) -> NoticeSettings:
    """How a shop tells; the defaults when it never said."""
    held = session.execute(select(NoticeSettings).where(NoticeSettings.org_id == org_id)).scalar_one_or_none()
    return held or NoticeSettings(org_id=org_id, by_email=True, by_push=True)


def organisation(session: Session, org_id: str) -> Organisation:
    """The shop itself."""
    return session.execute(select(Organisation).where(Organisation.id == org_id)).scalar_one()


def add_deliveries(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write new deliveries."""
    if rows:
        session.execute(insert(Delivery), rows)


def due(
    session: Session,
    now: datetime,
    channels: Sequence[str],
    push_key: str,
    spared: Collection[str],
    most: int,
) -> list[Delivery]:
    """Deliveries whose time has come, the longest waiting first; other servers leave these alone until commit.

    Not those to browsers that agreed to another server's key, nor webhooks of the `spared` shops.
    """
    query = (
        select(Delivery)
        .where(Delivery.state == "waiting", Delivery.next_try_at <= now, Delivery.channel.in_(channels))
        .where(or_(Delivery.channel != "push", ~_of_another(push_key)))
        .where(or_(Delivery.channel != "webhook", Delivery.org_id.not_in(spared)))
        .order_by(Delivery.next_try_at, Delivery.id)
        .limit(most)
    )
    return list(session.execute(query.with_for_update(skip_locked=True)).scalars())


def _of_another(push_key: str) -> ColumnElement[bool]:
    """Whether a delivery is to a browser that agreed to another server's key."""
    return exists().where(
        PushSubscription.org_id == Delivery.org_id,
        PushSubscription.id == Delivery.target,
        PushSubscription.vapid_key != push_key,
    )


def alike(session: Session, first: Delivery, kind: str, now: datetime, most: int) -> list[Delivery]:
    """Deliveries due for the same target of the same channel whose notice is of the same kind, `first` among them."""
    query = (
        select(Delivery)
        .join(Notice, and_(Notice.org_id == Delivery.org_id, Notice.id == Delivery.notice_id))
        .where(
            Delivery.org_id == first.org_id,
            Delivery.state == "waiting",
            Delivery.next_try_at <= now,
            Delivery.channel == first.channel,
            Delivery.target == first.target,
            Notice.org_id == first.org_id,
            Notice.kind == kind,
        )
        .order_by(Delivery.id != first.id, Delivery.id)
        .limit(most)
    )
    return list(session.execute(query.with_for_update(skip_locked=True, of=Delivery)).scalars())


def notice(session: Session, org_id: str, notice_id: str) -> Notice | None:
    """One notice of a shop."""
    return session.execute(
        select(Notice).where(Notice.org_id == org_id, Notice.id == notice_id)
    ).scalar_one_or_none()


def claim(session: Session, org_id: str, delivery_id: str, values: dict[str, Any]) -> bool:
    """Compare and set: whether this caller, and nobody else, has taken a waiting delivery."""
    taken = session.execute(
        update(Delivery)
        .where(Delivery.org_id == org_id, Delivery.id == delivery_id, Delivery.state == "waiting")
        .values(state="sending", tries=Delivery.tries + 1, **values)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def mark(session: Session, org_id: str, delivery_id: str, lease: str, values: dict[str, Any]) -> bool:
    """Write what came of a claimed delivery, while the claim is still the caller's; whether it was.

    One that was taken for lost meanwhile (`maybe`) still learns what came of it.
    """
    done = session.execute(
        update(Delivery)
        .where(
            Delivery.org_id == org_id,
            Delivery.id == delivery_id,
            Delivery.lease == lease,
            Delivery.state.in_(("sending", "maybe")),
        )
        .values(**values)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def abandoned(session: Session, now: datetime, most: int) -> list[Delivery]:
    """Deliveries whose sender never came back."""
    query = (
        select(Delivery)
        .where(Delivery.state == "sending", Delivery.leased_until < now)
        .order_by(Delivery.id)
        .limit(most)
    )
    return list(session.execute(query.with_for_update(skip_locked=True)).scalars())


def untold(kind: str, state: str) -> str:
    """What a notice is that no channel took: one that the phone lists by itself needs nobody's care."""
    return "listed" if kind in LISTED_KINDS else state


def settle(session: Session, org_id: str, notice_id: str) -> None:
    """Say of a notice what its deliveries say: waiting, told, failed. One told by hand stays so.

    Its row is held first: of two servers that end a delivery each, the second one counts what the first has written.
    """
    kind = session.execute(
        select(Notice.kind).where(Notice.org_id == org_id, Notice.id == notice_id).with_for_update()
    ).scalar_one()
    counted = session.execute(
        select(
            func.count(),
            func.count().filter(Delivery.state == "sent"),
            func.count().filter(Delivery.state.in_(_OPEN)),
        ).where(Delivery.org_id == org_id, Delivery.notice_id == notice_id)
    ).one()
    made, sent, still = counted
    ended = untold(kind, "failed" if made else "unsent")
    state = "told" if sent else "waiting" if still else ended
    # Told by hand is the office's word: a late failure does not take it back.
    session.execute(
        update(Notice)
        .where(
            Notice.org_id == org_id,
            Notice.id == notice_id,
            or_(Notice.state != "by_hand", Notice.settled_at.is_(None)),
        )
        .values(state=state)
    )


def never_tried(
    session: Session, now: datetime, before: datetime, channels: Sequence[str], push_key: str, most: int
) -> list[Delivery]:
    """Deliveries made before `before` that are due, were never tried, and are not to be sent by these channels and key:

    no server here was able to.
    """
    query = (
        select(Delivery)
        .where(
            Delivery.state == "waiting",
            Delivery.next_try_at <= now,
            Delivery.created_at < before,
            Delivery.tries == 0,
            or_(
                Delivery.channel.not_in(channels),
                and_(Delivery.channel == "push", _of_another(push_key)),
            ),
        )
        .order_by(Delivery.id)
        .limit(most)
    )
    return list(session.execute(query.with_for_update(skip_locked=True)).scalars())


def reopen(session: Session, org_id: str, notice_id: str) -> None:
    """A delivery of this notice is tried again: it waits, also if the office had told it by hand."""
    session.execute(
        update(Notice)
        .where(Notice.org_id == org_id, Notice.id == notice_id, Notice.state != "told")
        .values(state="waiting", settled_by=None, settled_at=None)
    )


def waiting_of(session: Session, org_id: str, key: str, channels: Sequence[str]) -> Delivery | None:
    """A delivery of one notice that is due, by one of these channels and never tried."""
    query = (
        select(Delivery)
        .join(Notice, and_(Notice.org_id == Delivery.org_id, Notice.id == Delivery.notice_id))
        .where(Delivery.org_id == org_id, Notice.org_id == org_id, Notice.key == key)
        .where(Delivery.state == "waiting", Delivery.tries == 0, Delivery.channel.in_(channels))
        .order_by(Delivery.channel, Delivery.id)
        .limit(1)
    )
    return session.execute(query.with_for_update(of=Delivery)).scalar_one_or_none()
