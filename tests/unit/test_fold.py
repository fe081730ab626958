"""The fold: what a set of facts makes of a parcel, rule by rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sync.protocol.problems import Problem
from sync.rules.fold import fold, refold
from sync.rules.parcel import About, Fact, Mark, ParcelState
from sync.rules.policy import read
from tests.unit.phones import NOON

ABOUT = About("C", carrier="jnt", run_ids=frozenset({"run-1"}))


class Story:
    """Facts told one after the other; each device numbers its own."""

    def __init__(self, about: About = ABOUT) -> None:
        self.about, self.facts = about, list[Fact]()
        self.seqs: dict[str, int] = {}

    def __call__(self, kind: str, minute: float = 0, who: str = "courier", **members: Any) -> str:
        device = members.pop("device", f"{who}'s")
        seq = self.seqs[device] = self.seqs.get(device, 0) + 1
        at = NOON + timedelta(minutes=minute or len(self.facts))
        received = members.pop("received_at", NOON + timedelta(days=40))
        fact = Fact(f"e{len(self.facts)}", device, who, seq, kind, at, received, **members)
        self.facts.append(fact)
        return fact.id

    @property
    def state(self) -> ParcelState:
        return fold(self.facts, self.about)

    @property
    def codes(self) -> list[str]:
        return [anomaly.code for anomaly in self.state.anomalies]


def ready() -> Story:
    """A parcel that went the straight way to `ready`."""
    story = Story()
    for kind in ("confirm", "pack", "label"):
        story(kind, who="office")
    return story


def test_the_straight_way_ends_delivered_without_an_anomaly() -> None:
    story = ready()
    handover = story("collect", run_id="run-1", carrier="jnt")
    story("carrier_scan", who="feed")
    story("out_for_delivery", who="feed")
    last = story("deliver", who="driver")
    state = story.state
    assert (state.status, state.status_event, state.anomalies) == ("delivered", last, ())
    assert state.milestones["handed_over"].event_id == handover
    assert state.handed_over_at == NOON + timedelta(minutes=3)
    assert state.delivered_at == state.status_at == state.last_fact_at


def test_a_second_handover_by_the_same_person_says_nothing_new() -> None:
    story = ready()
    first = story("drop_off", who="seller")
    story("drop_off", who="seller")
    assert (story.state.status_event, story.codes) == (first, [])


def test_a_second_handover_by_another_person_is_seen_by_the_office() -> None:
    story = ready()
    story("drop_off", who="seller")
    second = story("collect", who="courier")
    assert [(a.code, a.event_id) for a in story.state.anomalies] == [("handed_over_twice", second)]


def test_a_handover_after_a_cancellation_moves_nothing_and_is_urgent() -> None:
    story = ready()
    story("cancel", who="office", reason="buyer_request")
    story("collect")
    assert story.state.status == "cancelled"
    assert story.codes == ["handed_over_after_cancel"]
    assert story.state.handed_over_at is not None


def test_a_cancellation_after_the_handover_is_a_request() -> None:
    story = ready()
    story("collect")
    story("cancel", who="office")
    assert story.state.status == "handed_over"
    assert story.state.flags.cancel_requested
    story("resolve", who="office", data={"status": "cancelled"})
    assert story.state.status == "cancelled"
    assert not story.state.flags.cancel_requested


def test_a_requested_cancellation_before_the_handover_only_raises_the_flag() -> None:
    story = ready()
    story("cancel", who="office", data={"requested": True})
    assert (story.state.status, story.state.flags.cancel_requested) == ("ready", True)
    story("cancel", who="office", data={"withdrawn": True})
    assert not story.state.flags.cancel_requested


def test_a_late_handover_proof_takes_the_missing_proof_back() -> None:
    story = ready()
    story("carrier_scan", who="feed", minute=50)
    story("deliver", who="driver", minute=60)
    assert story.codes == ["no_handover_proof", "no_handover_proof"]
    story("collect", minute=40)
    assert (story.state.status, story.codes) == ("delivered", [])


def test_r21_the_second_failed_attempt_deems_it_lost() -> None:
    story = ready()
    story("collect")
    story("attempt", reason="nobody_home")
    assert (story.state.status, story.state.flags.attempts, story.state.deemed) == ("in_transit", 1, False)
    second = story("attempt", reason="nobody_home")
    assert (story.state.status, story.state.flags.attempts, story.state.deemed) == ("lost", 2, True)
    assert story.state.status_event == second
    story("attempt", reason="nobody_home")
    assert (story.state.status, story.state.flags.attempts, story.codes) == ("lost", 3, [])


def test_r21_a_pack_may_send_it_back_instead() -> None:
    text = 'outcome = "lost"'
    from importlib import resources

    pack = (resources.files("sync.rules") / "packs" / "guide.toml").read_text("utf-8")
    policy = read(pack.replace(text, 'outcome = "returning"').replace("limit = 2", "limit = 3"))
    story = ready()
    for _ in range(3):
        story("attempt")
    assert fold(story.facts, ABOUT, policy).status == "returning"


def test_a_fact_beats_a_deeming() -> None:
    story = ready()
    story("collect")
    story("deem_lost", who="clock")
    assert story.state.deemed
    story("deliver", who="driver")
    assert (story.state.status, story.state.deemed, story.codes) == ("delivered", False, ["recovered"])


def test_a_fact_beats_the_deemed_cancellation_after_the_deemed_loss() -> None:
    story = ready()
    story("deem_lost", who="clock")
    story("deem_cancelled", who="clock")
    assert (story.state.status, story.state.deemed) == ("cancelled", True)
    story("collect")
    assert (story.state.status, story.state.deemed) == ("handed_over", False)
    assert story.codes == ["handed_over_after_cancel", "recovered"]


def test_a_real_cancellation_is_not_beaten_by_a_handover() -> None:
    story = ready()
    story("deem_cancelled", who="clock")
    story("cancel", who="office")
    story("collect")
    assert (story.state.status, story.codes) == ("cancelled", ["handed_over_after_cancel"])


def test_a_delivery_after_the_return_is_seen_and_moves_nothing() -> None:
    story = ready()
    story("collect")
    story("return", data={"stage": "start"})
    assert story.state.status == "returning"
    story("return", data={"stage": "done"})
    story("deliver", who="driver")
    assert (story.state.status, story.codes) == ("returned", ["delivered_after_return"])


def test_a_damage_report_raises_a_flag_and_the_office_decides() -> None:
    story = ready()
    story("collect")
    story("report", reason="damage")
    assert (story.state.status, story.state.flags.damaged_reported) == ("handed_over", True)
    story("report", reason="retake", ref="e3")
    assert story.state.flags.reported == ("damage",)
    decided = story("resolve", who="office", data={"status": "damaged"})
    assert (story.state.status, story.state.status_event) == ("damaged", decided)
    assert not story.state.flags.damaged_reported


def test_hold_and_delay_are_flags_that_end() -> None:
    story = ready()
    story("hold", who="office")
    story("deem_delayed", who="clock")
    assert story.state.flags.on_hold
    assert story.state.flags.delayed
    story("hold", who="office", data={"on": False})
    story("deliver", who="driver")
    assert not story.state.flags.on_hold
    assert not story.state.flags.delayed


@pytest.mark.parametrize(
    ("status", "to"),
    [
        ("lost", "lost"),
        ("delivered", "delivered"),
        ("returned", "returned"),
        ("made up", "in_transit"),
        (7, "in_transit"),
    ],
)
def test_a_carriers_feed_says_more_than_a_scan(status: object, to: str) -> None:
    story = ready()
    story("collect")
    story("carrier_scan", who="feed", data={"status": status})
    assert story.state.status == to


# -- the books


def test_a_parcel_of_another_carrier_is_seen() -> None:
    story = ready()
    event = story("collect", carrier="spx")
    assert [(a.code, a.event_id, a.detail) for a in story.state.anomalies] == [
        ("wrong_carrier", event, "spx instead of jnt")
    ]


def test_a_parcel_that_the_run_does_not_list_is_seen() -> None:
    story = ready()
    story("collect", run_id="run-2")
    assert story.codes == ["not_on_list"]


def test_an_unknown_parcel_is_seen_once_and_forgotten_when_it_is_imported() -> None:
    story = Story(About("C", known=False))
    story("collect")
    story("deliver", who="driver")
    assert story.codes.count("unknown_parcel") == 1
    story.about = ABOUT
    assert "unknown_parcel" not in story.codes


# -- voids


def test_a_void_takes_back_an_own_record_and_both_stay_visible() -> None:
    story = ready()
    handover = story("collect", run_id="run-2")
    void = story("void", ref=handover, reason="mistake")
    folded = refold(story.facts, ABOUT)
    assert (folded.state.status, folded.state.anomalies) == ("ready", ())
    assert folded.state.withdrawn == (handover,)
    assert void in folded.moved
    assert handover not in folded.moved


def test_a_void_that_arrives_first_waits_for_its_event() -> None:
    story = ready()
    handover = story("collect")
    story("void", ref=handover, reason="mistake")
    assert fold([f for f in story.facts if f.id != handover], ABOUT).status == "ready"
    assert story.state.status == "ready"


@pytest.mark.parametrize(
    ("void", "why"),
    [
        ({"who": "clerk", "ref": "e3"}, "another person's record"),
        ({"minute": 90, "ref": "e3"}, "too late"),
        ({"minute": 1, "device": "another", "ref": "e3"}, "not an earlier record"),
    ],
    ids=str,
)
def test_a_void_that_is_not_ones_own_to_make_is_a_request(void: dict[str, Any], why: str) -> None:
    story = ready()
    handover = story("collect", minute=30)
    assert handover == "e3"
    asked = story("void", reason="mistake", **void)
    assert story.state.status == "handed_over"
    assert [(a.code, a.event_id, a.detail) for a in story.state.anomalies] == [("void_requested", asked, why)]
    story("resolve", who="office", data={"anomaly": "void_requested", "event": asked, "grant": True})
    assert (story.state.status, story.codes) == ("ready", [])


def test_a_void_of_a_void_is_a_request_that_cannot_be_granted() -> None:
    story = ready()
    handover = story("collect")
    void = story("void", ref=handover, reason="mistake")
    again = story("void", ref=void, reason="mistake")
    story("resolve", who="office", data={"anomaly": "void_requested", "event": again, "grant": True})
    assert story.state.status == "ready"
    assert [(a.code, a.closed_by) for a in story.state.anomalies] == [("void_requested", "e6")]


def test_the_phones_own_faults_stay_when_its_event_is_withdrawn() -> None:
    story = ready()
    marks = (Mark("chain_fork", "seq"), Mark("incomplete", "photo"))
    handover = story("collect", marks=marks)
    assert story.codes == ["chain_fork", "incomplete"]
    story("void", ref=handover, reason="mistake")
    assert story.codes == ["chain_fork"]


def test_a_blob_lost_is_an_anomaly_of_the_event_it_names() -> None:
    story = ready()
    handover = story("collect")
    story("blob_lost", ref=handover)
    assert [(a.code, a.event_id) for a in story.state.anomalies] == [("blob_missing", handover)]


# -- closings


def test_an_anomaly_is_closed_by_a_person_and_only_that_one() -> None:
    story = ready()
    first = story("collect", run_id="run-2")
    second = story("collect", run_id="run-2")
    closing = story("resolve", who="office", data={"anomaly": "not_on_list", "event": first})
    closed = {a.event_id: a.closed_by for a in story.state.anomalies}
    assert closed == {first: closing, second: None}
    assert [a.event_id for a in story.state.open_anomalies] == [second]


def test_closing_all_of_a_kind_never_closes_what_nobody_could_have_seen() -> None:
    story = ready()
    seen = story("collect", run_id="run-2", received_at=NOON)
    late = story("collect", run_id="run-3", received_at=NOON + timedelta(days=2))
    closing = story(
        "resolve", who="office", received_at=NOON + timedelta(days=1), data={"anomaly": "not_on_list"}
    )
    assert {a.event_id: a.closed_by for a in story.state.anomalies} == {seen: closing, late: None}


# -- order


def test_inside_one_phone_the_sequence_rules_and_not_its_clock() -> None:
    story = ready()
    story("return", minute=500, data={"stage": "start"})
    story("return", minute=20, data={"stage": "done"})  # the clock was set back
    assert story.state.status == "returned"


def test_between_phones_the_effective_time_rules_and_ties_go_by_id() -> None:
    story = ready()
    story("drop_off", who="seller", minute=30)
    story("collect", who="courier", minute=30)
    assert story.state.status_event == "e3"
    story("collect", who="early bird", minute=10)
    assert story.state.status_event == "e5"


def test_a_parcel_without_facts_is_expected() -> None:
    state = fold([], ABOUT)
    assert (state.status, state.status_event, state.anomalies) == ("expected", None, ())
    assert state.flags.as_dict()["attempts"] == 0


# -- packs


def test_a_pack_that_cannot_be_read_is_refused() -> None:
    for text in ("", "name = ", '[attempts]\nlimit = "x"'):
        with pytest.raises(Problem, match="rules-invalid"):
            read(text)
