"""Propose warehouse and carrier for all parcels of a list at once, and take them by one press (`R1`, `R33`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sync.protocol.problems import Problem
from sync.rules.proposal import Destination, Plan, Planner, Wish
from webapp.services import rebuild
from webapp.services.moving import ALL_STOCK, PART, Moved, drafts_for, hold_reason, move_by
from webapp.services.propose import AREAS, known_carriers, known_houses
from webapp.services.record import Draft
from webapp.store import planning
from webapp.store.queries import picking
from webapp.store.queries import shop as shops
from webapp.store.queries import stock as ask
from webapp.store.queries.picking import Choice, Picked
from webapp.store.stock_needs import Need
from webapp.store.unit import Session, lock_org, reading, transaction

MOST = 5000
STATUS = "expected"


@dataclass(frozen=True, slots=True)
class Planned:
    """A parcel of the list with what is proposed for it; `left` says why it is left alone, "" when it is not."""

    parcel: Picked
    plan: Plan
    left: str = ""

    @property
    def is_able(self) -> bool:
        """Whether taking the proposal confirms it."""
        return self.plan.is_able and not self.left


@dataclass(frozen=True, slots=True)
class Proposals:
    """All of a list, the oldest first. `digest` names exactly these proposals; `is_cut`: the list is longer."""

    rows: tuple[Planned, ...]
    digest: str
    is_cut: bool

    @property
    def able(self) -> list[Planned]:
        """Those that can be confirmed."""
        return [row for row in self.rows if row.is_able]


def propose_many(org_id: str, choice: Choice) -> Proposals:
    """What to send each expected parcel of the list by: the oldest takes first, none is proposed what another took."""
    with reading() as session:
        return _propose(session, org_id, choice)


def _propose(session: Session, org_id: str, choice: Choice) -> Proposals:
    found = picking.pick_oldest(session, org_id, None, _expected(choice), MOST + 1)
    is_cut, parcels = len(found) > MOST, found[:MOST]
    codes = [parcel.code for parcel in parcels]
    needs = planning.needs_of(session, org_id, codes)
    addresses = planning.addresses(session, org_id, codes)
    asked = {code: need.asked or {} for code, need in needs.items()}
    planner = _planner(session, org_id, {sku for lines in asked.values() for sku in lines})
    houses = {house.id for house in planner.houses}
    planned: dict[str, Planned] = {}
    # Who answers for an order goes first, as when they are confirmed: where it is short, all its packages are.
    for parcel in sorted(parcels, key=lambda it: not asked.get(it.code)):
        left = hold_reason(parcel) or ""
        lines = {} if left else asked.get(parcel.code, {})
        to = Destination(*addresses.get(parcel.code, ("", "", "")))
        planned_for = parcel.place_id if parcel.place_id in houses else None
        plan = planner.plan(Wish(parcel.code, lines, to, planned_for, parcel.carrier))
        others = [planned[code].plan for code in _siblings(needs, parcel.code) if code in planned]
        if plan.is_able and (lacking := next((it for it in others if it.short), None)):
            plan = replace(plan, warehouse=None, sources=(), short=lacking.short)
        planned[parcel.code] = Planned(parcel, plan, left)
    rows = [planned[code] for code in codes]
    return Proposals(tuple(rows), _digest(rows), is_cut)


def _siblings(needs: Mapping[str, Need], code: str) -> list[str]:
    return sorted(needs[code].siblings - {code}) if code in needs else []


def _planner(session: Session, org_id: str, skus: set[str]) -> Planner:
    settings = shops.settings(session, org_id)
    return Planner(
        ask.shelves_of(session, org_id, skus),
        known_houses(session, org_id),
        known_carriers(session, org_id),
        settings.get(AREAS) or {},
        is_strict=bool(settings.get(ALL_STOCK)),
    )


def _expected(choice: Choice) -> Choice:
    return Choice(choice.codes, (STATUS,), choice.carrier, choice.seller, choice.place_id, choice.text)


def _digest(rows: Sequence[Planned]) -> str:
    told = [
        (
            row.parcel.code,
            row.is_able,
            row.plan.warehouse and row.plan.warehouse.id,
            row.plan.carrier and row.plan.carrier.id,
        )
        for row in rows
    ]
    return sha256(repr(told).encode()).hexdigest()


def take_proposals(org_id: str, actor_id: str, choice: Choice, digest: str, now: datetime) -> Moved:
    """Plan each parcel as proposed, and confirm it; what is short stays. Problem `conflict` when they have changed.

    Each part is a unit of its own: what broke off half-way is finished by proposing anew.
    """
    proposals = propose_many(org_id, choice)
    if proposals.digest != digest:
        raise Problem(
            "conflict", "Stock or the list changed since you looked. Nothing was confirmed; look again."
        )
    able = {row.parcel.code: row for row in proposals.able}
    for start in range(0, len(able), PART):
        _plan_part(org_id, list(able.values())[start : start + PART], now)

    def drafts(going: Sequence[Picked]) -> list[Draft]:
        return [
            draft
            for data, parcels in _alike([able[parcel.code] for parcel in going])
            for draft in drafts_for("confirm", parcels, data=data)
        ]

    homes = {code: row.plan.warehouse.id for code, row in able.items() if row.plan.warehouse}
    return move_by(org_id, actor_id, None, choice.only(able), now, _step, drafts, homes)


def _plan_part(org_id: str, rows: Sequence[Planned], now: datetime) -> None:
    with transaction() as session:
        head = lock_org(session, org_id)
        houses = {house.id for house in known_houses(session, org_id)}
        there = picking.pick(session, org_id, None, Choice(codes=tuple(row.parcel.code for row in rows)))
        plans = {row.parcel.code: row.plan for row in rows}
        changed = []
        for parcel in there:
            if parcel.status != STATUS:
                continue
            plan = plans[parcel.code]
            # A place where a courier collects it stays: only a warehouse, or nothing, gives way.
            is_free = parcel.place_id is None or parcel.place_id in houses
            place_id = plan.warehouse.id if plan.warehouse and is_free else parcel.place_id
            carrier = parcel.carrier or (plan.carrier.id if plan.carrier else None)
            if (place_id, carrier) != (parcel.place_id, parcel.carrier):
                changed.append((parcel.code, place_id, carrier))
        planning.put_plans(session, org_id, head, now, changed)
        rebuild.refold(session, org_id, sorted(code for code, *_ in changed), head, now)


def _step(parcel: Picked) -> tuple[str, ...] | str:
    if parcel.status != STATUS:
        return "It moved on meanwhile"
    return hold_reason(parcel) or ("confirm",)


def _alike(rows: Sequence[Planned]) -> list[tuple[dict[str, object], list[Picked]]]:
    """The parcels of each warehouse and carrier, with what the record says of the choice."""
    found: dict[tuple[str | None, str | None], list[Planned]] = {}
    for row in rows:
        plan = row.plan
        key = (plan.warehouse.id if plan.warehouse else None, plan.carrier.id if plan.carrier else None)
        found.setdefault(key, []).append(row)
    return [
        ({"proposed": {"warehouse": warehouse, "carrier": carrier}}, [row.parcel for row in its])
        for (warehouse, carrier), its in found.items()
    ]
