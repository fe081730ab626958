"""A buyer's signature at the door goes when they ask, wherever it is; what keeps it for now is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from sync.protocol.problems import Problem
from tests.support.books import NOW, Books
from tests.support.desk import hand_over, keep, reference, scrawl
from tests.support.exports import order_id, ready
from tests.support.shop import ApiPhone, make_user
from webapp import clock
from webapp.services.cases.open_case import Wanted, open_case
from webapp.services.cases.proofs import attach_file
from webapp.services.cases.steps import close_case
from webapp.services.personal.erase import SHARED, erase_person
from webapp.services.review_proof import review_proof
from webapp.store import blobs
from webapp.store.models import BlobRef, DeletedBlob, Quarantined, QuarantinedBlob
from webapp.store.unit import reading, transaction

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


def held_back(books: Books, phone: ApiPhone, digest: str) -> Callable[[str | None], None]:
    """Something in quarantine that names this picture; gives how to settle it."""
    item = "ab" * 32

    def settle(outcome: str | None) -> None:
        with transaction() as session:
            session.get_one(Quarantined, (books.org, item)).outcome = outcome

    with transaction() as session:
        session.add(
            Quarantined(
                org_id=books.org,
                sha256=item,
                device_id=phone.device,
                received_at=clock.now(),
                signature_good=False,
                code="event-malformed",
                detail="",
                raw=b"x",
            )
        )
        session.add(QuarantinedBlob(org_id=books.org, sha256=digest, item_sha256=item))
    return settle


def test_a_signature_goes_once_no_record_that_names_it_is_held_back(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER))
    settle = held_back(books, phone, delivered(books, phone, scrawl(42)))
    for outcome in (None, "aside"):
        settle(outcome)
        done = erased(books, order_id(1))
        assert done["counts"]["pictures"] == 0
        assert any("held back" in said for said in done["stays"])
    settle("accepted")
    done = erased(books, order_id(1))
    assert done["counts"]["pictures"] == 1
    assert not any("held back" in said for said in done["stays"])


def test_a_signature_that_is_a_file_of_a_case_stays_and_that_is_told(books: Books, phone: ApiPhone) -> None:
    books.put(ready(1, **BUYER))
    signature = scrawl(43)
    delivered(books, phone, signature)
    case = open_case(books.org, books.user, Wanted("complaint", "Late", "Late.", (books.parcel().code,)), NOW)
    attach_file(books.org, books.user, case, "signature.png", signature, "", NOW)
    close_case(books.org, books.user, case, "settled", "Done.", NOW)
    done = erased(books, order_id(1))
    assert done["counts"]["pictures"] == 0
    assert any("attached to a case" in said for said in done["stays"])


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
