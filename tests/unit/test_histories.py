"""Histories of parcels and what the rules make of them, written from the text of the rules before the code was read.

`tests/vectors/histories.json` is that second reading. A `note` there says what the first writing of a history had
read otherwise, and by which words it was settled. A history told with `skipped` is about skipped steps too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync.protocol.events import Event
from sync.protocol.times import parse_time
from sync.rules import findings, pack, policy
from sync.rules.deadlines import Judgement, OrderTimes, judge
from sync.rules.fold import fold
from sync.rules.lifecycle import PHONE_KINDS, STATUSES
from sync.rules.parcel import About, Fact, Mark, ParcelState

HISTORIES = json.loads((Path(__file__).parents[1] / "vectors" / "histories.json").read_text("utf-8"))
GUIDE = pack.load("guide")
BOUNDARIES = ("R13", "R14", "R22", "R25")
# RULES section 3: from the phone and from the office.
KINDS = {"pack", "drop_off", "collect", "deliver", "attempt", "report", "return", "void", "blob_lost"} | {
    *("confirm", "label", "cancel", "hold", "carrier_scan", "out_for_delivery", "review", "resolve", "amend")
}
# What the code calls a numbered rule; the histories name them as RULES does.
RULES = {
    "R13": "mark_shipped",
    "R14": "status_update",
    "R22": "deemed_lost",
    "R24": "delayed",
    "R25": "deemed_cancelled",
    "awaiting_carrier_scan": "awaiting_carrier_scan",
}


@dataclass(slots=True)
class History:
    """One history while it is played: what has been told, and what the clock has recorded of it."""

    told: Mapping[str, Any]
    clock: list[Fact] = field(default_factory=list)
    reminded: set[str] = field(default_factory=set)

    @property
    def about(self) -> About:
        said = self.told["about"]
        return About("C", known=said["known"], carrier=said["carrier"], run_ids=frozenset(said["runs"]))

    @property
    def times(self) -> OrderTimes:
        order = self.told["order"]
        if order is None:
            return OrderTimes()
        own = {name: parse_time(at) for name, at in order["own"].items()}
        return OrderTimes(parse_time(order["created_at"]), order["shipping"], own=own)

    def facts(self, now: datetime) -> list[Fact]:
        """What the server knows by then, in the order in which it came."""
        seqs: dict[str, int] = {}
        made = []
        for n, event in enumerate(self.told["events"]):
            seqs[event["by"]] = seqs.get(event["by"], 0) + 1
            made.append(_fact(f"e{n}", seqs[event["by"]], event))
        came = [fact for fact in (*made, *self.clock) if fact.received_at <= now]
        return sorted(came, key=lambda fact: fact.received_at)

    def judged(self, now: datetime) -> Judgement:
        return judge(self.facts(now), self.about, self.times, GUIDE, now)

    def sweep(self, now: datetime) -> None:
        """As the server's sweep: withdrawals and deemings, then the day's reminder."""
        judged = self.judged(now)
        for id_ in judged.withdraw:
            self.record("void", now, now, ref=id_)
        for deeming in judged.deem:
            self.record(deeming.kind, deeming.at, now, data={"rule": deeming.rule})
        day = now.astimezone(GUIDE.zone).date().isoformat()
        if self.judged(now).is_reminding and day not in self.reminded:
            self.reminded.add(day)
            self.record("remind", now, now, data={"rule": "status_update", "day": day})

    def record(self, kind: str, at: datetime, now: datetime, **members: Any) -> None:
        seq = len(self.clock) + 1
        self.clock.append(Fact(f"c{seq}", "server", "clock", seq, kind, at, now, **members))

    def state(self, now: datetime) -> ParcelState:
        return fold(self.facts(now), self.about)


def _fact(id_: str, seq: int, event: Mapping[str, Any]) -> Fact:
    at = parse_time(event["at"])
    ref = f"e{event['ref']}" if "ref" in event else None
    carrier, run, reason, data = (event.get(name) for name in ("carrier", "run", "reason", "data"))
    sent = Event(
        id=id_,
        device=event["by"],
        actor=event["actor"],
        seq=seq,
        prev=None,
        kind=event["kind"],
        at=at,
        offset_ms=event.get("offset_ms"),
        parcels=["C"],
        run=run,
        carrier=carrier,
        expected=None,
        place=None,
        ref=ref,
        reason=reason,
        blobs=[],
        data=data or {},
        payload={},
    )
    claimed = findings.claimed_at(sent)
    received = parse_time(event["received_at"]) if "received_at" in event else claimed
    doubts = findings.clock_doubts(sent, received, policy.load()) if sent.kind in PHONE_KINDS else []
    return Fact(
        sent.id,
        sent.device,
        sent.actor,
        sent.seq,
        sent.kind,
        min(claimed, received),
        received,
        run,
        carrier,
        ref,
        reason,
        sent.data,
        (Mark("clock_suspect", ", ".join(doubts)),) if doubts else (),
    )


def _came_out(history: History, now: datetime) -> dict[str, Any]:
    """What came of it, in the words of `expect`."""
    told = history.told
    state = history.state(now)
    codes = sorted({anomaly.code for anomaly in state.open_anomalies})
    if not told.get("skipped"):
        codes = [code for code in codes if not code.startswith("skipped_")]
    held = {deadline.rule: deadline for deadline in history.judged(now).deadlines}
    asked = {name: held.get(RULES[name]) for name in told["expect"]["deadlines"]}
    return {
        "status": state.status,
        "deemed": state.deemed,
        "flags": {name: value for name, value in state.flags.as_dict().items() if value},
        "anomalies": codes,
        "deadlines": {
            name: found and {"due_at": _seconds(found.due_at), "state": found.state}
            for name, found in asked.items()
        },
        **({"reminders": len(history.reminded)} if "reminders" in told["expect"] else {}),
    }


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("told", HISTORIES, ids=lambda told: told["name"])
def test_a_history_comes_out_as_the_rules_text_says(told: Mapping[str, Any]) -> None:
    history = History(told)
    for look in told["sweeps"]:
        history.sweep(parse_time(look))
    assert _came_out(history, parse_time(told["now"])) == told["expect"]


def test_the_histories_reach_every_status_and_tell_every_kind_of_event() -> None:
    assert {told["expect"]["status"] for told in HISTORIES} == set(STATUSES)
    assert {event["kind"] for told in HISTORIES for event in told["events"]} == KINDS


@pytest.mark.parametrize("rule", BOUNDARIES)
def test_a_boundary_is_looked_at_a_second_before_at_and_after(rule: str) -> None:
    named = [told["name"] for told in HISTORIES if told["name"].startswith(f"{rule}: ")]
    assert len(named) >= 3
    assert any("before" in name for name in named)
    assert any("after" in name for name in named)
