"""Move many parcels by events of the office: what fits moves, the rest is told with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.rules.lifecycle import BEFORE_HANDOVER
from sync.rules.stock import Short, words
from webapp.services.record import Draft, record
from webapp.store import stock_writing
from webapp.store.queries import picking
from webapp.store.queries import shop as shops
from webapp.store.queries.picking import Choice, Picked
from webapp.store.unit import Session, lock_org, reading, transaction

HELD_BACK = "On hold: it is not paid, or the marketplace holds it back"
CANCEL_ASKED = "The buyer asked to cancel it"
DANGEROUS = "It holds dangerous goods: let it go on its own page first"
UNKNOWN = "No such parcel here"
# Phones wait while a unit holds the shop's row: one takes a fraction of a second, however much is meant.
PART = 500
ALL_STOCK = "stock_for_all"  # the setting: what no stock is kept of cannot be confirmed


@dataclass(frozen=True, slots=True)
class Left:
    """A parcel that was meant and did not move; `status` is "" for one that does not exist here."""

    code: str
    status: str
    why: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What one press did: how many parcels reached which status, what stayed, how many skipped a step."""

    by_status: Mapping[str, int]
    left: tuple[Left, ...] = ()
    skipped: int = 0

    @property
    def count(self) -> int:
        """How many parcels moved."""
        return sum(self.by_status.values())

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why the rest stayed, and how many for each reason, most first."""
        return Counter(left.why for left in self.left).most_common()


def move(
    org_id: str,
    actor_id: str,
    own_seller: str | None,
    choice: Choice,
    now: datetime,
    plan: Callable[[Picked], tuple[str, ...] | str],
) -> Moved:
    """Record for each parcel meant the kinds of event that `plan` names, or leave it for the reason it gives.

    Each part is a unit of its own: what broke off half-way is finished by doing the same again.
    """
    return move_by(org_id, actor_id, own_seller, choice, now, plan)


def move_by(
    org_id: str,
    actor_id: str,
    own_seller: str | None,
    choice: Choice,
    now: datetime,
    plan: Callable[[Picked], tuple[str, ...] | str],
    drafts: Callable[[Sequence[Picked]], list[Draft]] | None = None,
    homes: Mapping[str, str] | None = None,
    *,
    may_stay: bool = False,
) -> Moved:
    """`move` by events of the caller's own making, where `drafts` makes them of the parcels that go.

    `homes` says by code from which warehouse the goods of a confirmed parcel are wanted first. `may_stay`: a record
    that moves nothing is done all the same, and counts.
    """
    reached: Counter[str] = Counter()
    left: list[Left] = []
    skipped = 0
    for part in parts(org_id, own_seller, choice):
        moved = _move_part(
            org_id, actor_id, own_seller, part, now, plan, drafts, homes or {}, may_stay=may_stay
        )
        reached.update(moved.by_status)
        left += moved.left
        skipped += moved.skipped
    return Moved(reached, tuple(left), skipped)


def parts(org_id: str, own_seller: str | None, choice: Choice) -> Iterator[Choice]:
    """What is meant, by code, a few hundred at a time: each part few enough for one unit; one at least.

    The oldest order comes first: of goods that are short it takes before the others. Last are codes of no parcel here.
    """
    with reading() as session:
        found = picking.pick_oldest(session, org_id, own_seller, choice)
    chosen = list(dict.fromkeys((*(parcel.code for parcel in found), *(choice.codes or ()))))
    for start in range(0, len(chosen) or 1, PART):
        yield choice.only(chosen[start : start + PART])


def _move_part(
    org_id: str,
    actor_id: str,
    own_seller: str | None,
    part: Choice,
    now: datetime,
    plan: Callable[[Picked], tuple[str, ...] | str],
    drafts: Callable[[Sequence[Picked]], list[Draft]] | None,
    homes: Mapping[str, str],
    *,
    may_stay: bool,
) -> Moved:
    with transaction() as session:
        lock_org(session, org_id)
        turn = {code: number for number, code in enumerate(part.codes or ())}
        parcels = sorted(picking.pick(session, org_id, own_seller, part), key=lambda it: turn[it.code])
        plans = {parcel.code: plan(parcel) for parcel in parcels}
        left = [Left(p.code, p.status, why) for p in parcels if isinstance(why := plans[p.code], str)]
        left += [Left(code, "", UNKNOWN) for code in part.codes or () if code not in plans]
        going = [p for p in parcels if not isinstance(plans[p.code], str)]
        wanting = {p.code: homes.get(p.code) for p in going if "confirm" in plans[p.code]}
        short = _short_of(session, org_id, actor_id, wanting, now)
        left += [Left(p.code, p.status, words(short[p.code])) for p in going if p.code in short]
        going = [p for p in going if p.code not in short]
        made = drafts(going) if drafts else _drafts(going, plans)
        results = record(session, org_id, actor_id, made, now)
    reached, skipped = read_effects(results)
    stuck = [p for p in going if not may_stay and reached.get(p.code, p.status) == p.status]
    left += [Left(p.code, p.status, "The rules did not let it move") for p in stuck]
    stay = {p.code for p in stuck}
    moved = Counter(reached.get(p.code, p.status) for p in going if p.code not in stay)
    return Moved(moved, tuple(left), skipped)


def _short_of(
    session: Session, org_id: str, actor_id: str, homes: Mapping[str, str | None], now: datetime
) -> dict[str, list[Short]]:
    """Reserve what is to be confirmed (`R1`), in this very unit; gives what is short for those that cannot be."""
    is_strict = bool(shops.settings(session, org_id).get(ALL_STOCK))
    return stock_writing.reserve(session.connection(), org_id, now, actor_id, homes, is_strict=is_strict)


def drafts_for(kind: str, parcels: Iterable[Picked], **members: Any) -> list[Draft]:
    """Events of one kind for these parcels, none of them naming two shops' parcels."""
    by_seller: dict[str | None, list[str]] = {}
    for parcel in parcels:
        by_seller.setdefault(parcel.seller, []).append(parcel.code)
    return [Draft(kind, codes, **members) for codes in by_seller.values()]


def read_effects(results: Sequence[Any]) -> tuple[dict[str, str], int]:
    """The last status of each parcel, and how many were said to have skipped a step."""
    reached: dict[str, str] = {}
    skipped: set[str] = set()
    for result in results:
        for effect in result.effects:
            reached[effect["parcel"]] = effect["status"]
            if any(code.startswith("skipped_") for code in effect["anomalies"]):
                skipped.add(effect["parcel"])
    return reached, len(skipped)


def hold_reason(parcel: Picked) -> str | None:
    """Why the office leaves a parcel alone whatever its status; None when nothing holds it."""
    if parcel.flags.get("on_hold"):
        return HELD_BACK
    if parcel.dangerous and parcel.status in BEFORE_HANDOVER and not parcel.flags.get("dangerous_cleared"):
        return DANGEROUS
    return CANCEL_ASKED if parcel.flags.get("cancel_requested") else None


def _drafts(going: Sequence[Picked], plans: Mapping[str, tuple[str, ...] | str]) -> list[Draft]:
    # All of one step before any of the next: the order of the events is the order of the steps.
    return [
        draft
        for kind in ("confirm", "label")
        for draft in drafts_for(kind, (p for p in going if kind in plans[p.code]))
    ]
