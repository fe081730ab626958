"""Which facts are withdrawn: a void takes back one earlier event of the same person, in good time.

The clock takes back what it deemed whenever that no longer holds.
Anything else a void asks for (another person's event, too late, a void of a void) is a request that
the office may grant, by a `resolve` of `void_requested` with data.grant true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sync.rules.lifecycle import CLOCK_KINDS
from sync.rules.order import is_earlier, servers_of
from sync.rules.parcel import Fact
from sync.rules.policy import Policy

# Taking these back would make the fold depend on itself; the office answers them with a new event.
_FINAL = frozenset({"void", "resolve", "review", "amend"})


@dataclass(frozen=True, slots=True)
class Standing:
    """`withdrawn` events, the voids that did it (`effective`), and those refused (`requests`: id -> why)."""

    withdrawn: frozenset[str]
    effective: frozenset[str]
    requests: Mapping[str, str]


_NONE = Standing(frozenset(), frozenset(), {})


def judge(ordered: list[Fact], policy: Policy) -> Standing:
    """Judge every void among one parcel's facts. A void of an event of other parcels does nothing here."""
    found = [fact for fact in ordered if fact.kind == "void" and fact.ref is not None]
    if not found:
        return _NONE
    by_id = {fact.id: fact for fact in ordered}
    granted = {
        str(fact.data.get("event"))
        for fact in ordered
        if fact.kind == "resolve"
        and fact.data.get("anomaly") == "void_requested"
        and fact.data.get("grant") is True
    }
    servers = servers_of(ordered)
    withdrawn, effective, requests = set(), set(), {}
    for void in found:
        target = by_id.get(void.ref or "")
        if target is None:
            continue
        objection = _objection(void, target, servers, policy)
        if objection is None or (void.id in granted and target.kind not in _FINAL):
            withdrawn.add(target.id)
            effective.add(void.id)
        else:
            requests[void.id] = objection
    return Standing(frozenset(withdrawn), frozenset(effective), requests)


def _objection(void: Fact, target: Fact, servers: frozenset[str], policy: Policy) -> str | None:
    if target.kind in _FINAL:
        return f"a {target.kind} cannot be withdrawn"
    if void.actor_id != target.actor_id:
        return "another person's record"
    if not is_earlier(target, void, servers):
        return "not an earlier record"
    is_deeming = target.kind in CLOCK_KINDS  # it falls with what it rested on, however late that turns out
    if not is_deeming and void.effective_at - target.effective_at > timedelta(seconds=policy.undo_within_s):
        return "too late"
    return None
