"""A buyer's signature at the door goes when they ask, wherever it is; what keeps it for now is told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol import envelope
from sync.protocol.keys import generate_key
from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.desk import hand_over, keep, reference, scrawl
from tests.support.exports import order_id, ready
from tests.support.shop import ApiPhone, make_user
from tests.unit.phones import proof
from webapp import clock
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.cases.proofs import attach_file
from webapp.services.cases.steps import close_case
from webapp.services.personal.erase import SHARED, erase_person
from webapp.services.review_proof import review_proof
from webapp.services.settle_quarantine import accept_held, set_aside
from webapp.store import blobs
from webapp.store.models import BlobRef, DeletedBlob
from webapp.store.queries import event_views
from webapp.store.unit import reading

BUYER = {"recipient": "Siti Aminah", "phone": "+60123456789", "buyer": "siti.a", "address": "12 Jalan Melur"}


@pytest.fixture
def books(app_on_both: Flask, tmp_path: Path) -> Books:
    return Books(tmp_path)


@pytest.fixture
def phone(app_on_both: Flask, books: Books) -> ApiPhone:
    return ApiPhone(app_on_both.test_client(), books.org, make_user(books.org, name="Budi Santoso"))


def delivered(books: Books, phone: ApiPhone, signature: bytes, *, is_home: bool = True) -> str:
    """All parcels there are, delivered with this one signature and accepted; gives its digest."""
    codes = [parcel.code for parcel in books.parcels()]
    refs = [reference(signature, "signature")]
    event = hand_over(phone, books.org, codes, "deliver", is_home=False, blobs=refs)
    if is_home:
        keep(books.org, phone.device, signature)
    review_proof(books.org, books.user, event, "accept", NOW)
    return hashlib.sha256(signature).hexdigest()


def erased(books: Books, asked: str) -> dict[str, Any]:
    return erase_person(books.org, asked, books.user, clock.now(), with_signatures=True).as_dict()


def test_one_signature_for_two_orders_of_a_buyer_goes_with_the_second(books: Books, phone: ApiPhone) -> None:
    masked = {"recipient": "S***h", "phone": "******89"}
    books.put(ready(1, **masked), ready(2, **masked))
    digest = delivered(books, phone, scrawl(41))
    first = erased(books, order_id(1))
    assert (first["counts"]["pictures"], SHARED in first["stays"]) == (0, True)
    second = erased(books, order_id(2))
    assert (second["counts"]["pictures"], SHARED in second["stays"]) == (1, False)
    assert not blobs.current().has(books.org, digest)


def held_back(books: Books, phone: ApiPhone, signature: bytes) -> str:
    """A record of the buyer's parcel that nothing proves, held back with this picture; gives its digest."""
    payload = phone.payload("deliver", [books.parcel().code], **proof()) | {"seq": 2**53 - 2}
    payload["blobs"] = [reference(signature, "signature")]
    (result,) = phone.send(envelope.sign(payload, generate_key()))["results"]
    assert result["status"] == "quarantined"
    return str(result["sha256"])


def test_a_signature_goes_once_no_record_that_names_it_waits_for_a_decision(
    books: Books, phone: ApiPhone
) -> None:
    books.put(ready(1, **BUYER))
    signature = scrawl(42)
    digest = delivered(books, phone, signature)
    item = held_back(books, phone, signature)
    done = erased(books, order_id(1))
    assert done["counts"]["pictures"] == 0
    assert any("held back" in said for said in done["stays"])
    set_aside(books.org, books.user, item, "Nobody here knows of it", clock.now())
    done = erased(books, order_id(1))
    assert done["counts"]["pictures"] == 1
    assert not any("held back" in said for said in done["stays"])
    assert not blobs.current().has(books.org, digest)


def test_a_record_that_was_set_aside_is_taken_in_without_a_picture_that_was_erased(
    books: Books, phone: ApiPhone
) -> None:
    books.put(ready(1, **BUYER))
    signature = scrawl(45)
    digest = delivered(books, phone, signature)
    item = held_back(books, phone, signature)
    set_aside(books.org, books.user, item, "Nobody here knows of it", clock.now())
    erased(books, order_id(1))
    done = accept_held(books.org, books.user, item, "The courier knows it", clock.now(), seen="aside")
    assert done.event_id
    with reading() as session:
        (view,) = event_views.views(session, books.org, [done.event_id])
    assert view.signature
    assert (view.signature.is_held, view.signature.deleted and view.signature.deleted.why) == (
        False,
        "erased",
    )
    keep(books.org, phone.device, signature)
    assert not blobs.current().has(books.org, digest)


def test_a_signature_that_is_a_file_of_a_case_stays_and_that_is_told(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER))
    signature = scrawl(43)
    delivered(books, phone, signature)
    case = open_case(books.org, books.user, Wanted("complaint", "Late", "Late.", (books.parcel().code,)), NOW)
    attach_file(books.org, books.user, case, "signature.png", signature, "", NOW)
    close_case(books.org, books.user, case, "settled", "Done.", NOW)
    done = erased(books, order_id(1))
    assert done["counts"]["pictures"] == 0
    assert "Case 1: their signature is a file of it. Delete it there, and erase again." in done["stays"]


def test_a_signature_that_has_not_come_home_is_not_kept_when_it_comes(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER))
    signature = scrawl(44)
    digest = delivered(books, phone, signature, is_home=False)
    assert erased(books, order_id(1))["counts"]["pictures"] == 1
    with reading() as session:
        row = session.get_one(DeletedBlob, (books.org, digest))
        refs = list(session.execute(select(BlobRef).where(BlobRef.sha256 == digest)).scalars())
        assert (row.why, row.size) == ("erased", len(signature))
        assert [ref.is_awaited for ref in refs] == [False]
    keep(books.org, phone.device, signature)
    assert not blobs.current().has(books.org, digest)
    assert erased(books, order_id(1))["counts"]["pictures"] == 0, "twice is once"


def test_what_waits_for_review_holds_a_signature_that_has_not_come_home(
    books: Books, phone: ApiPhone
) -> None:
    books.put(ready(1, **BUYER))
    codes = [parcel.code for parcel in books.parcels()]
    hand_over(phone, books.org, codes, "deliver", is_home=False)
    with pytest.raises(Problem, match="waits for review"):
        erased(books, order_id(1))
