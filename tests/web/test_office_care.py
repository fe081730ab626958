"""What the office presses by mistake: asked first, kept on an error, never more than was meant. No JavaScript."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from tests.support.sitting import Desk, words


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def desk(app: Flask, org_id: str) -> Desk:
    return Desk(app, org_id)


@pytest.fixture
def courier(org_id: str) -> str:
    return make_user(org_id, "courier", "Cora")


def holding(app: Flask, org_id: str, user_id: str, unsent: int = 2) -> ApiPhone:
    """A person's phone that last told of `unsent` events it has not brought home."""
    phone = ApiPhone(app.test_client(), org_id, user_id)
    phone.send(unsent=unsent, unsent_blobs=0, oldest_at=None, head_seq=unsent)
    return phone


def test_a_missed_tick_never_leads_to_the_whole_list(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 3)
    answer = desk.post("/office/prepare", step="confirm", scope="chosen")
    assert answer.status_code == 422
    assert re.findall(r'name="scope" value="(\w+)" checked', answer.text) == ["chosen"]


def test_a_list_that_changed_since_it_was_seen_is_not_moved(desk: Desk, org_id: str) -> None:
    make_parcels(org_id, 3)
    asked = desk.post("/office/prepare", step="confirm", scope="all")
    assert 'name="seen" value="3"' in asked.text
    make_parcels(org_id, 1, seed=9)
    refused = desk.post("/office/prepare", step="confirm", scope="all", seen="3")
    assert (refused.status_code, "Nothing was moved" in refused.text) == (409, True)
    assert "Expected 4" in words(desk.page("/office/prepare"))
    assert 'name="seen" value="4"' in refused.text
    done = desk.press("/office/prepare", step="confirm", scope="all", seen="4", status="expected")
    assert "4 parcels are now confirmed" in done
    gone = desk.post("/office/prepare", step="confirm", scope="all", seen="4", status="expected")
    assert (gone.status_code, "Nothing was moved" in gone.text) == (409, True)


def test_the_board_leads_to_the_phone_it_names(desk: Desk, app: Flask, org_id: str, courier: str) -> None:
    holding(app, org_id, courier)
    [(path, row)] = re.findall(r'href="(/office/phones)#([^"]+)"', desk.page("/office/"))
    assert f'id="{row}"' in desk.page(path)


def test_what_was_typed_for_a_run_is_there_again_after_an_error(
    desk: Desk, org_id: str, courier: str
) -> None:
    run_id = make_run(org_id, courier, make_parcels(org_id, 1, status="ready"))
    form = {"title": "Morning <round>", "day": "tomorrow", "user_id": ""}
    refused = desk.post(f"/office/runs/{run_id}/edit", **form)
    assert refused.status_code == 422
    for held in ('value="Morning &lt;round&gt;"', 'value="tomorrow"', '<option value="">Nobody yet</option>'):
        assert held in refused.text
    assert not re.search(r"<option [^>]*selected", refused.text)
    assert 'id="f-day-error"' in refused.text
    many = "\n".join(f"word {n}" for n in range(5001))
    added = desk.post(f"/office/runs/{run_id}/add", codes=many)
    assert (added.status_code, "word 17\nword 18\n" in added.text) == (422, True)
    assert 'value="A run of the tests"' in added.text


def test_phones_with_unsent_work_are_signed_out_after_one_more_question(app: Flask, org_id: str) -> None:
    desk = Desk(app, org_id, "admin")
    cora, carl = (make_user(org_id, "courier", name) for name in ("Cora", "Carl"))
    holding(app, org_id, cora)
    holding(app, org_id, carl, unsent=0)
    path = f"/office/people/{cora}"
    assert re.findall(r'name="phones" value="1"( checked)?', desk.page(path)) == [""]
    asked = desk.press(f"{path}/active", active="0", phones="1")
    assert "Sign out the phones of Cora?" in asked
    assert "2 records" in asked
    assert "End their work here" in desk.page(path)
    done = desk.press(f"{path}/active", active="0", phones="1", sure="1")
    assert "Cora no longer works here. 1 phone signed out." in done
    assert "1 phone signed out" in desk.press(f"/office/people/{carl}/active", active="0", phones="1")


def test_a_phone_stays_in_unless_its_box_is_ticked(app: Flask, org_id: str, courier: str) -> None:
    holding(app, org_id, courier)
    done = Desk(app, org_id, "admin").press(f"/office/people/{courier}/active", active="0")
    assert "Cora no longer works here. What they recorded stays." in done


def test_places_and_carriers_are_removed_only_with_a_tick(desk: Desk) -> None:
    desk.press("/office/places/new", name="Depot", kind="hub")
    desk.press("/office/carriers/new", code="jt", name="J&T")
    [place] = set(re.findall(r'href="(/office/places/0[^"]+)"', desk.page("/office/places")))
    for path in (place, "/office/carriers/jt"):
        refused = desk.post(f"{path}/remove")
        assert (refused.status_code, "Tick that it is to be removed" in refused.text) == (422, True)
        assert 'name="sure" value="1" required' in desk.page(path)
        assert "Removed." in desk.press(f"{path}/remove", sure="1")


def test_what_refreshes_itself_waits_for_hidden_tabs_and_for_the_keyboard(
    desk: Desk, org_id: str, courier: str
) -> None:
    run_id = make_run(org_id, courier, make_parcels(org_id, 1, status="ready"))
    for path in ("", "runs", f"runs/{run_id}", "phones"):
        asking = re.findall(r'<[^>]*hx-trigger="every[^>]*>', desk.page(f"/office/{path}"))
        assert asking, path
        assert [tag for tag in asking if not tag.endswith(" data-live>")] == [], path
