"""What is held back: the list, one item whole, and what the ledger says became of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from sync import vouching
from sync.protocol import codes as parcel_codes
from sync.protocol import envelope
from webapp.store.among import among
from webapp.store.models import Blob, Device, Event, Parcel, Quarantined, User
from webapp.store.queries import rescues
from webapp.store.queries.rescues import Brought

PAGE = 50


@dataclass(frozen=True, slots=True)
class Held:
    """One item. `label` and `person` are the phone's that brought it; `raw` its text as it was sent.

    Settled, `settled_name` is who did it, `reason` why; `event_id` what it became in the ledger.
    """

    sha256: str
    code: str
    detail: str
    received_at: datetime
    device_id: str
    label: str | None
    person: str | None
    is_revoked: bool
    claimed_id: str | None
    claimed_device: str | None
    claimed_seq: int | None
    signature_good: bool
    raw: str
    outcome: str | None
    settled_at: datetime | None
    settled_name: str | None
    settled_event_id: str | None
    event_id: str | None
    reason: str | None
    brought: Brought | None

    @property
    def is_open(self) -> bool:
        """Whether nobody has settled it yet."""
        return self.settled_at is None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items are asked for: `state` open, settled or ""; a reason's code and a phone's id, "" for any."""

    state: str = "open"
    code: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a page goes on: from this item, on to older ones or back to newer ones."""

    at: datetime
    sha256: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an `amend` in the ledger says became of an item."""

    sha256: str
    outcome: str
    at: datetime
    by: str
    amend_id: str
    event_id: str | None


def count_open(session: Session, org_id: str) -> int:
    """How many items wait for somebody."""
    return session.execute(
        select(func.count())
        .select_from(Quarantined)
        .where(Quarantined.org_id == org_id, Quarantined.settled_at.is_(None))
    ).scalar_one()


def page(
    session: Session, org_id: str, choice: Choice, step: Step | None
) -> tuple[list[Held], Step | None, Step | None]:
    """A page of items, newest first, and the steps to newer and older ones (None where there are none)."""
    query = _chosen(_query(org_id), choice)
    key = tuple_(Quarantined.received_at, Quarantined.sha256)
    order = (Quarantined.received_at.desc(), Quarantined.sha256.desc())
    if step is not None:
        at = tuple_(step.at, step.sha256)
        query = query.where(key > at if step.is_back else key < at)
    if step is not None and step.is_back:
        order = (Quarantined.received_at.asc(), Quarantined.sha256.asc())
    rows = list(session.execute(query.order_by(*order).limit(PAGE + 1)))
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    if step is not None and step.is_back:
        rows.reverse()
    found = _all_held(session, org_id, rows)
    is_back = step is not None and step.is_back
    has_newer = more if is_back else step is not None
    has_older = is_back or more
    if not found:
        return [], None, None
    newer = Step(found[0].received_at, found[0].sha256, True) if has_newer else None
    older = Step(found[-1].received_at, found[-1].sha256, False) if has_older else None
    return found, newer, older


def one(session: Session, org_id: str, sha256: str) -> Held | None:
    """One item of this shop."""
    rows = list(session.execute(_query(org_id).where(Quarantined.sha256 == sha256)))
    return next(iter(_all_held(session, org_id, rows)), None)


def row(session: Session, org_id: str, sha256: str) -> Quarantined | None:
    """One item of this shop, to settle."""
    return session.get(Quarantined, (org_id, sha256))


def reasons(session: Session, org_id: str, state: str) -> list[tuple[str, int]]:
    """The codes that items in this state are held for, and how many each."""
    query = _chosen(select(Quarantined.code, func.count()).where(Quarantined.org_id == org_id), Choice(state))
    return [
        (code, count) for code, count in session.execute(query.group_by(Quarantined.code).order_by("code"))
    ]


def phones(session: Session, org_id: str) -> list[tuple[str, str]]:
    """(id, words) of the phones that brought anything that is or was held."""
    rows = session.execute(
        select(Device.id, Device.label, User.name)
        .outerjoin(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .where(
            Device.org_id == org_id,
            Device.id.in_(select(Quarantined.device_id).where(Quarantined.org_id == org_id)),
        )
        .order_by(User.name, Device.label)
    )
    return [(id_, f"{name or 'Nobody'}: {label}") for id_, label, name in rows]


def people_ids(session: Session, org_id: str) -> frozenset[str]:
    """Everybody of the shop, at work or not."""
    return frozenset(session.execute(select(User.id).where(User.org_id == org_id)).scalars())


def known_parcels(session: Session, org_id: str, texts: Collection[str]) -> dict[str, str]:
    """The parcels of this shop that these texts name by internal code or tracking number: {text: code}."""
    by_code = {text: parcel_codes.normalise(text) for text in texts if parcel_codes.is_code(text)}
    by_number = {text: parcel_codes.tracking_key(text) for text in texts}
    rows = session.execute(
        select(Parcel.code, Parcel.tracking_number).where(
            Parcel.org_id == org_id,
            among(session, Parcel.code, set(by_code.values()))
            | among(session, Parcel.tracking_number, set(by_number.values())),
        )
    ).all()
    there = {row.code for row in rows}
    numbers = {row.tracking_number: row.code for row in rows if row.tracking_number}
    found = {text: numbers[number] for text, number in by_number.items() if number in numbers}
    return found | {text: code for text, code in by_code.items() if code in there}


def held_pictures(session: Session, org_id: str, digests: Collection[str]) -> set[str]:
    """Those of the digests whose bytes are here."""
    query = select(Blob.sha256).where(Blob.org_id == org_id, among(session, Blob.sha256, digests))
    return set(session.execute(query).scalars())


def settlements(session: Session, org_id: str) -> list[Settlement]:
    """What the ledger says became of the items of a shop: of several words on one, the last."""
    query = (
        select(Event)
        .where(Event.org_id == org_id, Event.kind == "amend")
        .order_by(Event.received_at, Event.device_id, Event.seq)
    )
    found: dict[str, Settlement] = {}
    for event in session.execute(query).scalars():
        sha256, outcome = (event.data or {}).get("quarantine"), (event.data or {}).get("outcome")
        if isinstance(sha256, str) and isinstance(outcome, str):
            found[sha256] = Settlement(
                sha256, outcome, event.received_at, event.actor_id, event.id, event.ref
            )
    return list(found.values())


def outcomes(session: Session, org_id: str) -> dict[str, tuple[str | None, str | None]]:
    """(outcome, event that settled it) of every item, by digest."""
    query = select(Quarantined.sha256, Quarantined.outcome, Quarantined.settled_event_id)
    rows = session.execute(query.where(Quarantined.org_id == org_id))
    return {row.sha256: (row.outcome, row.settled_event_id) for row in rows}


def settle(session: Session, org_id: str, said: Sequence[Settlement]) -> None:
    """Put on the items what the ledger says of them."""
    for one_ in said:
        session.execute(
            update(Quarantined)
            .where(Quarantined.org_id == org_id, Quarantined.sha256 == one_.sha256)
            .values(
                outcome=one_.outcome,
                settled_at=one_.at,
                settled_by=one_.by,
                settled_event_id=one_.amend_id,
                event_id=one_.event_id,
            )
        )


def _query(org_id: str) -> Any:
    settler = aliased(User)
    return (
        select(
            Quarantined,
            Device.label,
            Device.revoked_at,
            User.name,
            settler.name.label("settled_name"),
            Event.jws,
        )
        .outerjoin(Device, (Device.org_id == Quarantined.org_id) & (Device.id == Quarantined.device_id))
        .outerjoin(User, (User.org_id == Device.org_id) & (User.id == Device.user_id))
        .outerjoin(settler, (settler.org_id == Quarantined.org_id) & (settler.id == Quarantined.settled_by))
        .outerjoin(Event, (Event.org_id == Quarantined.org_id) & (Event.id == Quarantined.settled_event_id))
        .where(Quarantined.org_id == org_id)
    )


def _chosen(query: Any, choice: Choice) -> Any:
    if choice.state:
        is_open = Quarantined.settled_at.is_(None)
        query = query.where(is_open if choice.state == "open" else ~is_open)
    if choice.code:
        query = query.where(Quarantined.code == choice.code)
    if choice.device_id:
        query = query.where(Quarantined.device_id == choice.device_id)
    return query


def _all_held(session: Session, org_id: str, rows: Sequence[Any]) -> list[Held]:
    brought = rescues.brought(session, org_id, [row.Quarantined.sha256 for row in rows]) if rows else {}
    return [_held(row, brought) for row in rows]


def _held(row: Any, brought: dict[str, Brought]) -> Held:
    item: Quarantined = row.Quarantined
    return Held(
        sha256=item.sha256,
        code=item.code,
        detail=item.detail,
        received_at=item.received_at,
        device_id=item.device_id,
        label=row.label,
        person=row.name,
        is_revoked=row.revoked_at is not None,
        claimed_id=item.claimed_id,
        claimed_device=item.claimed_device,
        claimed_seq=item.claimed_seq,
        signature_good=item.signature_good,
        raw=vouching.original(item.raw.decode("utf-8", "replace"), item.sha256),
        outcome=item.outcome,
        settled_at=item.settled_at,
        settled_name=row.settled_name,
        settled_event_id=item.settled_event_id,
        event_id=item.event_id,
        reason=envelope.open_(row.jws).payload.get("note") if row.jws else None,
        brought=brought.get(item.sha256),
    )
