"""Packing, R3-R6, R28, R29: the checklist, the pieces counted, and dangerous goods in the fold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync.protocol.problems import Problem
from sync.rules.packing import GUIDE, Point, checked, checklist, marks
from sync.rules.parcel import About
from tests.unit.test_fold import Story

CODE = "F7ANY0M5J7AJ"
KNOWN = About(CODE, tracking_number="JX0800000007", pieces=3)


def said(data: dict[str, Any], about: About = KNOWN) -> list[tuple[str, str]]:
    found = marks(data, about.code, about.tracking_number, about.pieces)
    return [(mark.code, mark.detail) for mark in found]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({}, []),
        ({"checklist": {"size": True}, "counted": {CODE: 3}}, []),
        (
            {"checklist": {"size": False, "layers": False, "complete": True}},
            [("pack_unchecked", "layers, size")],
        ),
        ({"counted": {CODE: 2}}, [("count_mismatch", "2 of 3 inside")]),
        ({"counted": {CODE: 4}}, [("count_mismatch", "4 of 3 inside")]),
        ({"counted": {CODE: 0}}, [("count_mismatch", "0 of 3 inside")]),
        ({"counted": {"jx 0800000007": 2}}, [("count_mismatch", "2 of 3 inside")]),
        ({"counted": {"ANOTHERPARCEL": 2}}, []),
        ({"counted": {CODE: 2}, "ordered": {CODE: 2}}, [("count_mismatch", "2 of 3 inside")]),
        # A phone says anything: what is no count says nothing.
        ({"counted": {CODE: True}}, []),
        ({"counted": {CODE: -1}}, []),
        ({"counted": {CODE: "2"}}, []),
        ({"counted": [2], "checklist": ["size"]}, []),
        ({"checklist": {"size": None, "marked": 0}}, []),
    ],
)
def test_what_a_packing_record_says_of_a_parcel(data: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert said(data) == found


def test_where_the_books_know_no_count_the_phones_own_list_is_held_against_it() -> None:
    unknown = replace(KNOWN, pieces=None)
    assert said({"counted": {CODE: 2}, "ordered": {CODE: 3}}, unknown) == [
        ("count_mismatch", "2 of 3 inside")
    ]
    assert said({"counted": {CODE: 2}}, unknown) == []


def test_a_short_packing_is_on_the_parcel_until_it_is_withdrawn() -> None:
    story = Story(KNOWN)
    story("confirm", who="office")
    packed = story("pack", data={"checklist": {"size": False}, "counted": {CODE: 2}})
    assert story.codes == ["count_mismatch", "pack_unchecked"]
    assert story.state.status == "packed", "what was packed is packed: the office sees what is wrong with it"
    story("void", ref=packed, reason="mistake")
    assert story.codes == []


def test_dangerous_goods_are_urgent_at_packing_and_at_the_handover_until_the_office_lets_them_go() -> None:
    story = Story(replace(KNOWN, dangerous=True))
    story("confirm", who="office")
    story("pack")
    story("label", who="office")
    assert story.codes == ["dangerous_goods"]
    cleared = story("amend", who="office", data={"dangerous": "cleared"})
    story("collect")
    assert [(a.code, a.closed_by) for a in story.state.anomalies] == [("dangerous_goods", cleared)]
    assert story.state.flags.as_dict()["dangerous_cleared"] is True


def test_what_is_stopped_again_is_dangerous_again() -> None:
    story = Story(replace(KNOWN, dangerous=True))
    story("amend", who="office", data={"dangerous": "cleared"})
    story("amend", who="office", data={"dangerous": "stopped"})
    story("collect")
    assert "dangerous_goods" in [a.code for a in story.state.open_anomalies]
    assert "dangerous_cleared" not in story.state.flags.as_dict()


def test_a_shop_without_a_list_of_its_own_has_the_guides() -> None:
    assert checklist(None) == GUIDE
    assert checklist([]) == (), "an empty list was chosen"
    kept = [{"code": "own_1", "label": "Ribbon"}, {"label": "no name"}, "nonsense", {"code": "x"}]
    assert checklist(kept) == (Point("own_1", "Ribbon"),)
    assert {point.when for point in GUIDE} == {"always", "delicate"}


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ([Point("a", "")], "label"),
        ([Point("a", "x" * 161)], "label"),
        ([Point("a", "One"), Point("a", "Two")], "code"),
        ([Point("No Good", "One")], "code"),
        ([Point("a", "One", "sometimes")], "when"),
        ([Point(f"p{n}", "One") for n in range(21)], "label"),
    ],
)
def test_a_list_that_no_phone_could_ask_is_refused(points: list[Point], field: str) -> None:
    with pytest.raises(Problem) as refused:
        checked(points)
    assert refused.value.members["field"] == field
