"""The fold: a parcel's state as a function of the set of its facts, and of what the books say of it.

Arrival order, repetition and batching never change the outcome: facts are put in one order first
(`order.in_order`), withdrawn ones are left out, and each remaining one goes through the table. What it
cannot move it still records: anomalies, flags, milestones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync.rules import packing, pauses, voids
from sync.rules.against_books import objections
from sync.rules.anomalies import INTEGRITY
from sync.rules.attempts import Attempts, is_attempt
from sync.rules.checks import Checks
from sync.rules.lifecycle import (
    ARRIVED,
    BEFORE_DELIVERY,
    ENDED,
    FROM_TRANSIT,
    GONE,
    HANDOVERS,
    PHONE_KINDS,
    SIGHTINGS,
    STATUSES,
    TABLE,
    row_of,
)
from sync.rules.order import in_order
from sync.rules.parcel import About, Fact, Flags, Milestone, ParcelState
from sync.rules.policy import Policy, load
from sync.rules.reasons import DAMAGE, NO_COMPLAINT
from sync.rules.remarks import Remarks

_NO_SIGHT = frozenset({"void", "blob_lost"})
# What an `amend` may put on the record it speaks of.
_VOUCHED = frozenset({"vouched", "bad_signature"})
_AWAITED = "awaiting_carrier_scan"
# Nothing is left to cancel.
_GONE_BACK = frozenset({"cancelled", "returning", "returned"})


@dataclass(frozen=True, slots=True)
class Folded:
    """The state, the events that moved it, and the codes of the anomalies that each event raised."""

    state: ParcelState
    moved: frozenset[str] | set[str]
    blamed: Mapping[str, Sequence[str]]


def fold(facts: Iterable[Fact], about: About, policy: Policy | None = None) -> ParcelState:
    """The parcel's state."""
    return refold(facts, about, policy).state


def refold(facts: Iterable[Fact], about: About, policy: Policy | None = None) -> Folded:
    """The parcel's state and what each fact had to do with it."""
    ordered = in_order(facts)
    folding = _Folding(about, policy or load(), {fact.id: fact for fact in ordered})
    standing = voids.judge(ordered, folding.policy)
    for fact in ordered:
        if fact.id in standing.withdrawn:
            folding.leave_out(fact)
        else:
            folding.take(fact, standing)
    return folding.result(ordered, standing)


@dataclass(slots=True)
class _Folding:
    """The state while it is being made."""

    about: About
    policy: Policy
    facts: Mapping[str, Fact]
    status: str = STATUSES[0]
    event: str | None = None
    at: datetime | None = None
    deemed: bool = False
    over_since: datetime | None = None
    attempts: Attempts = field(default_factory=Attempts)
    delayed: bool = False
    damaged: bool = False
    on_hold: bool = False
    cancel_requested: bool = False
    incidents: set[str] = field(default_factory=set)
    cleared_by: str | None = None
    reported: set[str] = field(default_factory=set)
    milestones: dict[str, Milestone] = field(default_factory=dict)
    remarks: Remarks = field(default_factory=Remarks)
    moved: set[str] = field(default_factory=set)
    resolves: list[Fact] = field(default_factory=list)
    checks: Checks = field(init=False)
    is_sighted: bool = False

    def __post_init__(self) -> None:
        self.checks = Checks(self.about.code)

    def leave_out(self, fact: Fact) -> None:
        """A withdrawn fact stays visible, and what it shows about the phone stays true."""
        for mark in fact.marks:
            if mark.code in INTEGRITY:
                self.remarks.raise_(mark.code, fact, mark.detail)

    def take(self, fact: Fact, standing: voids.Standing) -> None:
        before = self.status
        for mark in fact.marks:
            self.remarks.raise_(mark.code, fact, mark.detail)
        self.compare_with_books(fact)
        self.move_by_table(fact)
        special = _SPECIAL.get(fact.kind)
        if special is not None:
            special(self, fact)
        if self.status != before or fact.id in standing.effective:
            self.moved.add(fact.id)
        if fact.id in standing.requests:
            self.remarks.raise_("void_requested", fact, standing.requests[fact.id])

    def compare_with_books(self, fact: Fact) -> None:
        is_first = not self.is_sighted and fact.kind in PHONE_KINDS and fact.kind not in _NO_SIGHT
        self.is_sighted = self.is_sighted or is_first
        is_cleared = self.cleared_by is not None
        for mark in objections(fact, self.about, is_first_sight=is_first, is_cleared=is_cleared):
            self.remarks.raise_(mark.code, fact, mark.detail)

    def move_by_table(self, fact: Fact) -> None:
        row = TABLE.get(row_of(fact.kind, fact.data))
        # What the last attempt made lost (R21) is not found by whoever tells of the same attempts.
        is_lost_by_them = self.status == "lost" and is_attempt(self.facts.get(self.event or ""))
        if row is None or (is_lost_by_them and self.attempts.is_known(fact)):
            return
        status = self.status
        if self.deemed and status == "cancelled" and fact.kind in SIGHTINGS:
            # A fact beats a deeming (RULES section 1): whoever had it in hand proves it is not gone.
            status = "lost"
            if fact.kind in HANDOVERS:
                self.remarks.raise_("handed_over_after_cancel", fact)
        elif self.deemed and status == "cancelled" and row is TABLE["label.platform"]:
            # The marketplace itself says that the order goes on, from where it was by our own proof.
            self.remarks.raise_("recovered", fact)
            self.move("handed_over" if "handed_over" in self.milestones else "ready", fact)
            return
        step = row[status]
        for code in step.anomalies:
            if code != "handed_over_twice" or self.is_by_another(fact):
                self.remarks.raise_(code, fact)
        if self.deemed and status == "lost" and row is TABLE["carrier_scan.lost"]:
            self.move("lost", fact)  # the carrier's own word makes a fact of the deeming
        if step.to is not None:
            self.move(step.to, fact, deemed=fact.kind.startswith("deem_"))
        if fact.kind in HANDOVERS:
            self.reach("handed_over", fact)

    def is_by_another(self, fact: Fact) -> bool:
        first = self.milestones.get("handed_over")
        return first is not None and first.actor_id != fact.actor_id

    def move(self, to: str, fact: Fact, *, deemed: bool = False) -> None:
        if to == self.status and deemed == self.deemed:
            return
        if to not in ENDED:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = fact.effective_at
        self.status, self.event, self.at, self.deemed = to, fact.id, fact.effective_at, deemed
        self.reach(to, fact)

    def reach(self, status: str, fact: Fact) -> None:
        if status not in self.milestones:
            self.milestones[status] = Milestone(fact.effective_at, fact.id, fact.actor_id)

    def count_attempt(self, fact: Fact) -> None:
        """R21: at the limit the parcel is deemed lost, or sent back where a pack says so."""
        limit = self.policy.attempt_limit
        if not self.attempts.add(fact) or self.attempts.count < limit or self.status != "in_transit":
            return
        if self.attempts.count > limit:
            self.remarks.drop("recovered", fact.id)
        self.move(self.policy.attempt_outcome, fact, deemed=True)

    def hear_of_scan(self, fact: Fact) -> None:
        if is_attempt(fact):
            self.count_attempt(fact)

    def report(self, fact: Fact) -> None:
        if fact.reason is None or fact.reason in NO_COMPLAINT:
            return
        self.reported.add(fact.reason)
        self.damaged = self.damaged or fact.reason in DAMAGE

    def pack(self, fact: Fact) -> None:
        """What was not ticked, and pieces that are not as many as ordered (R3-R6, R29)."""
        about = self.about
        for mark in packing.marks(fact.data, about.code, about.tracking_number, about.pieces):
            self.remarks.raise_(mark.code, fact, mark.detail)

    def miss_blob(self, fact: Fact) -> None:
        about = fact.ref if fact.ref in self.facts else None
        self.remarks.raise_("blob_missing", fact, "lost on the phone", event_id=about)

    def ask_cancel(self, fact: Fact) -> None:
        """After the handover a cancellation is a request: the parcel is on its way, the office decides."""
        row = row_of(fact.kind, fact.data)
        if row == "cancel.withdrawn":
            self.cancel_requested = False
        elif self.status not in _GONE_BACK:
            self.cancel_requested = True
        elif row == "cancel" and self.status == "cancelled":
            self.deemed = False

    def hold(self, fact: Fact) -> None:
        if not pauses.is_incident(fact):
            self.on_hold = fact.data.get("on") is not False
        elif pauses.is_begun(fact):
            self.incidents.add(pauses.incident_of(fact))
        else:
            self.incidents.discard(pauses.incident_of(fact))

    def remind(self, fact: Fact) -> None:
        """The clock noticed that the carrier has not scanned it since our handover; other reminders raise nothing."""
        if fact.data.get("rule") == _AWAITED:
            self.remarks.raise_(_AWAITED, fact)

    def delay(self, fact: Fact) -> None:
        self.delayed = self.status not in ("delivered", "returned", "cancelled")

    def resolve(self, fact: Fact) -> None:
        """The office decides the status; what it closes is looked up at the end, in `close`."""
        self.resolves.append(fact)
        status = fact.data.get("status")
        if isinstance(status, str) and status in STATUSES:
            if not self.is_overtaken(status, fact):
                self.decide(status, fact)
            self.cancel_requested = self.damaged = False
            self.reported.clear()

    def decide(self, status: str, fact: Fact) -> None:
        """The office says what it has become."""
        if status in BEFORE_DELIVERY:
            # Overturned, a delivery meets no deadline any more, and the true one counts when it comes.
            self.milestones.pop("delivered", None)
        self.doubt(status, fact)
        self.move(status, fact)

    def is_overtaken(self, status: str, decision: Fact) -> bool:
        """That it stays was said of what was known; what happened before it, and is told later, moves the parcel on."""
        last = self.facts.get(self.event or "")
        is_news = last is not None and last.received_at > decision.received_at
        return decision.data.get("stays") is True and status not in GONE and is_news

    def doubt(self, status: str, decision: Fact) -> None:
        """The decision stands, but whoever called a parcel gone before its arrival was known here has to see it."""
        last = self.facts.get(self.event or "")
        if last is None or last.received_at <= decision.received_at:
            return
        if status in GONE and self.status in ARRIVED:
            for code in (*TABLE[row_of(last.kind, last.data)][status].anomalies, "recovered"):
                self.remarks.raise_(code, last)

    def amend(self, fact: Fact) -> None:
        """The office corrects the record: takes one in from quarantine, lets dangerous goods go or stops them again."""
        said = fact.data.get("dangerous")
        if said in ("cleared", "stopped"):
            self.cleared_by = fact.id if said == "cleared" else None
        self.vouch(fact)

    def vouch(self, fact: Fact) -> None:
        """The office took a record in from quarantine: it is marked so for ever, at the record itself."""
        code = fact.data.get("finding")
        if code in _VOUCHED and fact.ref in self.facts:
            self.remarks.raise_(code, fact, str(fact.data.get("held_for", "")), event_id=fact.ref)

    def note_check(self, fact: Fact) -> None:
        """The newest look at a proof's pictures counts; it is judged at the end, when withdrawals are known."""
        if fact.ref in self.facts:
            self.checks.note(fact)

    def judge_checks(self, withdrawn: Collection[str]) -> None:
        """Raise what the pictures of each proof that still stands have shown, at the proof."""
        for found in self.checks.standing(withdrawn):
            self.remarks.raise_found(found)

    def settle(self) -> None:
        """What only the whole set can tell."""
        if "handed_over" in self.milestones:
            self.remarks.drop_all("no_handover_proof")
        if any(status in self.milestones for status in FROM_TRANSIT):  # nobody waits for its first scan
            self.remarks.drop_all(_AWAITED)
        if self.status in ("delivered", "returned", "cancelled"):
            self.delayed = False
        if self.status in _GONE_BACK:
            self.cancel_requested = False
        for resolve in self.resolves:
            self.remarks.close(resolve)
        if (
            self.cleared_by is not None
        ):  # the office's word that dangerous goods may travel settles what was raised
            self.remarks.close_all("dangerous_goods", self.cleared_by)

    def result(self, ordered: list[Fact], standing: voids.Standing) -> Folded:
        self.judge_checks(standing.withdrawn)
        self.settle()
        flags = Flags(
            delayed=self.delayed,
            damaged_reported=self.damaged,
            attempts=self.attempts.count,
            on_hold=self.on_hold,
            cancel_requested=self.cancel_requested,
            force_majeure=bool(self.incidents),
            reported=tuple(sorted(self.reported)),
            dangerous_cleared=self.cleared_by is not None,
        )
        state = ParcelState(
            self.about.code,
            self.status,
            self.event,
            self.at,
            self.deemed,
            flags,
            self.remarks.as_anomalies(),
            self.milestones,
            tuple(sorted(standing.withdrawn)),
            max((fact.effective_at for fact in ordered), default=None),
            self.over_since,
        )
        return Folded(state, self.moved, self.remarks.blamed)


_SPECIAL = {
    "amend": _Folding.amend,
    "pack": _Folding.pack,
    "attempt": _Folding.count_attempt,
    "report": _Folding.report,
    "blob_lost": _Folding.miss_blob,
    "carrier_scan": _Folding.hear_of_scan,
    "cancel": _Folding.ask_cancel,
    "hold": _Folding.hold,
    "deem_delayed": _Folding.delay,
    "remind": _Folding.remind,
    "resolve": _Folding.resolve,
    "check": _Folding.note_check,
}
