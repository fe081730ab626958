"""What a chunk of an export changes: a pure comparison of what the file says with what the books hold.

An order is told by its newest export. A file is newer than what an order was last told by when its newest time
is not before that export's, or when it has a later time of that very order; otherwise the order is left as it
is (`older`). A parcel keeps its code for good: a Package ID or Tracking ID that appears later is written on the
parcel the order already has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync.rules.fragile import WORDS, is_fragile
from webapp.services.importing.carriers import CarrierBook
from webapp.services.importing.meaning.facts import SOURCE, Wanted, said_anew, wanted_facts
from webapp.services.importing.meaning.orders import Group, OrderDraft
from webapp.services.importing.meaning.parcels import ParcelDraft, asks_to_cancel
from webapp.services.importing.shelf import Shelf
from webapp.store.queries.importing import Books, HeldOrder, HeldParcel

BEFORE_HANDOVER = frozenset({"expected", "confirmed", "packed", "ready"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a whole import. `draw_code` gives a fresh parcel code, `as_of` is the file's newest time."""

    now: datetime
    as_of: datetime
    carriers: CarrierBook
    draw_code: Callable[[], str]
    places: Mapping[str, str] = field(default_factory=dict)
    fragile_words: Sequence[str] = WORDS


@dataclass(slots=True)
class ChunkPlan:
    """All that one chunk changes. `facts` are by parcel code; `counts` is what a preview adds up.

    `short` says by code what confirmed parcels lack of the stock once it is written.
    """

    orders: list[OrderDraft] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    new_parcels: list[dict[str, Any]] = field(default_factory=list)
    changed_parcels: list[dict[str, Any]] = field(default_factory=list)
    refold: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)
    unlinks: list[tuple[str, str]] = field(default_factory=list)
    merges: list[tuple[str, str]] = field(default_factory=list)
    facts: list[tuple[str, str | None, Wanted]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    made_carriers: dict[str, str] = field(default_factory=dict)
    short: dict[str, dict[str, int]] = field(default_factory=dict)


def plan_chunk(groups: Iterable[Group], books: Books, rules: Rules) -> ChunkPlan:
    """The plan for some groups of orders, given what the books hold of them."""
    plan = ChunkPlan()
    shelf = Shelf(books.parcels)
    for group in groups:
        _plan_group(plan, group, books, shelf, rules)
    return plan


def _plan_group(plan: ChunkPlan, group: Group, books: Books, shelf: Shelf, rules: Rules) -> None:
    actions = {
        order.order_id: _action(order, books.orders.get(order.order_id), rules.as_of)
        for order in group.orders
    }
    for order in group.orders:
        action = actions[order.order_id]
        plan.counts[action] += 1
        if action in {"new", "updated"}:
            plan.orders.append(order)
            held = books.orders.get(order.order_id)
            plan.changes.append(
                (order.order_id, held.status if held else "", order.values["platform_status"])
            )
        elif action == "same":
            plan.seen.append(order.order_id)
    fresh = frozenset(order_id for order_id, action in actions.items() if action in {"new", "updated"})
    told = [parcel for parcel in group.parcels if any(actions[o] != "older" for o in parcel.orders)]
    parcels = shelf.of(group)
    # An order that says the same says it anew of what was deemed cancelled meanwhile.
    if fresh or any(it.is_deemed and it.status == "cancelled" for it in parcels.values()):
        _Matching(plan, group, books, parcels, rules, fresh).run(told)


def _action(order: OrderDraft, held: HeldOrder | None, as_of: datetime) -> str:
    if held is None:
        return "new"
    if held.digest == order.digest:
        return "same"
    is_newer = as_of >= held.seen_at or (held.newest_at is not None and order.newest_at > held.newest_at)
    return "updated" if is_newer else "older"


def _asks_now(order: OrderDraft, held: HeldOrder | None) -> bool:
    """Whether the buyer asks to cancel and did not by the export before (R2)."""
    before = held.cancel_type if held else None
    return asks_to_cancel(order.values["cancel_type"]) and not asks_to_cancel(before)


class _Matching:
    """Finds for each parcel of the file the one in the books, or makes it."""

    def __init__(
        self,
        plan: ChunkPlan,
        group: Group,
        books: Books,
        held: dict[str, HeldParcel],
        rules: Rules,
        fresh: frozenset[str],
    ) -> None:
        self._plan, self._group, self._books, self._free, self._rules = plan, group, books, held, rules
        self._held = tuple(held.values())
        self._fresh = fresh
        self._asking_now = {
            order.order_id
            for order in group.orders
            if order.order_id in fresh and _asks_now(order, books.orders.get(order.order_id))
        }

    def run(self, told: Sequence[ParcelDraft]) -> None:
        """Match by what is surest first: the package, then the tracking number, then the order's own parcel.

        `told` are the parcels whose orders changed or say the same as before.
        """
        taken = {id(parcel): held for parcel in self._group.parcels if (held := self._by_identity(parcel))}
        for parcel in self._group.parcels:
            if id(parcel) not in taken and (held := self._by_order(parcel)):
                taken[id(parcel)] = held
        for parcel in told:
            held, is_live = taken.get(id(parcel)), not self._fresh.isdisjoint(parcel.orders)
            if held is None and is_live:
                self._add(parcel)
            if held is not None and is_live:
                self._change(parcel, held)
            if held is not None:
                self._say_anew(parcel, held)
        if self._fresh:
            self._part(taken)
            self._retire(taken)

    def _take(self, held: HeldParcel) -> HeldParcel:
        return self._free.pop(held.code)

    def _by_identity(self, parcel: ParcelDraft) -> HeldParcel | None:
        for held in self._free.values():
            if parcel.package_id and held.package_id == parcel.package_id:
                return self._take(held)
        for held in self._free.values():
            is_same_number = parcel.tracking and held.tracking == parcel.tracking
            if is_same_number and held.is_known and not (held.package_id and parcel.package_id):
                return self._take(held)
        return None

    def _by_order(self, parcel: ParcelDraft) -> HeldParcel | None:
        """The order's parcel that has no name of its own yet; else the one somebody scanned before the import.

        Rows without a package and a number speak of the order's only parcel, whatever that is called by now.
        """
        its = [
            held
            for held in self._free.values()
            if held.is_known and set(parcel.orders).intersection(held.orders) and not self._was_retired(held)
        ]
        if nameless := next((held for held in its if _is_nameless(held)), None):
            return self._take(nameless)
        is_bare = not parcel.package_id and not parcel.tracking
        if is_bare and len(its) == 1 and its[0].orders == tuple(parcel.orders):
            return self._take(its[0])
        return self._scanned(parcel)

    def _was_retired(self, held: HeldParcel) -> bool:
        """Whether an import called it off because its order went into another package: it is nobody's any more."""
        facts = self._books.facts.get(held.code, ())
        return held.status == "cancelled" and any(
            fact.kind == "cancel" and fact.data.get("source") == SOURCE and "into" in fact.data
            for fact in facts
        )

    def _scanned(self, parcel: ParcelDraft) -> HeldParcel | None:
        for held in self._free.values():
            if not held.is_known and parcel.tracking and held.tracking == parcel.tracking:
                return self._take(held)
        return None

    def _add(self, parcel: ParcelDraft) -> None:
        code = self._rules.draw_code()
        self._plan.new_parcels.append({"code": code, **self._columns(parcel, None)})
        self._plan.counts["parcels_new"] += 1
        self._say(parcel, code, (), is_asked_again=False)

    def _change(self, parcel: ParcelDraft, held: HeldParcel) -> None:
        columns = self._columns(parcel, held)
        scanned = self._scanned(parcel)
        facts = self._books.facts.get(held.code, ())
        if scanned is not None:
            self._plan.merges.append((scanned.code, held.code))
            facts += self._books.facts.get(scanned.code, ())
        is_changed = not held.is_known or scanned is not None or columns != _columns_of(held)
        if is_changed:
            self._plan.changed_parcels.append({"code": held.code, **columns})
            self._plan.refold.add(held.code)
        before = len(self._plan.facts)
        is_settled = not held.flags.get("cancel_requested")
        is_asked_again = is_settled and not self._asking_now.isdisjoint(parcel.orders)
        self._say(parcel, held.code, facts, is_asked_again=is_asked_again)
        if is_changed or len(self._plan.facts) > before:
            self._plan.counts["parcels_changed"] += 1

    def _columns(self, parcel: ParcelDraft, held: HeldParcel | None) -> dict[str, Any]:
        """The books' columns of a parcel. What an export leaves out does not erase what was known."""
        known = _columns_of(held) if held else {}
        seller = parcel.seller or known.get("seller")
        return {
            "package_id": parcel.package_id or known.get("package_id"),
            "tracking_number": parcel.tracking or known.get("tracking_number"),
            "carrier": self._rules.carriers.code_of(parcel.provider) or known.get("carrier"),
            "seller": seller,
            "fragile": known.get("fragile", False) or is_fragile(parcel.note, self._rules.fragile_words),
            "items": parcel.items if held is None or not _has_left(held) else max(parcel.items, held.items),
            "place_id": known.get("place_id") or self._rules.places.get((seller or "").strip().casefold()),
        }

    def _say(self, parcel: ParcelDraft, code: str, facts: Sequence[Any], *, is_asked_again: bool) -> None:
        self._plan.links += [(code, order_id) for order_id in parcel.orders]
        for wanted in wanted_facts(parcel, facts, self._rules.now, is_asked_again=is_asked_again):
            self._plan.facts.append((code, parcel.seller, wanted))
            self._plan.counts[f"fact_{_fact_name(wanted)}"] += 1
            handed_over = any(fact.kind in {"collect", "drop_off"} for fact in facts)
            if wanted.kind == "carrier_scan" and not wanted.data.get("status") and not handed_over:
                self._plan.counts["no_handover"] += 1

    def _say_anew(self, parcel: ParcelDraft, held: HeldParcel) -> None:
        wanted = said_anew(parcel, held, self._rules.as_of, self._rules.now)
        if wanted is None:
            return
        said = (fact for code, _, fact in self._plan.facts if code == held.code and fact.kind == wanted.kind)
        if held.status_at is not None and any(fact.at > held.status_at for fact in said):
            return  # the export has told it of itself, later than the rule
        self._plan.facts.append((held.code, parcel.seller, wanted))
        self._plan.counts[f"fact_{_fact_name(wanted)}"] += 1

    def _part(self, taken: Mapping[int, HeldParcel]) -> None:
        """An order that was combined with others and now travels in a package of its own is not in theirs any more."""
        told = {
            (taken[id(it)].code, order_id)
            for it in self._group.parcels
            if id(it) in taken
            for order_id in it.orders
        }
        packaged = {order_id for it in self._group.parcels if it.package_id for order_id in it.orders}
        for held in self._held:
            if held.status not in BEFORE_HANDOVER:
                continue
            left = {order_id for code, order_id in self._plan.unlinks if code == held.code}
            goes = sorted(
                order_id
                for order_id in packaged.intersection(held.orders, self._fresh)
                if (held.code, order_id) not in told
            )
            if goes and len(left) + len(goes) < len(held.orders):
                self._plan.unlinks += [(held.code, order_id) for order_id in goes]
                self._plan.refold.add(held.code)

    def _retire(self, taken: Mapping[int, HeldParcel]) -> None:
        """A nameless parcel whose order now travels in somebody else's package is called off, by name."""
        named = {
            order_id for parcel in self._group.parcels if parcel.package_id for order_id in parcel.orders
        }
        into = sorted(held.code for held in taken.values())
        for held in self._free.values():
            if not (held.is_known and _is_nameless(held) and held.status in BEFORE_HANDOVER):
                continue
            if held.orders and named.issuperset(held.orders):
                data = {"source": SOURCE, "into": into[:10]}
                note = "Its order travels in another package now."
                self._plan.facts.append(
                    (held.code, held.seller, Wanted("cancel", self._rules.now, data, "other", note))
                )
                self._plan.counts["parcels_retired"] += 1


def _has_left(held: HeldParcel) -> bool:
    """Whether what is in it cannot change any more: a line cancelled later is in it all the same."""
    return held.is_known and held.status not in {*BEFORE_HANDOVER, "cancelled"}


def _is_nameless(held: HeldParcel) -> bool:
    return not held.package_id and not held.tracking


def _columns_of(held: HeldParcel) -> dict[str, Any]:
    return {
        "package_id": held.package_id,
        "tracking_number": held.tracking,
        "carrier": held.carrier,
        "seller": held.seller,
        "fragile": held.fragile,
        "items": held.items,
        "place_id": held.place_id,
    }


def _fact_name(wanted: Wanted) -> str:
    if wanted.kind == "carrier_scan":
        return str(wanted.data.get("status") or "shipped")
    if wanted.kind == "cancel" and wanted.data.get("requested"):
        return "cancel_requested"
    if wanted.kind == "hold":
        return "hold" if wanted.data.get("on") else "hold_lifted"
    return wanted.kind
