"""What the pictures of a proof say together, and what the ledger makes of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sync.evidence.judge import Judgement, Shot, judge
from sync.evidence.limits import LIMITS, check
from sync.evidence.telling import MOST, portions
from sync.rules.checks import findings_of
from sync.rules.fold import fold
from sync.rules.parcel import About, Fact
from tests.unit.phones import NOON

CLAIMS = {"A": {"A", "JX1"}, "B": {"B"}}
KNOWN = {"A": "A", "JX1": "A", "B": "B", "C": "C", "JX3": "C"}


def shot(*keys: str, role: str = "photo", parcel: str = "", twin: str = "", **values: float) -> Shot:
    """A picture in which these keys were read; `values` of checks by name."""
    checks = [check(name.replace("_", " "), value).as_dict() for name, value in values.items()]
    readings = [{"key": key, "text": key} for key in keys]
    result = {"verdict": "seen", "readings": readings, "checks": checks}
    return Shot(f"{'-'.join(keys)}{role}{parcel}".ljust(64, "0"), role, parcel, result, twin)


def found(judgement: Judgement) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.code, finding.parcels) for finding in judgement.findings]


def test_every_claimed_tag_seen_is_nothing_to_say() -> None:
    judgement = judge(CLAIMS, [shot("A", "B", sharpness=400)], KNOWN)
    assert (judgement.findings, judgement.seen, judgement.unseen, judgement.weight) == ((), ("A", "B"), (), 0)


def test_the_carriers_number_of_the_parcel_counts_as_its_tag() -> None:
    assert judge(CLAIMS, [shot("JX1", "B")], KNOWN).seen == ("A", "B")


def test_another_parcels_tag_alone_is_a_mismatch_of_all_that_the_photo_claims() -> None:
    judgement = judge(CLAIMS, [shot("JX3")], KNOWN)
    assert found(judgement) == [("photo_mismatch", ("A", "B"))]
    assert judgement.findings[0].detail == "shows C"


def test_another_parcels_tag_beside_a_claimed_one_is_told_and_no_mismatch() -> None:
    judgement = judge(CLAIMS, [shot("A", "C")], KNOWN)
    assert (found(judgement), judgement.others, judgement.unseen) == ([], ("C",), ("B",))
    assert judgement.weight > 0, "a tag was not seen: a person looks"


def test_a_photo_of_one_parcel_answers_for_that_parcel_alone() -> None:
    photos = [shot("B", parcel="A"), shot("B", parcel="B", role="tag")]
    assert found(judge(CLAIMS, photos, KNOWN)) == [("photo_mismatch", ("A",))]
    mended = [*photos, shot("A", parcel="A", role="tag")]
    assert found(judge(CLAIMS, mended, KNOWN)) == [], "its tag was seen in another picture of it"


def test_a_code_that_no_parcel_here_has_accuses_nobody() -> None:
    assert found(judge(CLAIMS, [shot("SOMETHING ELSE")], KNOWN)) == []


def test_one_good_photo_is_enough_however_poor_the_others_are() -> None:
    poor, good = shot("A", sharpness=9), shot("A", "B", sharpness=300)
    assert found(judge(CLAIMS, [poor, good], KNOWN)) == []
    assert found(judge(CLAIMS, [poor], KNOWN)) == [("photo_poor", ("A", "B"))]
    only_a = shot("A", parcel="A", sharpness=300)
    assert found(judge(CLAIMS, [poor, only_a], KNOWN)) == [("photo_poor", ("B",))]


def test_a_picture_that_cannot_be_opened_is_a_poor_one() -> None:
    broken = Shot("0" * 64, "photo", "", {"verdict": "refused", "code": "picture-broken"})
    assert [(f.code, f.detail) for f in judge(CLAIMS, [broken], KNOWN).findings] == [
        ("photo_poor", "cannot be opened")
    ]


def test_an_empty_pad_and_a_tap_are_no_signature() -> None:
    empty = shot(role="signature", ink=0.0, extent=0.0)
    signed = shot(role="signature", ink=0.03, extent=0.7)
    assert ("signature_empty", ("A", "B")) in found(judge(CLAIMS, [empty], KNOWN))
    assert found(judge(CLAIMS, [signed], KNOWN)) == []
    assert found(judge(CLAIMS, [signed], KNOWN, [check("signing time", 0.02)])) == [
        ("signature_empty", ("A", "B"))
    ]


def test_a_signature_alone_leaves_no_tag_unseen() -> None:
    assert judge(CLAIMS, [shot(role="signature", ink=0.03)], KNOWN).unseen == ()


def test_an_overdue_picture_is_missed_on_the_parcel_it_is_to_show() -> None:
    missing = [Shot("0" * 64, "photo", "B", {}), Shot("1" * 64, "signature", "", {})]
    judgement = judge(CLAIMS, [], KNOWN, missing=missing)
    assert found(judgement) == [("blob_missing", ("B",)), ("blob_missing", ("A", "B"))]
    assert judgement.weight > 0
    assert judgement.unseen == (), "what is not here says nothing of a tag"


def test_a_picture_used_before_is_told_with_where() -> None:
    [finding] = judge(CLAIMS, [shot("A", "B", twin="also in collect of 2026-11-20")], KNOWN).findings
    assert (finding.code, finding.detail) == ("photo_reused", "also in collect of 2026-11-20")


def test_every_limit_says_what_chose_it_and_what_to_do() -> None:
    for limit in LIMITS.values():
        assert limit.chosen_by, limit.name
        assert limit.sentence.count(".") >= 2, "what is wrong, and what to do about it"


# -- the word to the ledger


def test_what_is_found_in_photos_of_five_hundred_parcels_fits_into_an_event() -> None:
    claims = {f"{number:012d}": [f"{number:012d}"] for number in range(500)}
    photos = [Shot(f"{number:064d}", "photo", "", {"verdict": "refused"}, "also in x") for number in range(9)]
    findings = [finding.as_dict() for finding in judge(claims, photos, {}).findings]
    [(parcels, said)] = portions(sorted(claims), findings)
    assert (parcels, len(said)) == (sorted(claims), 18)
    assert all("parcels" not in finding for finding in said)


def test_findings_on_some_of_many_parcels_come_in_portions_that_have_all_of_each_parcel() -> None:
    codes = [f"{number:012d}" for number in range(500)]
    findings = [
        {"code": "photo_poor", "detail": "light", "parcels": codes[number:], "sha256": f"{number:064d}"}
        for number in range(1, 30)
    ]
    made = list(portions(codes, findings))
    assert [code for parcels, _ in made for code in parcels] == codes
    assert all(len(json.dumps([parcels, said])) <= MOST for parcels, said in made)
    for parcels, said in made:
        for code in parcels:
            heard = [picture for _, _, picture in findings_of({"findings": said}, code)]
            assert heard == [f["sha256"] for f in findings if code in f["parcels"]]


def test_each_of_many_parcels_with_a_photo_of_its_own_is_told_all_that_was_found_in_it() -> None:
    codes = [f"{number:012d}" for number in range(150)]
    findings = [
        {"code": code, "detail": "x" * 60, "parcels": [parcel], "sha256": f"{parcel:0>64}"}
        for code in ("photo_poor", "photo_reused")
        for parcel in codes
    ]
    made = list(portions(codes, findings))
    assert [code for parcels, _ in made for code in parcels] == codes
    for parcels, said in made:
        assert len(json.dumps([parcels, said])) <= MOST
        for parcel in parcels:
            heard = [code for code, _, _ in findings_of({"findings": said}, parcel)]
            assert heard == ["photo_poor", "photo_reused"]


def test_parcels_are_not_split_for_findings_that_concern_each_of_them() -> None:
    codes = [f"{number:012d}" for number in range(500)]
    findings = [
        {"code": code, "detail": "x" * 80, "parcels": codes, "sha256": f"{number:064d}"}
        for code in ("photo_poor", "photo_reused")
        for number in range(300)
    ]
    [(parcels, said)] = portions(codes, findings)
    assert len(json.dumps([parcels, said])) <= MOST
    assert {f["code"] for f in said} == {"photo_poor", "photo_reused"}


def test_of_one_parcel_with_too_many_pictures_each_sort_of_finding_is_told() -> None:
    findings = [
        {"code": code, "detail": "x" * 80, "parcels": ["P"], "sha256": f"{number:064d}"}
        for code in ("photo_poor", "photo_reused", "signature_empty")
        for number in range(300)
    ]
    [(parcels, said)] = portions(["P"], findings)
    assert len(json.dumps([parcels, said])) <= MOST
    assert {f["code"] for f in said} == {"photo_poor", "photo_reused", "signature_empty"}


# -- the fold


def fact(kind: str, seq: int, **members: Any) -> Fact:
    at = NOON + timedelta(minutes=seq)
    device = "phone" if kind in {"collect", "void"} else "server"
    return Fact(f"e{seq}", device, "somebody", seq, kind, at, at, **members)


def checked(seq: int, *codes: str, ref: str = "e1", parcels: list[str] | None = None) -> Fact:
    findings = [{"code": code, "detail": "why", "parcels": parcels or ["P"]} for code in codes]
    return fact("check", seq, ref=ref, data={"v": 1, "findings": findings})


def anomalies(*facts: Fact) -> set[tuple[str, str, str | None]]:
    state = fold([fact("collect", 1), *facts], About("P"))
    return {(a.code, a.event_id, a.closed_by) for a in state.anomalies if "skipped" not in a.code}


def test_a_check_raises_its_findings_at_the_proof_and_moves_nothing() -> None:
    assert anomalies(checked(2, "photo_mismatch")) == {("photo_mismatch", "e1", None)}
    assert fold([fact("collect", 1), checked(2, "photo_mismatch")], About("P")).status == "handed_over"


def test_the_newest_check_of_a_proof_replaces_the_earlier_ones() -> None:
    assert anomalies(checked(2, "photo_mismatch"), checked(3, "photo_poor")) == {("photo_poor", "e1", None)}
    assert anomalies(checked(2, "photo_mismatch"), checked(3)) == set()


def test_a_withdrawn_proof_raises_nothing_of_its_pictures() -> None:
    void = Fact("v", "phone", "somebody", 2, "void", NOON, NOON, ref="e1", reason="mistake")
    assert ("photo_mismatch", "e1", None) not in anomalies(void, checked(3, "photo_mismatch"))


def test_a_finding_concerns_the_parcels_it_names() -> None:
    assert anomalies(checked(2, "photo_mismatch", parcels=["Q"])) == set()


def test_a_resolve_from_before_the_check_does_not_close_what_it_found() -> None:
    early = fact("resolve", 2, data={"anomaly": "photo_mismatch"})
    late = fact("resolve", 4, data={"anomaly": "photo_mismatch"})
    assert anomalies(early, checked(3, "photo_mismatch")) == {("photo_mismatch", "e1", None)}
    assert anomalies(checked(3, "photo_mismatch"), late) == {("photo_mismatch", "e1", "e4")}


BULK = {"anomaly": "photo_poor"}
ONE = {"anomaly": "photo_poor", "event": "e1"}


def poor(seq: int, *pictures: tuple[str, str]) -> Fact:
    """A check that found these pictures poor: (sha256, why)."""
    findings = [
        {"code": "photo_poor", "detail": why, "sha256": sha, "parcels": ["P"]} for sha, why in pictures
    ]
    return fact("check", seq, ref="e1", data={"v": 1, "findings": findings})


@pytest.mark.parametrize("closing", [BULK, ONE])
def test_what_was_closed_stays_closed_when_the_same_is_found_again(closing: dict[str, Any]) -> None:
    closed = {("photo_poor", "e1", "e3")}
    resolve = fact("resolve", 3, data=closing)
    again = poor(4, ("a", "blur"))
    assert anomalies(poor(2, ("a", "blur")), resolve, again) == closed
    gone_between = poor(5)
    assert anomalies(poor(2, ("a", "blur")), resolve, gone_between, poor(6, ("a", "blur"))) == closed
    assert anomalies(poor(2, ("a", "blur"), ("b", "dark")), resolve, again) == closed


@pytest.mark.parametrize("closing", [BULK, ONE])
@pytest.mark.parametrize("new", [("b", "blur"), ("a", "dark")])
def test_what_is_new_in_the_pictures_of_a_closed_proof_is_open(
    closing: dict[str, Any], new: tuple[str, str]
) -> None:
    resolve = fact("resolve", 3, data=closing)
    later = (poor(4, ("a", "blur"), new), poor(5, ("a", "blur"), new))
    assert anomalies(poor(2, ("a", "blur")), resolve, *later) == {("photo_poor", "e1", None)}
    assert anomalies(poor(2, ("a", "blur")), resolve, *later, fact("resolve", 6, data=closing)) == {
        ("photo_poor", "e1", "e6")
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"findings": 7},
        {"findings": [None, {"code": 3}, {"code": []}]},
        {"findings": [{"code": "unknown_parcel"}]},
    ],
)
def test_what_a_check_cannot_say_it_does_not_say(data: dict[str, Any]) -> None:
    assert anomalies(fact("check", 2, ref="e1", data=data)) == set()
