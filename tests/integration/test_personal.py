"""A person's data is handed out whole and apart from others', and erased so that nothing brings it back."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.desk import hand_over, keep, reference, scrawl
from tests.support.exports import order_id, ready, shipped
from tests.support.shop import ApiPhone, make_run, make_user
from webapp import clock
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.cases.proofs import attach_file, remove_file
from webapp.services.cases.steps import close_case
from webapp.services.change_user import deactivate_user
from webapp.services.labels.check_label import check_text
from webapp.services.personal.erase import PHOTOS, SHARED, SIGNED, erase_person
from webapp.services.personal.export import export_person
from webapp.services.rebuild import check
from webapp.services.review_proof import review_proof
from webapp.store import blobs
from webapp.store.models import (
    ABOUT_BUYER,
    CaseEntry,
    DeletedBlob,
    Delivery,
    Device,
    LabelCheck,
    OfficeAct,
    Order,
    Parcel,
    User,
)
from webapp.store.unit import reading, transaction

BUYER = {
    "recipient": "Siti Aminah",
    "phone": "+60123456789",
    "buyer": "siti.a",
    "address": "12 Jalan Melur",
    "city": "Ipoh",
    "postcode": "31400",
    "state": "Perak",
    "buyer_message": "Leave it with Siti Aminah's mother",
}


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.fixture
def phone(app_on_both: Flask, books: Books) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), books.org, make_user(books.org, name="Budi Santoso"))


def delivered(books: Books, phone: ApiPhone, *numbers: int, **members: Any) -> tuple[list[str], str]:
    """Orders of the buyer, handed over and delivered to her in one go; codes and the delivery's id."""
    books.put(*(ready(number, **BUYER) for number in numbers))
    codes = [parcel.code for parcel in books.parcels()]
    hand_over(phone, books.org, codes)
    whole = {"counterpart": {"name": "Siti Aminah", "role": "recipient"}, **members}
    return codes, hand_over(phone, books.org, codes, "deliver", **whole)


def exported(books: Books, asked: str) -> dict[str, Any]:
    out = io.BytesIO()
    export_person(books.org, asked, out, books.user, NOW)
    with zipfile.ZipFile(out) as pack:
        parts = {name: pack.read(name) for name in pack.namelist()}
    digests = json.loads(parts.pop("digests.json"))
    assert {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()} == digests
    return {
        name.removesuffix(".json"): json.loads(data) for name, data in parts.items() if name != "README.txt"
    }


def erased(books: Books, asked: str, **how: Any) -> dict[str, Any]:
    return erase_person(books.org, asked, books.user, clock.now(), **how).as_dict()


def test_a_buyers_data_is_handed_out_with_all_that_was_recorded(books: Books, phone: ApiPhone) -> None:
    (code,), event = delivered(books, phone, 1)
    check_text(books.org, books.user, code, "Siti Aminah, 12 Jalan Melur", NOW)
    parts = exported(books, order_id(1))
    assert parts["person"]["name"] == "Siti Aminah"
    (order,) = parts["orders"]
    assert {name: order[name] for name in BUYER} == BUYER
    assert order["lines"][0]["product"] == "Batik shirt"
    assert [parcel["code"] for parcel in parts["parcels"]] == [code]
    told = {told["id"]: told for told in parts["events"]}
    assert (told[event]["kind"], told[event]["signed_by"]) == ("deliver", "Siti Aminah")
    assert all("signed_by" not in told for told in parts["events"] if told["kind"] == "collect")
    assert {picture["state"] for picture in told[event]["pictures"]} == {"held"}
    assert "12 Jalan Melur" in parts["labels"][0]["text"]
    assert "Budi" not in json.dumps(parts)


def test_others_with_the_same_name_are_not_mixed_in(books: Books) -> None:
    other = {**BUYER, "phone": "+60199999999", "buyer": "another"}
    books.put(ready(1, **BUYER), ready(2, **other), ready(3, **BUYER))
    with pytest.raises(Problem, match="several people"):
        exported(books, "siti aminah")
    assert len(exported(books, "+60123456789")["orders"]) == 2
    assert exported(books, order_id(1))["person"]["other_orders"] == [order_id(3)]
    with pytest.raises(Problem, match="Nobody is known"):
        exported(books, "Siti")


def test_a_name_in_any_letters_is_found_as_it_is_written(books: Books) -> None:
    books.put(ready(1, recipient="Đặng Văn Ánh"))
    assert len(exported(books, "Đặng Văn Ánh")["orders"]) == 1
    make_user(books.org, name="Ứng Hoà")
    assert exported(books, "Ứng Hoà")["person"]["id"]


def test_only_the_words_that_are_theirs_go_from_what_was_written(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **{**BUYER, "recipient": "Ann", "city": "May", "postcode": "10110"}))
    code = books.parcel().code
    hand_over(phone, books.org, [code])
    hand_over(phone, books.org, [code], "deliver")
    words = "Announced on May 3rd, refund 10110. ANN called"
    case = open_case(books.org, books.user, Wanted("complaint", "It never came", words, (code,)), NOW)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    erased(books, order_id(1))
    with reading() as session:
        entries = session.execute(select(CaseEntry.words).where(CaseEntry.org_id == books.org)).scalars()
        assert "Announced on May 3rd, refund 10110. [erased] called" in list(entries)


@pytest.mark.parametrize(
    ("name", "said", "left"),
    [
        ("สมชาย", "คุณสมชายโทรมา tel+60123456789x", "คุณ[erased]โทรมา tel[erased]x"),
        ("王小明", "王小明来电说没收到", "[erased]来电说没收到"),
        ("Ha", "Ha and Hà, hahaha, 0+601234567890", "[erased] and Hà, hahaha, 0+601234567890"),
    ],
)
def test_a_name_is_found_in_writing_without_spaces_and_never_inside_another_word(
    books: Books, phone: ApiPhone, name: str, said: str, left: str
) -> None:
    books.put(ready(1, **{**BUYER, "recipient": name}))
    code = books.parcel().code
    hand_over(phone, books.org, [code])
    hand_over(phone, books.org, [code], "deliver")
    case = open_case(books.org, books.user, Wanted("complaint", "It never came", said, (code,)), NOW)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    erased(books, order_id(1))
    with reading() as session:
        entries = session.execute(select(CaseEntry.words).where(CaseEntry.org_id == books.org)).scalars()
        assert left in list(entries)


def test_masked_names_and_numbers_tell_nobody_apart(books: Books) -> None:
    masked = {"recipient": "S*** A***", "phone": "(+60)12*****89"}
    books.put(ready(1, **masked), ready(2, **masked))
    with pytest.raises(Problem, match="several people"):
        exported(books, "(+60)12*****89")
    assert exported(books, order_id(1))["person"]["other_orders"] == []


def test_staff_data_is_what_they_recorded_without_who_signed(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    parts = exported(books, "Budi Santoso")
    assert [event["kind"] for event in parts["events"]] == ["collect", "deliver"]
    assert [device["id"] for device in parts["devices"]] == [phone.device]
    assert "Siti" not in json.dumps(parts)


def test_that_it_was_handed_out_is_written_down_without_a_name(books: Books) -> None:
    books.put(ready(1, **BUYER))
    exported(books, order_id(1))
    with reading() as session:
        (act,) = session.execute(select(OfficeAct).where(OfficeAct.org_id == books.org)).scalars()
    assert (act.kind, act.made_by, act.data["orders"]) == ("person_exported", books.user, 1)
    assert "Siti" not in json.dumps(act.data)


def test_an_erased_buyer_is_gone_and_no_import_brings_them_back(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    done = erased(books, order_id(1))
    assert (done["counts"]["orders"], SIGNED in done["stays"]) == (1, True)
    order = books.order()
    assert {name: getattr(order, name) for name in ABOUT_BUYER} == dict.fromkeys(ABOUT_BUYER)
    assert (order.state, order.amount is not None) == ("Perak", True)
    told = books.put(shipped(1, **{**BUYER, "recipient": "Siti Aminah binti Ali"}))
    assert told["updated"] == 1
    order = books.order()
    assert order.platform_status == "Shipped"
    assert {name: getattr(order, name) for name in ABOUT_BUYER} == dict.fromkeys(ABOUT_BUYER)
    assert check(clock.now())[1] == []


def test_another_buyers_order_of_the_same_file_keeps_its_name(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    erased(books, order_id(1))
    books.put(shipped(1, **BUYER), ready(2, **{**BUYER, "recipient": "Ahmad"}))
    assert (books.order(1).recipient, books.order(2).recipient) == (None, "Ahmad")


def test_what_is_under_way_or_in_an_open_case_is_not_erased(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER))
    with pytest.raises(Problem, match="under way"):
        erased(books, order_id(1))
    code = books.parcel().code
    hand_over(phone, books.org, [code], "deliver")
    case = open_case(books.org, books.user, Wanted("complaint", "Late", "Late.", (code,)), NOW)
    with pytest.raises(Problem, match="is open"):
        erased(books, order_id(1))
    assert books.order().recipient == "Siti Aminah"
    close_case(books.org, books.user, case, "settled", "Done.", NOW)
    assert erased(books, order_id(1))["counts"]["orders"] == 1


def test_what_was_written_of_them_in_cases_and_labels_goes(books: Books, phone: ApiPhone) -> None:
    (code,), _ = delivered(books, phone, 1)
    check_text(books.org, books.user, code, "Siti Aminah, 12 Jalan Melur", NOW)
    words = "Siti Aminah of 12 Jalan Melur called from +60123456789"
    case = open_case(books.org, books.user, Wanted("complaint", "Siti Aminah", words, (code,)), NOW)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    counts = erased(books, order_id(1))["counts"]
    assert (counts["case_texts"], counts["label_checks"]) == (2, 1)
    with reading() as session:
        entries = list(
            session.execute(select(CaseEntry.words).where(CaseEntry.org_id == books.org)).scalars()
        )
        labels = list(session.execute(select(LabelCheck).where(LabelCheck.org_id == books.org)).scalars())
    assert "[erased] of [erased] called from [erased]" in entries
    assert labels == []


def test_files_of_cases_are_handed_out_by_name_and_told_of_as_what_stays(
    books: Books, phone: ApiPhone
) -> None:
    (code,), _ = delivered(books, phone, 1)
    case = open_case(books.org, books.user, Wanted("complaint", "It came late", "", (code,)), NOW)
    attach_file(books.org, books.user, case, "chat.txt", b"Siti Aminah wrote", "", NOW)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    (told,) = exported(books, order_id(1))["cases"]
    assert [(file["name"], file["size"]) for file in told["files"]] == [("chat.txt", 17)]
    done = erased(books, order_id(1))
    assert "Case 1: 1 file is attached to it. Look, and delete there what is theirs." in done["stays"]
    remove_file(books.org, books.user, case, 2, "Names somebody who asked to be erased", NOW)
    assert not any("attached" in said for said in erased(books, order_id(1))["stays"])


def test_a_signature_at_the_door_goes_only_when_asked_and_only_theirs(books: Books, phone: ApiPhone) -> None:
    door, counter = scrawl(41), scrawl(42)
    books.put(ready(1, **BUYER))
    code = books.parcel().code
    hand_over(phone, books.org, [code], blobs=[reference(counter, "signature")])
    at_door = hand_over(phone, books.org, [code], "deliver", blobs=[reference(door, "signature")])
    keep(books.org, phone.device, door, counter)
    assert erased(books, order_id(1))["counts"]["pictures"] == 0
    with pytest.raises(Problem, match="waits for review") as refused:
        erased(books, order_id(1), with_signatures=True)
    assert refused.value.code == "still-used"
    assert blobs.current().has(books.org, hashlib.sha256(door).hexdigest())
    review_proof(books.org, books.user, at_door, "accept", NOW)
    assert erased(books, order_id(1), with_signatures=True)["counts"]["pictures"] == 1
    held = [blobs.current().has(books.org, hashlib.sha256(data).hexdigest()) for data in (door, counter)]
    assert held == [False, True]
    with reading() as session:
        row = session.get_one(DeletedBlob, (books.org, hashlib.sha256(door).hexdigest()))
    assert (row.why, row.made_by, row.after_days) == ("erased", books.user, None)


def test_a_signature_for_somebody_elses_parcel_as_well_stays(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER), ready(2, recipient="Neighbour", phone="+60177777777"))
    hand_over(phone, books.org, [parcel.code for parcel in books.parcels()], "deliver")
    done = erased(books, order_id(1), with_signatures=True)
    assert (done["counts"]["pictures"], SHARED in done["stays"]) == (0, True)


def test_a_driver_reads_no_more_of_the_address(app_on_both: Flask, books: Books, phone: ApiPhone) -> None:
    (code,), _ = delivered(books, phone, 1)
    user = make_user(books.org, "driver")
    make_run(books.org, user, [code], "deliver")
    driver = ApiPhone(app_on_both.test_client(), books.org, user)
    page = driver.worklist()
    (told,) = page["parcels"]["upserts"]
    assert told["recipient"]["name"] == "Siti Aminah"
    erased(books, order_id(1))
    (told,) = driver.worklist(page["cursor"])["parcels"]["upserts"]
    assert (told["code"], told["recipient"]) == (code, {"name": "", "address": "Perak"})


def test_staff_are_erased_once_they_have_left(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    with reading() as session:
        user_id = session.execute(select(Device.user_id).where(Device.id == phone.device)).scalar_one()
    with transaction() as session:
        user = session.get_one(User, user_id)
        user.active, user.email = True, "budi@example.com"
        session.execute(update(Device).where(Device.id == phone.device).values(label="Budi's phone"))
        common = {"org_id": books.org, "notice_id": "1", "channel": "email", "user_id": user_id}
        session.add(
            Delivery(
                **common,
                id="d1",
                target="budi@example.com",
                state="sent",
                next_try_at=NOW,
                created_at=NOW,
                error="550 <budi@example.com>: Recipient address rejected",
            )
        )
    with pytest.raises(Problem, match="still works here"):
        erased(books, "budi@example.com")
    deactivate_user(books.org, str(user_id), NOW, by_role="admin", by_user=books.user, revoke_phones=True)
    done = erased(books, "Budi Santoso")
    assert (done["counts"]["phones"], done["counts"]["notices"]) == (1, 1)
    with reading() as session:
        user = session.get_one(User, user_id)
        (row,) = session.execute(
            select(Delivery.target, Delivery.error).where(Delivery.org_id == books.org)
        ).all()
        told = " ".join(row)
        label = session.execute(select(Device.label).where(Device.id == phone.device)).scalar_one()
    assert (user.name, user.email, user.password, user.active) == ("Erased person", None, None, False)
    assert (label, "budi" in told) == ("Phone", False)
    assert exported(books, str(user_id))["events"][0]["kind"] == "collect"


def test_who_erased_whom_is_written_down_by_id(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    erased(books, "+60123456789")
    with reading() as session:
        (act,) = session.execute(select(OfficeAct).where(OfficeAct.org_id == books.org)).scalars()
        assert session.execute(select(Parcel).where(Parcel.org_id == books.org)).scalars().all()
        assert session.get_one(Order, (books.org, order_id(1))).erased_at == act.made_at
    assert (act.kind, act.made_by, act.data["id"]) == ("person_erased", books.user, order_id(1))
    assert "Siti" not in json.dumps(act.data)


def test_photos_that_may_show_the_label_are_told_of_as_what_stays(books: Books, phone: ApiPhone) -> None:
    delivered(books, phone, 1)
    done = erased(books, order_id(1))
    assert done["counts"]["photos_kept"] > 0
    assert PHOTOS in done["stays"]
