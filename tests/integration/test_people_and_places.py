"""People, places and carriers: who may keep whom, and what stays whole."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask_security import verify_password

from sync.protocol.problems import Problem
from tests.support.desk import make_desk_user
from tests.support.shop import ApiPhone, make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.services import change_user
from webapp.services.add_user import NewPerson, add_user
from webapp.services.keep_carriers import CarrierFacts, remove_carrier, save_carrier
from webapp.services.keep_places import PlaceFacts, remove_place, save_place
from webapp.services.keep_stock import Count, count_in
from webapp.store.models import User
from webapp.store.queries import people, phones
from webapp.store.unit import Session, reading, transaction


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    return make_shop()


def held(user_id: str) -> User:
    with reading() as session:
        return session.get_one(User, user_id)


def test_somebody_of_the_office_gets_a_password_that_is_told_once(org_id: str) -> None:
    added = add_user(org_id, NewPerson("Olga", "office", email=" Olga@Example.com "), clock.now())
    user = held(added.id)
    assert added.password is not None
    assert len(added.password.replace("-", "")) == 16
    assert (user.email, user.password != added.password) == ("olga@example.com", True)
    assert verify_password(added.password, user.password)


def test_somebody_of_the_field_needs_a_name_only(org_id: str) -> None:
    added = add_user(org_id, NewPerson("Cora", "courier"), clock.now())
    assert (added.password, held(added.id).password, held(added.id).is_desk) == (None, None, False)


@pytest.mark.parametrize(
    ("person", "field"),
    [
        (NewPerson(" ", "courier"), "name"),
        (NewPerson("Cora", "king"), "role"),
        (NewPerson("Olga", "office"), "email"),
        (NewPerson("Olga", "office", email="olga"), "email"),
        (NewPerson("Sari", "seller"), "seller"),
        (NewPerson("Olga", "office", email="o@example.com", password="short"), "password"),
        (NewPerson("Cora", "courier", password="correct horse battery"), "email"),
    ],
)
def test_a_person_that_cannot_be_is_refused_by_the_field(org_id: str, person: NewPerson, field: str) -> None:
    with pytest.raises(Problem) as refused:
        add_user(org_id, person, clock.now())
    assert refused.value.members["field"] == field
    with reading() as session:
        assert people.list_people(session, org_id) == []


def test_an_e_mail_is_one_persons_in_all_shops(org_id: str) -> None:
    add_user(make_shop("Another"), NewPerson("Olga", "office", email="olga@example.com"), clock.now())
    with pytest.raises(Problem, match="email-taken"):
        add_user(org_id, NewPerson("Olga", "office", email="OLGA@example.com"), clock.now())


@pytest.mark.parametrize(
    ("role", "may"), [("courier", True), ("seller", True), ("office", False), ("admin", False)]
)
def test_the_office_keeps_the_fields_people_only(org_id: str, role: str, may: bool) -> None:
    person = NewPerson("New", role, seller="A" if role == "seller" else None, email="new@example.com")
    if may:
        assert add_user(org_id, person, clock.now(), by_role="office").role == role
        return
    with pytest.raises(Problem, match="forbidden"):
        add_user(org_id, person, clock.now(), by_role="office")


def test_nobody_of_the_office_makes_themselves_an_administrator(org_id: str) -> None:
    office = make_desk_user(org_id)
    with pytest.raises(Problem, match="forbidden"):
        change_user.edit_user(
            org_id, office, name="Olga", role="admin", email="o@example.com", seller=None, by_role="office"
        )
    with pytest.raises(Problem, match="forbidden"):
        change_user.set_password(org_id, make_desk_user(org_id, "admin", "Ada"), None, by_role="office")


def test_the_last_administrator_stays(org_id: str) -> None:
    ada = make_desk_user(org_id, "admin", "Ada")
    options: dict[str, Any] = {"by_role": "admin", "by_user": "another", "revoke_phones": False}
    with pytest.raises(Problem, match="last-admin"):
        change_user.deactivate_user(org_id, ada, clock.now(), **options)
    with pytest.raises(Problem, match="last-admin"):
        change_user.edit_user(
            org_id, ada, name="Ada", role="office", email="ada@example.com", seller=None, by_role="admin"
        )
    make_desk_user(org_id, "admin", "Bea")
    change_user.deactivate_user(org_id, ada, clock.now(), **options)
    assert not held(ada).active


def test_two_administrators_cannot_demote_each_other_at_once(
    org_id: str, app_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {name: make_desk_user(org_id, "admin", name) for name in ("Ada", "Bea")}
    count = people.count_admins

    def slowly(session: Session, org: str) -> int:
        counted = count(session, org)
        time.sleep(0.3)
        return counted

    monkeypatch.setattr(people, "count_admins", slowly)

    def demote(name: str) -> str:
        mail = f"{name.lower()}@example.com"
        with app_on_both.app_context():
            try:
                change_user.edit_user(
                    org_id, both[name], name=name, role="office", email=mail, seller=None, by_role="admin"
                )
            except Problem as problem:
                return problem.code
        return "done"

    with ThreadPoolExecutor(2) as at_once:
        assert sorted(at_once.map(demote, both)) == ["done", "last-admin"]


def test_a_new_password_ends_the_sessions(org_id: str) -> None:
    olga = make_desk_user(org_id)
    before = held(olga).fs_uniquifier
    made = change_user.set_password(org_id, olga, None, by_role="admin")
    assert made is not None
    assert verify_password(made, held(olga).password)
    assert held(olga).fs_uniquifier != before


def test_who_stops_working_here_takes_their_phones_out_if_that_is_asked(
    org_id: str, app_on_both: Flask
) -> None:
    cora = make_user(org_id, "courier", "Cora")
    for _ in range(2):
        ApiPhone(app_on_both.test_client(), org_id, cora)
    gone = change_user.deactivate_user(
        org_id, cora, clock.now(), by_role="office", by_user="x", revoke_phones=True
    )
    assert gone == 2
    with reading() as session:
        assert phones.phones_of(session, org_id, cora) == []
    change_user.reactivate_user(org_id, cora, by_role="office")
    assert held(cora).active


def test_a_phone_stops_with_the_work_of_its_person_and_goes_on_with_it(
    org_id: str, app_on_both: Flask
) -> None:
    cora = make_user(org_id, "courier", "Cora")
    phone = ApiPhone(app_on_both.test_client(), org_id, cora)
    change_user.deactivate_user(org_id, cora, clock.now(), by_role="office", by_user="x", revoke_phones=False)
    assert phone.client.get("/sync/v1/worklist", headers=phone.headers).status_code == 403
    answer = phone.post(phone.seal("report", make_parcels(org_id, 1), reason="damage"))
    assert (answer.status_code, answer.json["results"][0]["status"]) == (403, "quarantined")
    change_user.reactivate_user(org_id, cora, by_role="office")
    assert phone.worklist()["cursor"]


def test_another_shops_people_are_not_there(org_id: str) -> None:
    stranger = make_user(make_shop("Another"), "courier", "Stranger")
    with pytest.raises(Problem, match="not-found"):
        change_user.reactivate_user(org_id, stranger, by_role="admin")


def test_a_place_that_something_names_stays(org_id: str) -> None:
    place = save_place(org_id, None, PlaceFacts("Depot", position=(14.6, 121.0)))
    make_parcels(org_id, 1, place_id=place)
    with pytest.raises(Problem, match="1 parcels and 0 runs"):
        remove_place(org_id, place)
    empty = save_place(org_id, None, PlaceFacts("Counter", "drop_off"))
    remove_place(org_id, empty)
    with pytest.raises(Problem, match="not-found"):
        save_place(org_id, empty, PlaceFacts("Counter"))


def test_a_warehouse_with_stock_stays_a_warehouse(org_id: str) -> None:
    house = save_place(org_id, None, PlaceFacts("Main", "warehouse"))
    user = make_user(org_id, "office", "Olga")
    with transaction() as session:
        count_in(session, org_id, user, [Count("A", house, 500)], clock.now())
    for change in (
        lambda: remove_place(org_id, house),
        lambda: save_place(org_id, house, PlaceFacts("Main", "hub")),
    ):
        with pytest.raises(Problem, match="500 pieces are on hand here and 0 reserved"):
            change()
    save_place(org_id, house, PlaceFacts("Main hall", "warehouse"))
    with transaction() as session:
        count_in(session, org_id, user, [Count("A", house, 0)], clock.now())
    remove_place(org_id, house)


def test_a_renamed_place_reaches_the_phones(org_id: str, app_on_both: Flask) -> None:
    place = save_place(org_id, None, PlaceFacts("Depo"))
    cora = make_user(org_id, "courier", "Cora")
    codes = make_parcels(org_id, 1, place_id=place, status="ready")
    make_run(org_id, cora, codes, place_id=place)
    phone = ApiPhone(app_on_both.test_client(), org_id, cora)
    cursor = phone.worklist()["cursor"]
    save_place(org_id, place, PlaceFacts("Depot"))
    page = phone.worklist(cursor)
    assert page["runs"]["upserts"][0]["place"]["name"] == "Depot"
    assert page["parcels"]["upserts"][0]["place"] == "Depot"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (PlaceFacts(" "), "name"),
        (PlaceFacts("Depot", "moon"), "kind"),
        (PlaceFacts("Depot", position=(91, 0)), "lat"),
        (PlaceFacts("Depot", position=(float("nan"), 0)), "lat"),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_the_field(org_id: str, facts: PlaceFacts, field: str) -> None:
    with pytest.raises(Problem) as refused:
        save_place(org_id, None, facts)
    assert refused.value.members["field"] == field


@pytest.mark.parametrize(
    "pattern", [r"^JT\d{12}$", r"[A-Z]{2}\d+[A-Z]{2}", r"^(?:JT|J)\d{10,14}$", r"^A.*\+[*+?]\d{9}$", ""]
)
def test_a_carriers_pattern_is_kept(org_id: str, pattern: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T", ("J&T Express", " "), pattern), is_new=True)
    with reading() as session:
        from webapp.store.queries import places

        carrier = places.find_carrier(session, org_id, "jt")
    assert carrier is not None
    assert (carrier.tracking_pattern, carrier.names) == (pattern or None, ["J&T Express"])


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "(a+)+$", "(a|aa)*", "(?P<x>a)", "(?=a)", "(?<!a)b", r"\Ajt", "(a{1,9}){1,}", "a" * 201),
        *("^.*.*.*.*x$", "a+b{2,}", "(a|aa){30}", "a?" * 30 + "a" * 30, "a{1,99}" * 5, "a++"),
    ],
)
def test_a_pattern_that_phones_cannot_run_is_refused(org_id: str, pattern: str) -> None:
    with pytest.raises(Problem) as refused:
        save_carrier(org_id, "jt", CarrierFacts("J&T", (), pattern), is_new=True)
    assert refused.value.members["field"] == "tracking_pattern"


def test_a_carrier_that_a_parcel_names_stays(org_id: str) -> None:
    save_carrier(org_id, "jt", CarrierFacts("J&T"), is_new=True)
    with pytest.raises(Problem, match="conflict"):
        save_carrier(org_id, "jt", CarrierFacts("J&T"), is_new=True)
    make_parcels(org_id, 1, carrier="jt")
    with pytest.raises(Problem, match="still-used"):
        remove_carrier(org_id, "jt")
