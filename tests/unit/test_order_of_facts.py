"""The order of a parcel's facts where the server speaks of the past: an import tells today what happened yesterday."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from sync.rules.fold import fold
from sync.rules.order import in_order
from sync.rules.parcel import About, Fact
from tests.unit.phones import NOON

ABOUT = About("0000000000")


def fact(kind: str, hours: float, seq: int, device: str = "server") -> Fact:
    at = NOON + timedelta(hours=hours)
    return Fact(f"{device}-{seq}", device, "somebody", seq, kind, at, NOON + timedelta(hours=9))


def test_what_an_import_tells_late_counts_from_when_it_happened() -> None:
    collected = fact("collect", 2, 1, device="phone")
    reviewed, cancelled = fact("review", 3, 1), fact("cancel", 1, 2)
    for order in permutations([collected, reviewed, cancelled]):
        assert in_order(order) == [cancelled, collected, reviewed]
        state = fold(order, ABOUT)
        assert state.status == "cancelled"
        assert "handed_over_after_cancel" in {anomaly.code for anomaly in state.anomalies}


def test_two_facts_of_one_moment_keep_the_order_in_which_the_server_made_them() -> None:
    confirmed, labelled = fact("confirm", 1, 1), fact("label", 1, 2)
    assert in_order([labelled, confirmed]) == [confirmed, labelled]


def test_a_phone_whose_clock_jumps_back_keeps_the_order_of_its_numbers() -> None:
    first, second = fact("collect", 5, 1, device="phone"), fact("deliver", 1, 2, device="phone")
    assert in_order([second, first]) == [first, second]


def test_what_the_office_states_of_held_records_counts_from_when_they_say_it_happened() -> None:
    """The later of the two was taken in first."""
    returned = replace(fact("return", 5, 1), data={"stage": "start"})
    delivered = fact("deliver", 3, 3)
    facts = [returned, fact("amend", 9, 2), delivered, fact("amend", 9, 4)]
    for order in permutations(facts):
        assert in_order(order)[:2] == [delivered, returned]
        assert fold(order, ABOUT).status == "returning"


def test_a_stated_withdrawal_is_of_what_was_stated_to_be_before_it() -> None:
    void = replace(fact("void", 5, 1), ref="server-3")
    stated = [void, fact("amend", 9, 2), fact("collect", 4.95, 3), fact("amend", 9, 4)]
    assert fold(stated, ABOUT).withdrawn == ("server-3",)
    stated[2] = fact("collect", 5.05, 3)
    assert [(a.code, a.detail) for a in fold(stated, ABOUT).anomalies if a.code == "void_requested"] == [
        ("void_requested", "not an earlier record")
    ]
