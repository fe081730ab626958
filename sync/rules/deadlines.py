"""What is due for a parcel and when, and what the clock has to say of it: pure, from facts, books and terms.

A deadline is a function of the parcel's facts (never of deemings), the times of its orders, the terms of its
market, and now. So it can be made anew at any time, and a late or withdrawn fact changes it. The clock's own
events (RULES section 1, deemings) are compared with it: what now has to be deemed, and which deeming does
not hold any more and has to be withdrawn. A deeming is dated when it fell due, whenever the clock looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync.rules import voids
from sync.rules.fold import fold
from sync.rules.lifecycle import CLOCK_KINDS, ENDED, FROM_TRANSIT
from sync.rules.order import in_order
from sync.rules.pack import CREATED, Pack, Term
from sync.rules.parcel import About, Fact, Milestone, ParcelState
from sync.rules.pauses import Pause, pauses_of, shifted
from sync.rules.policy import Policy, load

# What counts as having reached a status: it, or anything that can only come after it.
_FROM_HANDOVER = ("handed_over", *FROM_TRANSIT)
REACHED: Mapping[str, tuple[str, ...]] = {
    "confirmed": ("confirmed", "packed", "ready", *_FROM_HANDOVER),
    "packed": ("packed", "ready", *_FROM_HANDOVER),
    "ready": ("ready", *_FROM_HANDOVER),
    "handed_over": _FROM_HANDOVER,
    "in_transit": FROM_TRANSIT,
    "delivered": ("delivered",),
}

# The marketplace's own times of one order: which rule they are, what must be reached, what follows if it is not.
# From TikTok Shop's Orders API ("SLA information now available in Orders API", v202309).
OWN_TIMES: Mapping[str, tuple[str, str, str | None]] = {
    "rts_sla_time": ("ready_by", "ready", None),
    "pick_up_cut_off_time": ("handover_by", "handed_over", None),
    "tts_sla_time": ("status_update", "in_transit", None),
    "shipping_due_time": ("deemed_cancelled", "ready", "deem_cancelled"),
    "collection_due_time": ("deemed_cancelled", "in_transit", "deem_cancelled"),
    "delivery_sla_time": ("delayed", "delivered", "deem_delayed"),
    "delivery_due_time": ("deemed_cancelled", "delivered", "deem_cancelled"),
}
# Where the marketplace says when an undelivered order ends, the guide's "deemed lost" has no say.
_REPLACED = {"delivery_due_time": "deemed_lost"}
MARKETPLACE = "marketplace"


@dataclass(frozen=True, slots=True)
class OrderTimes:
    """What the books say of a parcel's orders that rules count from; of several orders, the earliest times.

    `shipping` is tiktok, seller or None (not told); `own` are the marketplace's times by its own names.
    """

    created_at: datetime | None = None
    shipping: str | None = None
    is_preorder: bool = False
    own: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deadline:
    """One rule's date for one parcel. `state` is one of

    open (not due yet), paused (force majeure), met, late (met after it was due), passed (due and not met), ended
    (the parcel was cancelled, returned … before it was due). `number` and `source` say which term judged it,
    `resumes_at` until when it is paused, as far as that is known.
    """

    rule: str
    due_at: datetime
    state: str
    met_at: datetime | None
    number: str
    pack: str
    source: str
    effect: str | None = None
    reminds: bool = False
    resumes_at: datetime | None = None

    @property
    def is_missed(self) -> bool:
        """Whether what was due was not there in time."""
        return self.state in {"passed", "late"}


@dataclass(frozen=True, slots=True)
class Deeming:
    """What the clock has to record: an event of this kind, dated `at`, for this rule, by this number of this pack."""

    kind: str
    rule: str
    at: datetime
    number: str
    pack: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """All deadlines of a parcel by rule, the deemings to record, and the ids of those to withdraw.

    `is_over`: by the facts the parcel waits for nothing more.
    """

    deadlines: tuple[Deadline, ...]
    deem: tuple[Deeming, ...] = ()
    withdraw: tuple[str, ...] = ()
    is_over: bool = False

    @property
    def is_reminding(self) -> bool:
        """`R27`: an update is overdue, and the order is neither cancelled for it yet nor over in another way."""
        overdue = any(d.reminds and d.state == "passed" for d in self.deadlines)
        ends = [d for d in self.deadlines if d.effect == "deem_cancelled"]
        # One that came too late for its term is not cancelled by it any more: the marketplace went on with it.
        return overdue and not self.is_over and bool(ends) and not any(d.state == "passed" for d in ends)


def judge(
    facts: Iterable[Fact],
    about: About,
    times: OrderTimes,
    pack: Pack,
    now: datetime,
    policy: Policy | None = None,
) -> Judgement:
    """The parcel's deadlines at `now`, and what follows from them."""
    ordered = in_order(facts)
    policy = policy or load()
    standing = voids.judge(ordered, policy)
    real = [fact for fact in ordered if fact.kind not in CLOCK_KINDS]
    seen = _Seen(fold(real, about, policy), times, pauses_of(real, standing.withdrawn), now)
    by_rule = [
        [found for term in terms if (found := _of_term(term, seen, pack))]
        for _, terms in sorted(_by_rule(times, pack).items())
    ]
    deadlines = tuple(_most_urgent(found) for found in by_rule if found)
    # What came too late was deemed when it fell due, though another term of its rule is still to come.
    late = [deadline for found in by_rule for deadline in found if deadline.state == "late"]
    deemed = [fact for fact in ordered if fact.kind in CLOCK_KINDS and fact.id not in standing.withdrawn]
    return Judgement(deadlines, *_compare([*deadlines, *late], deemed, now), seen.state.status in ENDED)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a deadline is judged by."""

    state: ParcelState
    times: OrderTimes
    pauses: Sequence[Pause]
    now: datetime

    def start(self, since: str) -> datetime | None:
        if since == CREATED:
            return self.times.created_at
        reached = self.state.milestones.get(since)
        return reached.at if reached else None

    def reached_at(self, status: str) -> datetime | None:
        found: list[Milestone] = [
            reached for name in REACHED[status] if (reached := self.state.milestones.get(name))
        ]
        return min((reached.at for reached in found), default=None)


@dataclass(frozen=True, slots=True)
class _Own:
    """A time that the marketplace gave for this very order."""

    term: Term
    due_at: datetime


def _by_rule(times: OrderTimes, pack: Pack) -> dict[str, list[Term | _Own]]:
    """The terms of each rule: the marketplace's own, and those of the pack that these leave standing."""
    by_rule: dict[str, list[Term | _Own]] = {}
    settled: set[tuple[str, str | None]] = set()
    for name, due_at in sorted(times.own.items()):
        if name not in OWN_TIMES:
            continue
        rule, unless, effect = OWN_TIMES[name]
        term = Term(
            rule,
            CREATED,
            unless,
            f"the order's own {name}",
            "The marketplace's time for this order.",
            MARKETPLACE,
            "",
            effect=effect,
            reminds=rule == "status_update",
        )
        by_rule.setdefault(rule, []).append(_Own(term, due_at))
        settled.add((rule, unless))
        if name in _REPLACED:
            settled.add((_REPLACED[name], None))
    for term in pack.term_list(times.shipping, is_preorder=times.is_preorder):
        if (term.rule, term.unless) not in settled and (term.rule, None) not in settled:
            by_rule.setdefault(term.rule, []).append(term)
    return by_rule


_URGENCY = ("passed", "open", "paused", "late", "ended", "met")


def _most_urgent(found: Sequence[Deadline]) -> Deadline:
    """The one that counts of a rule's terms: what was missed first and still is, else what is due next, else what was

    missed, else what was met last.
    """
    best = min(_URGENCY.index(deadline.state) for deadline in found)
    alike = [deadline for deadline in found if _URGENCY.index(deadline.state) == best]
    choose = max if _URGENCY[best] in {"ended", "met"} else min
    return choose(alike, key=lambda deadline: deadline.due_at)


def _of_term(given: Term | _Own, seen: _Seen, pack: Pack) -> Deadline | None:
    term = given.term if isinstance(given, _Own) else given
    start = seen.start(term.since)
    if isinstance(given, _Own):
        nominal, start = given.due_at, start or given.due_at
    elif start is None:
        return None
    else:
        nominal = pack.due(term, start)
    due_at, pause = shifted(start, _to_the_ms(nominal), seen.pauses, seen.now)
    due_at = _to_the_ms(due_at)
    if term.only_if is not None:
        left_at = seen.reached_at(term.only_if)
        if left_at is None or left_at > due_at:
            return None
    met_at = seen.reached_at(term.unless)
    state = _state(due_at, met_at, seen, is_paused=pause is not None)
    return Deadline(
        term.rule,
        due_at,
        state,
        met_at,
        term.number,
        term.pack if term.pack == MARKETPLACE else f"{term.pack} {term.version}",
        term.source,
        term.effect,
        term.reminds,
        pause.end if pause and state == "paused" else None,
    )


def _to_the_ms(moment: datetime) -> datetime:
    """As an event can say it: a deeming is found again by its time."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _state(due_at: datetime, met_at: datetime | None, seen: _Seen, *, is_paused: bool) -> str:
    if met_at is not None:
        return "met" if met_at <= due_at else "late"
    # Since when it waits for nothing: a return that began in time may be done later (R22, R24).
    if seen.state.over_since is not None and seen.state.over_since <= due_at:
        return "ended"
    if is_paused:
        return "paused"
    return "passed" if seen.now >= due_at else "open"


def _compare(
    deadlines: Iterable[Deadline], deemed: Sequence[Fact], now: datetime
) -> tuple[tuple[Deeming, ...], tuple[str, ...]]:
    """The deemings that have to be and are not, and those that are and must not be."""
    due = {
        (deadline.effect, deadline.rule, deadline.due_at): deadline
        for deadline in deadlines
        if deadline.effect and deadline.is_missed and deadline.due_at <= now
    }
    held = {
        fact.id: (fact.kind, fact.data.get("rule"), fact.effective_at) for fact in deemed if _judges(fact)
    }
    said = set(held.values())
    deem = tuple(
        Deeming(kind, rule, at, by.number, by.pack)
        for (kind, rule, at), by in sorted(due.items(), key=lambda it: (it[0][2], it[0][1]))
        if (kind, rule, at) not in said
    )
    # One dated later than now was deemed by a clock that was ahead: it is judged when its time comes.
    return deem, tuple(sorted(id_ for id_, key in held.items() if key not in due and key[2] <= now))


def _judges(fact: Fact) -> bool:
    """Whether a clock's event is a deeming that stands or falls; a day's reminder was given and stays given."""
    return fact.kind != "remind" or "day" not in fact.data
