"""Deadlines where facts and deemings meet: what ends reminders, what a look back sees, whose word beats the clock's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.protocol.times import format_time
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


def test_the_marketplaces_word_after_a_deemed_cancellation_stands_against_the_same_old_term() -> None:
    """A label said again beats it, and the term that was missed before does not come again at once."""
    parcel = Parcel(pack.load("TH"), shipping="tiktok")
    parcel("label", HOUR, data={"source": "import"})
    assert parcel.sweep(6 * DAY) == ["deem_cancelled"]
    parcel("label", 7 * DAY, data={"source": "import"})
    assert (parcel.sweep(7 * DAY), parcel.sweep(30 * DAY)) == ([], [])
    assert (parcel.state.status, parcel.state.deemed, parcel.anomalies) == ("ready", False, ["recovered"])


def test_what_was_handed_over_is_revived_as_handed_over_and_not_listed_anew() -> None:
    parcel = Parcel(pack.load("TH"), shipping="tiktok")
    parcel("label", HOUR, data={"source": "import"})
    parcel("collect", 2 * HOUR, "courier")
    parcel.sweep(6 * DAY)
    assert (parcel.state.status, parcel.state.deemed) == ("cancelled", True)
    parcel("label", 7 * DAY, data={"source": "import"})
    assert (parcel.state.status, parcel.state.deemed) == ("handed_over", False)


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


def test_r25_a_first_term_that_was_missed_does_not_hide_the_one_that_is_to_come() -> None:
    """`R27` too: who sent the label late is still reminded of the update, and still cancelled without one."""
    parcel = Parcel(own={"shipping_due_time": NOON + DAY})
    assert parcel.sweep(DAY) == ["deem_cancelled"]
    parcel("label", DAY + HOUR, data={"source": "import"})
    assert parcel.sweep(DAY + 2 * HOUR) == []
    assert parcel.state.status == "ready"
    coming = parcel.deadline("deemed_cancelled", 2 * DAY)
    assert coming is not None
    assert (coming.state, coming.due_at) == ("open", NOON + 15 * DAY)
    assert not parcel.judged(120 * HOUR - timedelta(seconds=1)).is_reminding
    assert parcel.judged(120 * HOUR).is_reminding
    assert parcel.sweep(15 * DAY) == ["deem_cancelled"], "and the first one stands, dated when it was"
    assert (parcel.state.status, parcel.judged(15 * DAY).is_reminding) == ("cancelled", False)
    assert parcel.sweep(16 * DAY) == []


def test_r25_a_term_to_come_is_deemed_by_its_own_number() -> None:
    parcel = Parcel(own={"shipping_due_time": NOON + DAY, "collection_due_time": NOON + 3 * DAY})
    parcel("label", DAY + HOUR, data={"source": "import"})
    judged = parcel.judged(3 * DAY)
    assert [(it.at - NOON, it.number) for it in judged.deem] == [
        (DAY, "the order's own shipping_due_time"),
        (3 * DAY, "the order's own collection_due_time"),
    ]


def test_r22_a_return_that_began_in_time_and_was_done_later_is_not_lost() -> None:
    parcel = collected()
    parcel("carrier_scan", DAY)
    parcel("return", 10 * DAY, "driver", data={"stage": "start"})
    parcel("return", 13 * DAY, "driver", data={"stage": "done"})
    assert parcel.state_of("deemed_lost", 14 * DAY) == "ended"
    assert parcel.sweep(14 * DAY) == []


def test_r22_a_return_that_was_broken_off_and_began_again_too_late_had_been_lost() -> None:
    parcel = collected()
    parcel("carrier_scan", DAY)
    parcel("return", 10 * DAY, "driver", data={"stage": "start"})
    parcel("resolve", 11 * DAY, data={"status": "in_transit"})
    parcel("return", 13 * DAY, "driver", data={"stage": "done"})
    assert parcel.sweep(14 * DAY) == ["deem_lost"]


def test_r31_a_period_that_is_over_can_be_corrected_to_a_shorter_one() -> None:
    parcel = Parcel()
    began = {"from": format_time(NOON + DAY)}
    force_majeure(parcel, DAY, **began, until=format_time(NOON + 4 * DAY))
    force_majeure(parcel, 4 * DAY, on=False)
    assert parcel.deadline("status_update", 5 * DAY).due_at == NOON + 8 * DAY  # type: ignore[union-attr]
    force_majeure(parcel, 5 * DAY, **began, until=format_time(NOON + 2 * DAY))
    assert parcel.deadline("status_update", 5 * DAY).due_at == NOON + 6 * DAY  # type: ignore[union-attr]


def test_r31_what_one_incident_says_anew_leaves_the_periods_of_another() -> None:
    parcel = Parcel()
    force_majeure(parcel, DAY)
    force_majeure(parcel, 2 * DAY, on=False)
    parcel(
        "hold",
        3 * DAY,
        data={
            "force_majeure": True,
            "incident": "strike",
            "from": format_time(NOON + 3 * DAY),
            "until": format_time(NOON + 4 * DAY),
        },
    )
    assert parcel.deadline("status_update", 4 * DAY).due_at == NOON + 7 * DAY  # type: ignore[union-attr]


def test_r21_the_same_second_attempt_told_by_the_carrier_too_leaves_it_lost() -> None:
    parcel = collected()
    for day in (2, 3):
        parcel("attempt", day * DAY, "driver", reason="nobody_home")
        parcel("carrier_scan", day * DAY + HOUR, "feed", data={"status": "attempt"})
        assert parcel.state.flags.attempts == day - 1
    assert (parcel.state.status, parcel.state.deemed) == ("lost", True)
    assert "recovered" not in parcel.anomalies
    parcel("carrier_scan", 4 * DAY, "feed")
    assert parcel.state.status == "in_transit", "a scan proves that it is there"
    assert "recovered" in parcel.anomalies


def test_the_carriers_attempt_after_a_parcel_was_lost_by_its_date_finds_it_again() -> None:
    """`R22`: that the driver told of an earlier one does not make it the same."""
    parcel = collected()
    parcel("attempt", 2 * DAY, "driver", reason="nobody_home")
    parcel.sweep(12 * DAY)
    assert parcel.state.status == "lost"
    parcel("carrier_scan", 13 * DAY, "feed", data={"status": "attempt"})
    assert (parcel.state.status, parcel.state.deemed) == ("in_transit", False)


def test_r22_a_delivery_that_the_office_overturned_meets_no_deadline() -> None:
    parcel = collected()
    parcel("carrier_scan", DAY)
    parcel("carrier_scan", 3 * DAY, data={"status": "delivered"})
    assert parcel.state_of("deemed_lost", 4 * DAY) == "met"
    parcel("resolve", 4 * DAY, data={"status": "in_transit"})
    assert parcel.state_of("deemed_lost", 5 * DAY) == "open"
    assert parcel.state.delivered_at is None
    assert parcel.sweep(12 * DAY) == ["deem_lost"]
    assert (parcel.state.status, parcel.state.deemed) == ("lost", True)


def test_after_an_overturned_delivery_the_true_one_is_the_first() -> None:
    parcel = collected()
    parcel("carrier_scan", 3 * DAY, data={"status": "delivered"})
    parcel("resolve", 4 * DAY, data={"status": "handed_over"})
    assert parcel.state_of("status_update", 4 * DAY) == "open", "that scan was the only one"
    parcel("deliver", 6 * DAY, "driver")
    assert parcel.state.delivered_at == NOON + 6 * DAY
    assert parcel.deadline("deemed_lost", 7 * DAY).met_at == NOON + 6 * DAY  # type: ignore[union-attr]


def test_a_delivery_that_went_wrong_afterwards_was_a_delivery() -> None:
    parcel = collected()
    parcel("deliver", 3 * DAY, "driver")
    parcel("resolve", 4 * DAY, data={"status": "returned"})
    assert parcel.state.delivered_at == NOON + 3 * DAY
