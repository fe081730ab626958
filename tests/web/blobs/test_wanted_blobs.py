"""Which photos a phone is asked for, and how they meet the events that speak of them."""

from __future__ import annotations

import gzip

import pytest

from tests.support.shop import make_parcels
from tests.support.tus import (
    BLOBS,
    TusPhone,
    code_of,
    digest,
    make_photo,
)
from tests.unit.phones import proof
from webapp.store.queries import told
from webapp.store.unit import reading


def test_want_tells_what_is_missing_each_once_in_the_order_asked(phone: TusPhone) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    asked = ["f" * 64, digest(photo), "0" * 64, "f" * 64]
    assert phone.missing(*asked) == ["f" * 64, "0" * 64]
    assert phone.missing() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"sha256":"a"}', b'{"sha256":["a"]}', b'{"sha256":[1]}', b'{"sha256":null}', b"{"],
)
def test_want_refuses_what_is_no_list_of_digests(phone: TusPhone, body: bytes) -> None:
    answer = phone.phone.client.post(
        f"{BLOBS}/want", data=body, headers={**phone.phone.headers, "Content-Type": "application/json"}
    )
    assert (answer.status_code, code_of(answer)) == (400, "body-invalid")


def test_want_takes_a_thousand_and_no_more(phone: TusPhone) -> None:
    digests = [f"{number:064x}" for number in range(1001)]
    assert phone.missing(*digests[:1000]) == digests[:1000]
    answer = phone.phone.client.post(f"{BLOBS}/want", json={"sha256": digests}, headers=phone.phone.headers)
    assert (answer.status_code, code_of(answer)) == (400, "body-invalid")


def test_want_may_be_asked_gzipped(phone: TusPhone) -> None:
    answer = phone.phone.client.post(
        f"{BLOBS}/want",
        data=gzip.compress(b'{"sha256":["' + b"0" * 64 + b'"]}'),
        headers={**phone.phone.headers, "Content-Encoding": "gzip"},
    )
    assert answer.get_json() == {"missing": ["0" * 64]}


@pytest.mark.parametrize("photo_first", [True, False])
def test_photo_and_event_may_come_in_either_order(phone: TusPhone, org_id: str, photo_first: bool) -> None:
    photo, signature = make_photo(), make_photo(form="PNG")
    (code,) = make_parcels(org_id, 1)
    refs = [
        {"sha256": digest(data), "type": "image/jpeg", "size": len(data), "role": role, "parcel": None}
        for data, role in ((photo, "photo"), (signature, "signature"))
    ]
    sealed = phone.phone.seal("collect", [code], **{**proof(), "blobs": refs})
    if photo_first:
        phone.begin(photo, photo)
        phone.begin(signature, signature)
        assert phone.phone.send(sealed)["want"] == []
    else:
        assert sorted(phone.phone.send(sealed)["want"]) == sorted([digest(photo), digest(signature)])
        phone.begin(photo, photo)
        assert phone.phone.send()["want"] == [digest(signature)]
        phone.begin(signature, signature)
        assert phone.phone.send()["want"] == []


def test_what_an_event_says_wrongly_of_its_photo_is_named_and_the_photo_kept(
    phone: TusPhone, org_id: str
) -> None:
    right, wrong, absent = make_photo(), make_photo(form="PNG"), make_photo()
    (code,) = make_parcels(org_id, 1)
    refs = [
        {"sha256": digest(right), "type": "image/jpeg", "size": len(right), "role": "photo", "parcel": None},
        {"sha256": digest(wrong), "type": "image/jpeg", "size": 1000, "role": "tag", "parcel": None},
        {"sha256": digest(absent), "type": "image/jpeg", "size": 1000, "role": "signature", "parcel": None},
    ]
    phone.phone.send(phone.phone.seal("collect", [code], **{**proof(), "blobs": refs}))
    phone.begin(right, right)
    phone.begin(wrong, wrong)
    with reading() as session:
        found = {blob["role"]: blob for blob in told.parcel(session, code)[0]["blobs"]}
    assert {role: (blob["held"], blob["differs"]) for role, blob in found.items()} == {
        "photo": (True, []),
        "tag": (True, ["type", "size"]),
        "signature": (False, []),
    }
