"""GET /sync/v1/worklist: the whole list, then what changed, and nothing that is not this phone's business."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from tests.support.shop import ApiPhone, make_order, make_parcels, make_run, make_shop, make_user, today
from tests.unit.phones import proof
from webapp import clock
from webapp.services import worklist
from webapp.services.enrol import revoke_device
from webapp.services.record import Draft, record
from webapp.store.models import Parcel, Run
from webapp.store.queries import worklist as ask
from webapp.store.unit import lock_org, reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app_on_both: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))


def codes_of(page: dict[str, Any]) -> set[str]:
    return {parcel["code"] for parcel in page["parcels"]["upserts"]}


def test_a_new_phone_reads_the_whole_list_page_by_page(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist, "PAGE", 7)
    made = make_parcels(org_id, 20)
    seen: list[str] = []
    page = phone.worklist()
    assert page["reset"] is True
    while True:
        seen += [parcel["code"] for parcel in page["parcels"]["upserts"]]
        if not page["more"]:
            break
        page = phone.worklist(page["cursor"])
        assert page["reset"] is False
    assert sorted(seen) == sorted(made)


def test_a_list_begins_without_walking_every_parcel_that_the_shop_ever_had(app: Flask) -> None:
    org_id = make_shop()
    user_id = make_user(org_id)
    codes = make_parcels(org_id, 3)
    asked: list[tuple[str, Any]] = []
    with reading() as session:
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def _note(_c: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
            asked.append((statement, parameters))

        scope = ask.scope_of(session, org_id, user_id, today())
        rows = ask.parcels_after(session, scope, ask.BEGINNING, 2**62, 501, clock.now(), whole=True)
        assert {row.Parcel.code for row in rows} == set(codes)
        statement, parameters = asked[-1]
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "ix_parcels_org_id_changed" not in plan, plan
    assert "ix_parcels_org_id_status_created_at_code (org_id=? AND status=?)" in plan, plan


def test_what_changes_while_a_phone_still_reads_is_told_afterwards(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist, "PAGE", 3)
    made = make_parcels(org_id, 8)
    page = phone.worklist()
    gone = page["parcels"]["upserts"][0]["code"]
    deliver(phone, gone)
    known = set(made) - {gone}
    held = codes_of(page)
    while page["more"] or gone in held:
        page = phone.worklist(page["cursor"])
        held = held - set(page["parcels"]["removes"]) | codes_of(page)
    assert held == known


def deliver(phone: ApiPhone, code: str) -> None:
    assert phone.send(phone.seal("deliver", [code], **proof()))["results"][0]["status"] == "applied"


def test_only_what_changed_is_told_and_nothing_twice(phone: ApiPhone, org_id: str) -> None:
    first, second = make_parcels(org_id, 2)
    start = phone.worklist()
    assert codes_of(phone.worklist(start["cursor"])) == set()
    phone.send(phone.seal("collect", [first], **proof()))
    page = phone.worklist(start["cursor"])
    assert [(p["code"], p["status"]) for p in page["parcels"]["upserts"]] == [(first, "handed_over")]
    assert codes_of(phone.worklist(page["cursor"])) == set()
    deliver(phone, second)
    page = phone.worklist(page["cursor"])
    assert page["parcels"] == {"upserts": [], "removes": [second]}


def test_a_cancelled_parcel_stays_on_the_list_so_that_a_scan_can_warn(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1)
    with transaction() as session:
        record(session, org_id, phone.actor, [Draft("cancel", [code], reason="buyer")], clock.now())
    (parcel,) = phone.worklist()["parcels"]["upserts"]
    assert (parcel["status"], parcel["cancel"]) == ("cancelled", "cancelled")


def test_runs_are_told_to_their_person_with_their_parcels_and_taken_back(
    phone: ApiPhone, org_id: str
) -> None:
    made = make_parcels(org_id, 3)
    run_id = make_run(org_id, phone.actor, made[:2], carrier="jt")
    other = make_run(org_id, make_user(org_id, name="Another"), made[2:])
    page = phone.worklist()
    (run,) = page["runs"]["upserts"]
    assert (run["id"], run["parcels"], run["carrier"]) == (run_id, sorted(made[:2]), "jt")
    assert run["day"] == today().isoformat()
    assert other not in str(page)
    with transaction() as session:
        head = lock_org(session, org_id)
        session.execute(update(Run).where(Run.id == run_id).values(user_id="somebody", changed=head))
    assert phone.worklist(page["cursor"])["runs"] == {"upserts": [], "removes": [run_id]}


def test_a_name_and_address_go_only_to_the_driver_whose_run_it_is(app_on_both: Flask, org_id: str) -> None:
    made = make_parcels(org_id, 2)
    to = {"recipient": "Demo recipient", "address": "1 Demo street", "city": "Demo city"}
    for number, code in enumerate(made):
        make_order(org_id, f"57646075230342391{number}", [code], **to)
    client = app_on_both.test_client()
    driver = ApiPhone(client, org_id, make_user(org_id, "driver", "Test driver"))
    courier = ApiPhone(client, org_id, make_user(org_id))
    make_run(org_id, driver.actor, made[:1], kind="deliver")
    told = {p["code"]: p["recipient"] for p in driver.worklist()["parcels"]["upserts"]}
    assert told == {made[0]: {"name": "Demo recipient", "address": "1 Demo street, Demo city"}, made[1]: None}
    assert "Demo recipient" not in str(courier.worklist())


def test_a_seller_sees_the_parcels_of_the_own_shop_only(app_on_both: Flask, org_id: str) -> None:
    own = make_parcels(org_id, 2, seller="North")
    make_parcels(org_id, 2, seed=2, seller="South")
    seller = make_user(org_id, "seller", "Test seller", seller="North")
    phone = ApiPhone(app_on_both.test_client(), org_id, seller)
    assert codes_of(phone.worklist()) == set(own)


def test_a_seller_of_no_named_shop_sees_the_parcels_of_all(app_on_both: Flask, org_id: str) -> None:
    made = make_parcels(org_id, 1, seller="North") + make_parcels(org_id, 1, seed=2)
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id, "seller", "No shop"))
    assert codes_of(phone.worklist()) == set(made)


@pytest.mark.parametrize("cursor", ["", "x", "....", "a.1.1.0.", "a.-1.1.0.", "a.1e9.1.0.", "🦊", "9" * 400])
def test_a_cursor_that_is_not_this_phones_starts_anew(phone: ApiPhone, org_id: str, cursor: str) -> None:
    made = make_parcels(org_id, 2)
    page = phone.worklist(cursor)
    assert page["reset"] is True
    assert codes_of(page) == set(made)


def test_a_cursor_of_another_shop_or_day_starts_anew(
    app_on_both: Flask, phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = make_shop("Another shop")
    other = ApiPhone(app_on_both.test_client(), stranger, make_user(stranger))
    assert phone.worklist(other.worklist()["cursor"])["reset"] is True
    cursor = phone.worklist()["cursor"]
    assert phone.worklist(cursor)["reset"] is False
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert phone.worklist(cursor)["reset"] is True


def test_an_unchanged_list_is_304(phone: ApiPhone, org_id: str) -> None:
    make_parcels(org_id, 1)
    cursor = phone.worklist()["cursor"]
    url = f"/sync/v1/worklist?cursor={cursor}"
    tag = phone.client.get(url, headers=phone.headers).headers["ETag"]
    assert phone.client.get(url, headers={**phone.headers, "If-None-Match": tag}).status_code == 304
    make_parcels(org_id, 1, seed=2)
    assert phone.client.get(url, headers={**phone.headers, "If-None-Match": tag}).status_code == 200


def test_a_heartbeat_changes_nobodys_list(phone: ApiPhone, org_id: str) -> None:
    make_parcels(org_id, 1)
    url = f"/sync/v1/worklist?cursor={phone.worklist()['cursor']}"
    tag = phone.client.get(url, headers=phone.headers).headers["ETag"]
    phone.send(unsent=0)
    assert phone.client.get(url, headers={**phone.headers, "If-None-Match": tag}).status_code == 304


def test_a_revoked_phone_reads_nothing(phone: ApiPhone, org_id: str) -> None:
    revoke_device(org_id, phone.device, clock.now())
    answer = phone.client.get("/sync/v1/worklist", headers=phone.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "device-revoked")


def test_parcels_that_only_a_scan_knows_are_not_on_the_list(phone: ApiPhone, org_id: str) -> None:
    phone.send(phone.seal("collect", ["JT9999"], **proof()))
    assert codes_of(phone.worklist()) == set()
    with transaction() as session:
        assert session.query(Parcel).one().is_known is False
