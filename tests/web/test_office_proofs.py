"""Proofs to take away from the office: the right files, for those alone who may see what is in them."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from sync.evidence.bundle.verify import verify_bundle
from sync.protocol.times import format_time
from tests.support.desk import hand_over, make_desk_user, signed_in
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services.checking.look import eyes
from webapp.services.record import Draft, record
from webapp.store.unit import transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop("Toko Sari")


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))


@pytest.fixture
def olga(app: Flask, org_id: str) -> FlaskClient:
    return signed_in(app, make_desk_user(org_id))


def handed_over(phone: ApiPhone, org_id: str, **members: str) -> tuple[str, str]:
    [code] = make_parcels(org_id, 1, seed=phone.seq + 1, status="ready", **members)
    return code, hand_over(phone, org_id, [code], at=format_time(clock.now()))


def test_a_proof_is_downloaded_from_the_parcel_and_from_the_handover(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    code, event = handed_over(phone, org_id)
    assert f'href="/office/proofs/parcels/{code}"' in olga.get(f"/office/parcels/{code}").text
    assert f'href="/office/proofs/events/{event}"' in olga.get(f"/office/review/{event}").text
    for path, name in ((f"parcels/{code}", code), (f"events/{event}", event)):
        answer = olga.get(f"/office/proofs/{path}", buffered=True)
        assert (answer.status_code, answer.mimetype) == (200, "application/zip")
        assert f"baton-proof-{name}.zip" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert verify_bundle(io.BytesIO(answer.data)).all_hold


def test_an_appeal_pack_has_stamped_pictures_and_a_manifest(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    code, _ = handed_over(phone, org_id)
    answer = olga.get(f"/office/proofs/parcels/{code}?appeal", buffered=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        held = {name: pack.read(name) for name in pack.namelist()}
    assert sorted(held) == [
        "README.txt",
        "images/01-collect-photo.jpg",
        "images/02-collect-signature.jpg",
        "manifest.pdf",
    ]
    assert held["manifest.pdf"].startswith(b"%PDF")
    assert len(held["manifest.pdf"]) <= 10 * 1024 * 1024
    for name in ("images/01-collect-photo.jpg", "images/02-collect-signature.jpg"):
        with Image.open(io.BytesIO(held[name])) as image:
            assert image.format == "JPEG"
        assert len(held[name]) <= 5 * 1024 * 1024


def test_nobody_gets_what_is_not_theirs(app: Flask, phone: ApiPhone, org_id: str) -> None:
    code, event = handed_over(phone, org_id, seller="Toko Sari")
    other, mixed = handed_over(phone, org_id, seller="Toko Lain")
    stranger = signed_in(app, make_desk_user(make_shop("Another shop"), name="Sam Stranger"))
    sari = signed_in(app, make_desk_user(org_id, "seller", "Sari Seller", seller="Toko Sari"))
    for client, path, status in (
        (stranger, f"parcels/{code}", 404),
        (stranger, f"events/{event}", 404),
        (sari, f"parcels/{code}", 200),
        (sari, f"events/{event}", 200),
        (sari, f"parcels/{other}", 404),
        (sari, f"events/{mixed}", 404),
        (app.test_client(), f"parcels/{code}", 302),
    ):
        assert client.get(f"/office/proofs/{path}", buffered=True).status_code == status, path


def test_a_parcel_that_nothing_happened_to_has_no_proof(olga: FlaskClient, org_id: str) -> None:
    [code] = make_parcels(org_id, 1)
    assert "Download proof" not in olga.get(f"/office/parcels/{code}").text
    answer = olga.get(f"/office/proofs/parcels/{code}", buffered=True)
    assert answer.status_code == 404
    assert "Nothing was ever recorded" in answer.text


def test_a_verdict_on_one_parcel_of_a_handover_does_not_show_a_seller_the_others(
    app: Flask, phone: ApiPhone, org_id: str
) -> None:
    own = make_parcels(org_id, 1, seed=71, seller="Toko Sari")
    others = make_parcels(org_id, 1, seed=72, seller="Toko Lain")
    event = hand_over(phone, org_id, [*own, *others])
    with transaction() as session:
        draft = Draft("check", own, ref=event, data={"findings": []})
        (seen,) = record(session, org_id, "clock", [draft], clock.now())
    sari = signed_in(app, make_desk_user(org_id, "seller", "Sari Seller", seller="Toko Sari"))
    assert sari.get(f"/office/proofs/events/{seen.id}?appeal", buffered=True).status_code == 404


def test_a_redacted_appeal_pack_is_offered_and_says_what_it_is(
    olga: FlaskClient, phone: ApiPhone, org_id: str
) -> None:
    code, _ = handed_over(phone, org_id)
    assert f"/office/proofs/parcels/{code}?appeal&amp;redact" in olga.get(f"/office/parcels/{code}").text
    answer = olga.get(f"/office/proofs/parcels/{code}?appeal&redact", buffered=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        assert "blurred in the photos" in pack.read("README.txt").decode()
    eyes().close()
