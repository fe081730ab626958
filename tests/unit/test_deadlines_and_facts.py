"""Deadlines where facts and deemings meet: what ends reminders, what a look back sees, whose word beats the clock's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.rules import pack
from tests.unit.phones import NOON
from tests.unit.test_deadlines import DAY, HOUR, Parcel, collected, force_majeure


def test_a_cancellation_after_the_missed_update_ends_the_reminders() -> None:
    parcel = Parcel()
    parcel("cancel", 7 * DAY, reason="out_of_stock")
    assert not parcel.judged(8 * DAY).is_reminding
    assert not parcel.judged(40 * DAY).is_reminding


def test_a_look_back_deems_nothing_that_was_not_due_then() -> None:
    parcel = Parcel()
    parcel("carrier_scan", 16 * DAY)
    judged = parcel.judged(10 * DAY)
    assert judged.deem == ()
    assert judged.withdraw == ()


def test_a_pause_to_the_end_of_all_time_is_a_pause_and_no_fault() -> None:
    parcel = Parcel()
    force_majeure(parcel, DAY, until="9999-12-31T23:59:00.000Z")
    assert parcel.state_of("status_update", 20 * DAY) == "paused"
    assert parcel.sweep(100 * DAY) == []


def test_the_marketplaces_own_label_beats_a_deemed_cancellation() -> None:
    parcel = Parcel(pack.load("TH"), shipping="tiktok")
    due = parcel.deadline("deemed_cancelled", HOUR).due_at - NOON  # type: ignore[union-attr]
    assert parcel.sweep(due) == ["deem_cancelled"]
    parcel("label", due + timedelta(seconds=31), data={"source": "import"})
    assert (parcel.state.status, parcel.state.deemed) == ("ready", False)


@pytest.mark.parametrize(("told", "status"), [("damaged", "damaged"), ("lost", "lost")])
def test_the_carriers_word_beats_what_was_deemed(told: str, status: str) -> None:
    parcel = collected()
    parcel("carrier_scan", DAY)
    parcel.sweep(12 * DAY)
    parcel("carrier_scan", 13 * DAY, data={"status": told})
    assert (parcel.state.status, parcel.state.deemed) == (status, False)


def test_an_attempt_told_by_the_carrier_counts_and_one_told_twice_counts_once() -> None:
    parcel = collected()
    parcel("carrier_scan", DAY)
    parcel("attempt", 2 * DAY, "driver", reason="nobody_home")
    parcel("carrier_scan", 2 * DAY + HOUR, data={"status": "attempt"})
    assert parcel.state.flags.attempts == 1
    parcel("carrier_scan", 3 * DAY, data={"status": "attempt"})
    assert (parcel.state.flags.attempts, parcel.state.status) == (2, "lost")
