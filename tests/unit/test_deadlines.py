"""Deadlines and deemings: each rule one second before, at, and one second after; late facts, pauses, own times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol.times import format_time
from sync.rules import pack
from sync.rules.deadlines import Deadline, Judgement, OrderTimes, judge
from sync.rules.fold import fold
from sync.rules.parcel import About, Fact, ParcelState
from tests.unit.phones import NOON

ABOUT = About("C", carrier="jnt")
GUIDE = pack.load("guide")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Parcel:
    """A parcel whose order was placed at NOON; what happens to it is told in any order, the clock looks when asked."""

    def __init__(self, held: pack.Pack = GUIDE, **times: Any) -> None:
        self.pack = held
        self.times = OrderTimes(created_at=NOON, **times)
        self.facts: list[Fact] = []

    def __call__(self, kind: str, after: timedelta, who: str = "server", **members: Any) -> Fact:
        seq = len(self.facts) + 1
        made = Fact(f"e{seq}", f"{who}'s", who, seq, kind, NOON + after, NOON + after, **members)
        self.facts.append(made)
        return made

    def judged(self, after: timedelta) -> Judgement:
        return judge(self.facts, ABOUT, self.times, self.pack, NOON + after)

    def deadline(self, rule: str, after: timedelta) -> Deadline | None:
        found = [d for d in self.judged(after).deadlines if d.rule == rule]
        return found[0] if found else None

    def state_of(self, rule: str, after: timedelta) -> str | None:
        deadline = self.deadline(rule, after)
        return deadline.state if deadline else None

    def sweep(self, after: timedelta) -> list[str]:
        """What the server's sweep does with it; the kinds of event it recorded."""
        told = []
        judged = self.judged(after)
        for id_ in judged.withdraw:
            self("void", after, "clock", ref=id_)
            told.append("void")
        for deeming in judged.deem:
            self(deeming.kind, deeming.at - NOON, "clock", data={"rule": deeming.rule})
            told.append(deeming.kind)
        return told

    @property
    def state(self) -> ParcelState:
        return fold(self.facts, ABOUT)

    @property
    def anomalies(self) -> list[str]:
        return [anomaly.code for anomaly in self.state.open_anomalies]


def collected(after: timedelta = 2 * HOUR, **times: Any) -> Parcel:
    parcel = Parcel(**times)
    parcel("label", HOUR)
    parcel("collect", after, "courier")
    return parcel


@pytest.mark.parametrize(
    ("rule", "due", "make"),
    [
        ("mark_shipped", 2 * HOUR + 48 * HOUR, collected),  # R13
        ("awaiting_carrier_scan", 2 * HOUR + 24 * HOUR, collected),
        ("status_update", 120 * HOUR, Parcel),  # R14
        ("deemed_lost", 12 * DAY, collected),  # R22
        ("deemed_cancelled", 15 * DAY, Parcel),  # R25
    ],
)
def test_a_rule_is_open_one_second_before_and_passed_when_due(
    rule: str, due: timedelta, make: type[Parcel]
) -> None:
    parcel = make()
    assert parcel.state_of(rule, due - SECOND) == "open"
    assert parcel.state_of(rule, due) == "passed"
    assert parcel.state_of(rule, due + SECOND) == "passed"
    deadline = parcel.deadline(rule, due)
    assert deadline is not None
    assert (deadline.due_at, deadline.pack) == (NOON + due, f"guide {GUIDE.version}")


@pytest.mark.parametrize(
    ("kind", "due", "status"), [("deem_lost", 12 * DAY, "lost"), ("deem_cancelled", 15 * DAY, "cancelled")]
)
def test_the_clock_deems_at_the_very_second_and_dates_it_then(kind: str, due: timedelta, status: str) -> None:
    parcel = collected() if kind == "deem_lost" else Parcel()
    assert kind not in parcel.sweep(due - SECOND)
    assert kind in parcel.sweep(due + 5 * HOUR)
    assert (parcel.state.status, parcel.state.deemed) == (status, True)
    assert parcel.state.status_at == NOON + due
    assert parcel.sweep(due + 6 * HOUR) == []


def test_what_never_left_the_seller_is_not_lost_but_cancelled_for_want_of_an_update() -> None:
    parcel = Parcel()
    assert parcel.sweep(13 * DAY) == []
    parcel(
        "collect", 13 * DAY, "courier"
    )  # too late to be lost by R22, and still without an update at day 15
    assert parcel.sweep(15 * DAY) == ["remind", "deem_cancelled"]
    assert parcel.state.status == "cancelled"


def test_a_delivery_on_day_13_beats_the_deeming_and_the_office_sees_it_recovered() -> None:
    parcel = collected()
    parcel("carrier_scan", 20 * HOUR)
    assert parcel.sweep(12 * DAY) == ["deem_lost"]
    parcel("deliver", 13 * DAY, "driver")
    assert parcel.sweep(13 * DAY) == []
    assert (parcel.state.status, parcel.state.deemed) == ("delivered", False)
    assert "recovered" in parcel.anomalies


def test_a_delivery_of_day_11_told_on_day_13_withdraws_the_deeming() -> None:
    parcel = collected()
    parcel("carrier_scan", 20 * HOUR)
    parcel.sweep(12 * DAY)
    late = parcel("deliver", 11 * DAY, "driver")
    parcel.facts[-1] = replace(late, received_at=NOON + 13 * DAY)
    assert parcel.sweep(13 * DAY) == ["void"]
    assert parcel.state.status == "delivered"
    assert len(parcel.state.withdrawn) == 1
    assert "recovered" not in parcel.anomalies
    assert parcel.sweep(14 * DAY) == []


def test_a_withdrawn_handover_takes_the_deeming_along() -> None:
    parcel = collected()
    handover = parcel.facts[-1]
    parcel.sweep(12 * DAY)
    assert parcel.state.status == "lost"
    parcel("void", 2 * HOUR + timedelta(minutes=5), "courier", ref=handover.id)
    assert "void" in parcel.sweep(12 * DAY + HOUR)
    assert parcel.state.status == "ready"


def test_the_carrier_that_does_not_scan_is_noticed_and_the_notice_goes_when_it_does() -> None:
    parcel = collected()
    assert parcel.sweep(26 * HOUR) == ["remind"]
    assert "awaiting_carrier_scan" in parcel.anomalies
    parcel("carrier_scan", 30 * HOUR)
    assert "awaiting_carrier_scan" not in parcel.anomalies
    assert parcel.sweep(31 * HOUR) == []


def test_an_update_in_time_settles_r13_and_r14_for_good_and_one_too_late_is_told_as_late() -> None:
    parcel = collected()
    parcel("carrier_scan", 40 * HOUR)
    for rule in ("mark_shipped", "status_update", "deemed_cancelled"):
        assert parcel.state_of(rule, 400 * DAY) == "met"
    parcel = collected()
    parcel("carrier_scan", 60 * HOUR)
    assert parcel.state_of("mark_shipped", 61 * HOUR) == "late"


def test_a_cancelled_parcel_waits_for_nothing() -> None:
    parcel = Parcel()
    parcel("cancel", DAY, reason="out_of_stock")
    judged = parcel.judged(30 * DAY)
    assert {deadline.state for deadline in judged.deadlines} == {"ended"}
    assert judged.deem == ()


def test_reminders_go_from_the_first_missed_update_to_the_cancellation_and_end_with_an_update() -> None:
    parcel = Parcel()
    assert not parcel.judged(120 * HOUR - SECOND).is_reminding
    assert parcel.judged(120 * HOUR).is_reminding
    assert parcel.judged(15 * DAY - SECOND).is_reminding
    assert not parcel.judged(15 * DAY).is_reminding
    parcel("carrier_scan", 6 * DAY)
    assert not parcel.judged(7 * DAY).is_reminding


def test_a_reminder_of_a_day_is_never_taken_back() -> None:
    parcel = Parcel()
    parcel("remind", 120 * HOUR, "clock", data={"rule": "status_update", "day": "2026-11-27"})
    assert parcel.judged(121 * HOUR).withdraw == ()


def test_the_marketplaces_time_for_an_order_overrides_the_pack() -> None:
    own = {"collection_due_time": NOON + 3 * DAY, "tts_sla_time": NOON + DAY}
    parcel = Parcel(own=own)
    deadline = parcel.deadline("deemed_cancelled", 2 * DAY)
    assert deadline is not None
    assert (deadline.due_at, deadline.pack, deadline.state) == (NOON + 3 * DAY, "marketplace", "open")
    assert parcel.state_of("status_update", DAY) == "passed"
    assert parcel.sweep(3 * DAY) == ["deem_cancelled"]


def test_the_marketplaces_delivery_time_replaces_the_guides_deemed_lost() -> None:
    parcel = collected(own={"delivery_due_time": NOON + 20 * DAY})
    parcel("carrier_scan", DAY)
    assert parcel.sweep(14 * DAY) == []
    assert parcel.deadline("deemed_lost", 14 * DAY) is None
    assert parcel.sweep(20 * DAY) == ["deem_cancelled"]


def test_the_marketplaces_delivery_promise_is_what_delays() -> None:
    parcel = collected(own={"delivery_sla_time": NOON + 4 * DAY})
    parcel("carrier_scan", DAY)
    assert parcel.deadline("delayed", 4 * DAY - SECOND).state == "open"  # type: ignore[union-attr]
    assert parcel.sweep(4 * DAY) == ["deem_delayed"]  # R24
    assert parcel.state.flags.delayed
    parcel("deliver", 5 * DAY, "driver")
    assert not parcel.state.flags.delayed


def test_a_time_that_the_marketplace_moves_withdraws_what_was_deemed_by_the_old_one() -> None:
    parcel = Parcel(own={"collection_due_time": NOON + 3 * DAY})
    parcel.sweep(3 * DAY)
    parcel.times = replace(parcel.times, own={"collection_due_time": NOON + 5 * DAY})
    assert parcel.sweep(3 * DAY + HOUR) == ["void"]
    assert parcel.state.status == "expected"
    assert parcel.sweep(5 * DAY) == ["deem_cancelled"]


def test_vietnam_cancels_what_is_not_ready_after_two_working_days_and_not_collected_after_three() -> None:
    parcel = Parcel(pack.load("VN"), shipping="tiktok")
    first = parcel.deadline("deemed_cancelled", HOUR)
    assert first is not None
    assert first.pack.startswith("vn ")
    parcel("label", HOUR)
    second = parcel.deadline("deemed_cancelled", 2 * HOUR)
    assert second is not None
    assert second.due_at > first.due_at
    parcel("collect", 2 * HOUR, "courier")
    parcel("carrier_scan", DAY)
    assert parcel.state_of("deemed_cancelled", 30 * DAY) == "met"


def force_majeure(parcel: Parcel, after: timedelta, *, on: bool = True, **data: str) -> None:
    parcel("hold", after, data={"force_majeure": True, "incident": "flood", "on": on, **data})


def test_force_majeure_stops_the_clock_and_what_was_left_is_left_afterwards() -> None:
    parcel = Parcel()
    force_majeure(parcel, DAY)
    assert parcel.state.flags.force_majeure
    assert not parcel.state.flags.on_hold
    assert parcel.state_of("status_update", 20 * DAY) == "paused"
    assert parcel.sweep(20 * DAY) == []
    force_majeure(parcel, 4 * DAY, on=False)
    assert not parcel.state.flags.force_majeure
    assert parcel.deadline("status_update", 5 * DAY).due_at == NOON + 8 * DAY  # type: ignore[union-attr]
    assert parcel.sweep(18 * DAY - SECOND) == []
    assert parcel.sweep(18 * DAY) == ["deem_cancelled"]


def test_a_period_told_afterwards_withdraws_what_was_deemed_in_it() -> None:
    parcel = Parcel()
    parcel.sweep(15 * DAY)
    since, until = format_time(NOON + 2 * DAY), format_time(NOON + 9 * DAY)
    force_majeure(parcel, 16 * DAY, **{"from": since, "until": until})
    assert parcel.sweep(16 * DAY) == ["void"]
    assert parcel.sweep(22 * DAY) == ["deem_cancelled"]


def test_what_is_paused_is_looked_at_when_its_period_ends_and_goes_on_from_that_second() -> None:
    parcel = Parcel()
    until = NOON + 4 * DAY
    force_majeure(parcel, DAY, until=format_time(until))
    paused = parcel.deadline("status_update", 4 * DAY - SECOND)
    assert paused
    assert (paused.state, paused.resumes_at) == ("paused", until)
    gone_on = parcel.deadline("status_update", 4 * DAY)
    assert gone_on
    assert (gone_on.state, gone_on.resumes_at, gone_on.due_at) == ("open", None, NOON + 8 * DAY)


def test_an_incident_that_was_over_when_it_was_told_pauses_and_marks_nothing_any_more() -> None:
    parcel = Parcel()
    told = {"from": format_time(NOON + DAY), "until": format_time(NOON + 2 * DAY)}
    force_majeure(parcel, 3 * DAY, **told)
    assert not parcel.state.flags.force_majeure
    assert parcel.deadline("status_update", 3 * DAY).due_at == NOON + 6 * DAY  # type: ignore[union-attr]


def test_two_incidents_that_overlap_stop_the_clock_once() -> None:
    parcel = Parcel()
    for name, first, last in (("flood", 1, 4), ("strike", 3, 6)):
        data = {
            "force_majeure": True,
            "incident": name,
            "from": format_time(NOON + first * DAY),
            "until": format_time(NOON + last * DAY),
        }
        parcel("hold", DAY, data=data)
    assert parcel.deadline("status_update", HOUR).due_at == NOON + 10 * DAY  # type: ignore[union-attr]


def test_a_parcel_of_no_order_has_only_the_deadlines_of_its_handover() -> None:
    parcel = collected()
    parcel.times = OrderTimes()
    assert [d.rule for d in parcel.judged(3 * HOUR).deadlines] == ["awaiting_carrier_scan", "mark_shipped"]


def test_after_a_clock_that_was_ahead_the_same_is_not_deemed_again_at_every_look() -> None:
    parcel = Parcel()
    parcel("carrier_scan", 361 * HOUR, "feed")  # recorded while the clock was ahead, and so was the deeming
    parcel("deem_cancelled", 360 * HOUR, "clock", data={"rule": "deemed_cancelled"})
    assert parcel.sweep(HOUR) == []
    assert parcel.sweep(361 * HOUR) == []


def test_a_deeming_recorded_twice_is_withdrawn_twice() -> None:
    parcel = Parcel()
    for _ in range(2):
        parcel("deem_cancelled", 15 * DAY, "clock", data={"rule": "deemed_cancelled"})
    parcel("deliver", DAY, "driver")
    assert parcel.sweep(16 * DAY) == ["void", "void"]
    assert (parcel.sweep(16 * DAY), parcel.state.status) == ([], "delivered")


KINDS = ("label", "collect", "carrier_scan", "deliver", "attempt", "cancel", "return")
STORY = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 20 * 24), st.booleans()), min_size=0, max_size=8
)


@given(STORY, st.lists(st.integers(0, 22 * 24), max_size=6), st.randoms(use_true_random=False))
def test_whenever_the_clock_looks_and_facts_arrive_the_end_is_the_same(
    story: Sequence[tuple[str, int, bool]], looks: Sequence[int], chance: Any
) -> None:
    """Sweeps between arrivals in any order leave the status that one sweep at the end leaves, and no fact undone."""

    def told(parcel: Parcel, n: int) -> None:
        kind, hour, by_phone = story[n]
        who = f"phone{n}" if by_phone else f"feed{n}"  # each its own device: only the time orders them
        data = {"stage": "done"} if kind == "return" else {}
        made = parcel(kind, hour * HOUR, who, data=data)
        parcel.facts[-1] = replace(made, id=f"s{n}", seq=1)

    order = list(range(len(story)))
    chance.shuffle(order)
    steps: list[tuple[str, int]] = [("tell", n) for n in order] + [("look", hour) for hour in looks]
    chance.shuffle(steps)
    swept = Parcel()
    for what, n in steps:
        if what == "tell":
            told(swept, n)
        else:
            swept.sweep(n * HOUR)
    for _ in range(2):
        swept.sweep(23 * DAY)
    once = Parcel()
    for n in range(len(story)):
        told(once, n)
    once.sweep(23 * DAY)
    assert swept.sweep(23 * DAY) == []
    assert (swept.state.status, swept.state.deemed) == (once.state.status, once.state.deemed)
    assert swept.state.flags == once.state.flags
    facts_only = fold([f for f in once.facts if not f.kind.startswith(("deem_", "remind"))], ABOUT)
    if facts_only.status in {"delivered", "returned", "returning"}:
        assert swept.state.status == facts_only.status
