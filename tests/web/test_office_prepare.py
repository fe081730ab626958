"""Prepare without JavaScript: confirm, label and cancel what is ticked, or all that fits."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol import envelope
from tests.support.shop import make_parcels, make_shop
from tests.support.sitting import Desk, words
from webapp.store.models import Event
from webapp.store.unit import reading


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


def test_ticked_parcels_are_confirmed_and_the_rest_is_told(desk: Desk, org_id: str) -> None:
    codes = make_parcels(org_id, 3)
    assert desk.page("/office/prepare").count('name="code"') == 3
    done = desk.press("/office/prepare", step="confirm", scope="chosen", code=codes[:2])
    assert "2 parcels are now confirmed" in done
    again = desk.press("/office/prepare", step="confirm", scope="chosen", code=codes)
    assert "1 parcel is now confirmed" in again
    assert "2 did not move" in again
    assert "It was confirmed before" in again


def test_everything_on_a_filtered_list_is_labelled_after_one_question(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 120, carrier="jt")
    make_parcels(org_id, 5, seed=9, carrier="ninja")
    page = words(desk.page("/office/prepare", carrier="jt"))
    assert "All on this list: 120" in page
    assert "1–100 of 120" in page
    form = {"step": "label", "scope": "all", "carrier": "jt", "without_packing": "1"}
    assert "Label 120 parcels?" in desk.press("/office/prepare", **form)
    assert "All on this list: 120" in words(desk.page("/office/prepare", carrier="jt"))
    done = desk.press("/office/prepare", seen="120", **form)
    assert "120 parcels are now ready" in done
    assert "120 of them keep the mark “packing skipped”" in done
    assert "All on this list: 5" in words(desk.page("/office/prepare"))


def test_ticked_parcels_are_cancelled_with_a_reason_from_the_list(desk: Desk, org_id: str) -> None:
    gone, kept = make_parcels(org_id, 2)
    [left] = make_parcels(org_id, 1, seed=9, status="in_transit")
    form = {"step": "cancel", "scope": "chosen", "code": [gone, left]}
    for lacks, told in (
        ({}, "Choose why it is cancelled"),
        ({"reason": "bored"}, "Choose why it is cancelled"),
        ({"reason": "other", "note": "  "}, "Say in your own words"),
        ({"reason": "other", "note": "x" * 1001}, "Keep it under 1000"),
    ):
        answer = desk.post("/office/prepare", **form, **lacks)
        assert (answer.status_code, told in answer.text) == (422, True), lacks
        assert f'value="{gone}" checked' in answer.text, "what was ticked is ticked still"
        assert f'value="{kept}" checked' not in answer.text
    done = desk.press("/office/prepare", **form, reason="other", note="The shelf\nfell over")
    assert "1 parcel is now cancelled" in done
    assert "Cancel the order in Seller Center as well." in done
    assert "It has left: decide on its own page" in done
    timeline = words(desk.page(f"/office/parcels/{gone}"))
    assert "The shelf fell over" in timeline
    assert "Expected" in words(desk.page(f"/office/parcels/{kept}"))
    assert "It was cancelled before" in desk.press("/office/prepare", **form, reason="out_of_stock")


def test_everything_on_a_list_is_cancelled_after_one_question_that_keeps_the_reason(
    desk: Desk, org_id: str
) -> None:
    make_parcels(org_id, 3, carrier="jt")
    make_parcels(org_id, 1, seed=9, carrier="ninja")
    form = {"step": "cancel", "scope": "all", "carrier": "jt", "reason": "other", "note": "<b>Fire</b>"}
    assert desk.post("/office/prepare", **{**form, "reason": ""}).status_code == 422
    asked = desk.post("/office/prepare", **form).text
    assert "Cancel 3 parcels?" in words(asked)
    assert "The reason: Other: &lt;b&gt;Fire&lt;/b&gt;." in words(asked)
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked))
    sent = {
        name: html.unescape(value) for name, value in sent.items() if name not in ("csrf_token", "status")
    }
    assert "3 parcels are now cancelled" in desk.press("/office/prepare", **sent, step="cancel")
    with reading() as session:
        told = session.execute(select(Event.reason, Event.jws).where(Event.kind == "cancel")).one()
    assert (told.reason, envelope.open_(told.jws).payload["note"]) == ("other", "<b>Fire</b>")
    assert "All on this list: 1" in words(desk.page("/office/prepare"))


def test_what_is_labelled_is_listed_and_cancelled_when_asked_for(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 3, status="ready")
    assert re.search(r'name="status" value="ready"(?! checked)', desk.page("/office/prepare"))
    assert desk.page("/office/prepare", status="ready").count('name="code"') == 3
    form = {"step": "cancel", "scope": "all", "status": "ready", "reason": "out_of_stock", "seen": "3"}
    assert "3 parcels are now cancelled" in desk.press("/office/prepare", **form)


def test_a_refused_press_forgets_nothing_that_was_chosen(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 120)
    later = desk.page("/office/prepare", page="2")
    assert 'name="page" value="2"' in later
    code = re.findall(r'name="code" value="(\w+)"', later)[0]
    answer = desk.post("/office/prepare", step="cancel", scope="chosen", page="2", code=[code])
    assert (answer.status_code, f'value="{code}" checked' in answer.text) == (422, True)
    answer = desk.post("/office/prepare", step="cancel", scope="all", without_packing="1", reason="other")
    assert answer.status_code == 422
    assert 'name="scope" value="all" checked' in answer.text
    assert re.search(r'name="without_packing"[^>]* checked', answer.text)
    assert '<details class="fold press-more" open>' in answer.text


def test_a_seller_cancels_only_their_own(app: Flask, org_id: str) -> None:
    [mine], [theirs] = (
        make_parcels(org_id, 1, seller="Mine"),
        make_parcels(org_id, 1, seed=9, seller="Theirs"),
    )
    seller = Desk(app, org_id, "seller", "Mine")
    form = {"step": "cancel", "scope": "chosen", "code": [mine, theirs], "reason": "out_of_stock"}
    done = seller.press("/office/prepare", **form)
    assert "1 parcel is now cancelled" in done
    assert "No such parcel here" in done
    assert seller.post(f"/office/parcels/{theirs}/cancel", reason="out_of_stock").status_code == 404


def test_a_press_without_a_tick_says_so(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 1)
    answer = desk.post("/office/prepare", step="confirm", scope="chosen")
    assert answer.status_code == 422
    assert "Tick the parcels you mean" in answer.text


@pytest.mark.parametrize(
    ("listed", "needed"),
    [
        (["expected", "packed"], ["confirm"]),
        (["confirmed"], []),
        (["packed", "ready"], ["label"]),
        (["ready"], []),
    ],
)
def test_only_the_step_that_the_list_waits_for_stands_out(
    desk: Desk, org_id: str, listed: list[str], needed: list[str]
) -> None:
    for number, status in enumerate(listed):
        make_parcels(org_id, 1, seed=number, status=status)
    page = desk.page("/office/prepare", status=listed)
    assert re.findall(r'class="btn btn-primary" type="submit" name="step" value="(\w+)"', page) == needed
    assert "data-tick-all hidden" in page, "a tick for all does nothing without its script"
