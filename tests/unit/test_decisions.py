"""What the office decides about a parcel, and what it could not know when it did."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.phones import NOON
from tests.unit.test_fold import ready


@pytest.mark.parametrize(
    ("decided", "codes"),
    [
        ("lost", ["recovered"]),
        ("damaged", ["recovered"]),
        ("cancelled", ["handed_over_after_cancel", "recovered"]),
    ],
)
def test_a_delivery_that_the_office_did_not_know_of_when_it_decided_is_seen(
    decided: str, codes: list[str]
) -> None:
    story = ready()
    story("collect")
    known = NOON + timedelta(days=12)
    delivery = story("deliver", who="driver", received_at=known + timedelta(hours=1))
    story("resolve", minute=12 * 1440, who="office", received_at=known, data={"status": decided})
    assert story.state.status == decided, "the office's word stands until it says otherwise"
    assert [(a.code, a.event_id) for a in story.state.open_anomalies] == [(code, delivery) for code in codes]


def test_a_return_that_came_home_unknown_is_seen_too() -> None:
    story = ready()
    story("collect")
    story("return", who="driver", received_at=NOON + timedelta(days=13), data={"stage": "done"})
    story("resolve", who="office", received_at=NOON + timedelta(days=12), data={"status": "lost"})
    assert (story.state.status, story.codes) == ("lost", ["recovered"])


@pytest.mark.parametrize("decided", ["lost", "damaged", "cancelled"])
def test_a_delivery_that_was_known_when_the_office_decided_is_no_news(decided: str) -> None:
    story = ready()
    story("collect")
    story("deliver", who="driver", received_at=NOON + timedelta(days=11))
    story("resolve", who="office", received_at=NOON + timedelta(days=12), data={"status": decided})
    assert (story.state.status, story.codes) == (decided, [])


@pytest.mark.parametrize("decided", ["returned", "in_transit"])
def test_a_decision_that_leaves_the_parcel_somewhere_is_doubted_by_nothing(decided: str) -> None:
    story = ready()
    story("collect")
    story("deliver", who="driver", received_at=NOON + timedelta(days=13))
    story("resolve", who="office", received_at=NOON + timedelta(days=12), data={"status": decided})
    assert (story.state.status, story.codes) == (decided, [])


@pytest.mark.parametrize(
    ("done", "stays", "status"),
    [("collect", "ready", "handed_over"), ("deliver", "handed_over", "delivered")],
)
def test_that_it_stays_undoes_nothing_that_was_not_known_yet(done: str, stays: str, status: str) -> None:
    story = ready()
    if done == "deliver":
        story("collect", received_at=NOON + timedelta(minutes=5))
    story(done, who="driver", received_at=NOON + timedelta(days=2))
    decision = {"status": stays, "stays": True}
    story("resolve", minute=60, who="office", received_at=NOON + timedelta(days=1), data=decision)
    assert story.state.status == status
    assert ("delivered" in story.state.milestones) == (done == "deliver")


def test_that_it_stays_was_said_of_what_was_known() -> None:
    story = ready()
    story("collect", received_at=NOON + timedelta(minutes=5))
    decision = {"status": "ready", "stays": True}
    story("resolve", minute=60, who="office", received_at=NOON + timedelta(days=1), data=decision)
    assert story.state.status == "ready"
