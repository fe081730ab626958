"""What the office prints: tags for parcels, and the sheet that goes with a run."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.support.shop import make_parcels, make_run, make_shop, make_user
from tests.support.sitting import Desk, words
from tests.unit.phones import new_codes
from webapp import clock


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


@pytest.fixture
def courier(org_id: str) -> str:
    return make_user(org_id, "courier", "Cora")


def test_a_run_prints_tags_and_a_sheet(desk: Desk, org_id: str, courier: str) -> None:
    codes = make_parcels(org_id, 10, status="ready", fragile=True, tracking_number="JT1")
    run_id = make_run(org_id, courier, codes)
    tags = desk.page("/office/tags/print", run=run_id)
    assert tags.count('class="tag"') == 10
    assert tags.count('class="tags"') == 2
    assert tags.count("FRAGILE") == 10
    for code in codes:
        assert f"{code[:4]}-{code[4:8]}-{code[8:]}" in tags
    sheet = words(desk.page(f"/office/runs/{run_id}/sheet"))
    assert "10 parcels" in sheet
    assert "Handed over by" in sheet
    assert "style=" not in tags


def test_a_sheet_counts_what_goes_and_says_what_stays_or_is_to_be_asked_for(
    desk: Desk, org_id: str, courier: str
) -> None:
    goes, gone = make_parcels(org_id, 2, status="ready")
    [asked] = make_parcels(org_id, 1, seed=2, status="ready", flags={"cancel_requested": True})
    [held] = make_parcels(org_id, 1, seed=3, status="ready", flags={"on_hold": True})
    [left] = make_parcels(org_id, 1, seed=4, status="cancelled", handed_over_at=clock.now())
    run_id = make_run(org_id, courier, [goes, gone, asked, held, left])
    form = {"step": "cancel", "scope": "chosen", "code": [gone], "reason": "out_of_stock"}
    desk.press("/office/prepare", **form)
    sheet = desk.page(f"/office/runs/{run_id}/sheet")
    assert "4 parcels" in words(sheet)
    assert "of 4. All intact" in words(sheet)
    lines = dict(re.findall(r'<th scope="row" class="mono">([^<]+)</th>(.*?)</tr>', sheet, re.DOTALL))
    told = {
        code.replace("-", ""): (words(line), "sheet-box" in line, "<svg" in line)
        for code, line in lines.items()
    }
    for code, says in ((asked, "CANCEL ASKED: ask first"), (held, "ON HOLD: ask first")):
        assert says in told[code][0]
        assert told[code][1:] == (True, True)
    assert "CANCELLED: stays here" in told[gone][0]
    assert told[gone][1:] == (False, False)
    for code in (goes, left):
        assert "CANCEL" not in told[code][0]
        assert told[code][1:] == (True, True)
    [driver] = [make_user(org_id, "driver", "Dora")]
    out = make_run(org_id, driver, [gone], kind="deliver")
    assert "CANCELLED: do not deliver" in words(desk.page(f"/office/runs/{out}/sheet"))


def test_pasted_codes_print_tags_of_this_shop_only(desk: Desk, org_id: str) -> None:
    [mine] = make_parcels(org_id, 1)
    [theirs] = make_parcels(make_shop("Another"), 1, seed=9)
    page = desk.press("/office/tags/print", codes=f"{mine.lower()}, {theirs}")
    assert page.count(f"{mine[:4]}-{mine[4:8]}-{mine[8:]}") == 1
    assert f"{theirs[:4]}-{theirs[4:8]}" not in page
    assert f"1 of what was pasted is no parcel of this shop: {theirs}" in words(page)
    answer = desk.post("/office/tags/print", codes=theirs)
    assert (answer.status_code, f">{theirs}</textarea>" in answer.text) == (422, True)


def test_ticked_parcels_and_whole_lists_print_tags_from_the_same_form(desk: Desk, org_id: str) -> None:
    codes = make_parcels(org_id, 4)
    ticked = desk.post("/office/tags/print", scope="chosen", code=codes[:2]).text
    assert ticked.count('class="tag"') == 2
    assert desk.post("/office/tags/print", scope="all", status="expected").text.count('class="tag"') == 4


def test_the_picture_of_a_tag_is_there_for_its_own_shop_only(desk: Desk, org_id: str) -> None:
    [mine] = make_parcels(org_id, 1)
    [theirs] = make_parcels(make_shop("Another"), 1, seed=9)
    answer = desk.get(f"/office/tags/{mine}.png")
    assert (answer.content_type, answer.data[:4]) == ("image/png", b"\x89PNG")
    for code in (theirs, new_codes(1, seed=77)[0], "nonsense"):
        assert desk.get(f"/office/tags/{code}.png").status_code == 404
