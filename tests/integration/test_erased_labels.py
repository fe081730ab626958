"""A page with several buyers' labels: one who is erased is on it no more, whichever parcel it was looked at for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.desk import hand_over
from tests.support.exports import order_id, ready
from tests.support.labels import pdf
from tests.support.shop import ApiPhone, make_user
from webapp import clock
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.cases.proofs import attach_file, remove_file
from webapp.services.cases.steps import close_case
from webapp.services.labels.check_label import check_file
from webapp.services.personal.erase import BACKED_UP, PHOTOS, SIGNED, erase_person
from webapp.store import blobs
from webapp.store.models import LabelCheck, OfficeFile
from webapp.store.unit import reading


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.fixture
def phone(app_on_both: Flask, books: Books) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), books.org, make_user(books.org))


def erased(books: Books) -> dict[str, Any]:
    return erase_person(books.org, order_id(1), books.user, clock.now()).as_dict()


def looked_at_twice(books: Books, phone: ApiPhone) -> tuple[str, str]:
    """A page with two buyers' labels, checked for a parcel of each; gives the other's code and the page's digest."""
    books.put(ready(1, recipient="Siti Aminah", phone="+60123456789", address="12 Jalan Melur"))
    mine = books.parcel().code
    hand_over(phone, books.org, [mine], "deliver")
    books.put(ready(2, recipient="Ahmad Faiz", phone="+60177777777", address="3 Jalan Kenanga"))
    (other,) = {parcel.code for parcel in books.parcels()} - {mine}
    page = pdf(["Siti Aminah +60123456789", "12 Jalan Melur", "Ahmad Faiz 3 Jalan Kenanga"])
    for code in (mine, other):
        check_file(books.org, books.user, code, "Siti Aminah and Ahmad.pdf", page, NOW)
    with reading() as session:
        pages = {check.pages[0]["sha256"] for check in session.execute(select(LabelCheck)).scalars()}
    (digest,) = pages
    return other, digest


def test_a_page_with_anothers_label_goes_from_their_check_too_and_what_it_found_stays(
    books: Books, phone: ApiPhone
) -> None:
    other, page = looked_at_twice(books, phone)
    with reading() as session:
        (before,) = session.execute(select(LabelCheck).where(LabelCheck.code == other)).scalars()
    assert "60123456789" in json.dumps(before.findings)
    done = erased(books)
    assert (done["counts"]["label_checks"], done["counts"]["pictures"]) == (1, 1)
    (said,) = [said for said in done["stays"] if other in said]
    assert "deleted there too" in said
    assert not any("erase again" in said for said in done["stays"])
    assert not blobs.current().has(books.org, page)
    with reading() as session:
        (check,) = session.execute(select(LabelCheck).where(LabelCheck.org_id == books.org)).scalars()
        assert list(session.execute(select(OfficeFile)).scalars()) == []
    assert (check.code, check.pages, check.is_good) == (other, [], before.is_good)
    found, was = ([(it["code"], it["kind"]) for it in each.findings] for each in (check, before))
    assert found == was
    left = json.dumps([check.name, check.text, check.findings, check.notes])
    assert not any(word in left for word in ("Siti", "Melur", "60123456789"))
    again = erased(books)
    assert (again["counts"]["pictures"], again["stays"]) == (0, [SIGNED, PHOTOS, BACKED_UP])


def test_a_page_is_not_taken_from_the_check_of_a_parcel_in_an_open_case(
    books: Books, phone: ApiPhone
) -> None:
    other, page = looked_at_twice(books, phone)
    case = open_case(books.org, books.user, Wanted("complaint", "Came back", "Bad label", (other,)), NOW)
    with pytest.raises(Problem, match="Case 1 is open, and the label check") as refused:
        erased(books)
    assert refused.value.code == "still-used"
    assert books.order(1).recipient == "Siti Aminah"
    assert blobs.current().has(books.org, page)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    assert erased(books)["counts"]["pictures"] == 1


def test_a_page_that_is_a_file_of_anothers_case_is_told_with_its_number_and_goes_from_there(
    books: Books, phone: ApiPhone
) -> None:
    other, page = looked_at_twice(books, phone)
    case = open_case(books.org, books.user, Wanted("complaint", "Came back", "Bad label", (other,)), NOW)
    data = blobs.current().read(books.org, page)
    attach_file(books.org, books.user, case, "label.jpg", data, "", NOW)
    close_case(books.org, books.user, case, "settled", "Half each.", NOW)
    done = erased(books)
    assert "Case 1: a page with their label is a file of it. Delete it there." in done["stays"]
    assert blobs.current().has(books.org, page)
    remove_file(books.org, books.user, case, 2, "Shows somebody who asked to be erased", NOW)
    assert not blobs.current().has(books.org, page)
