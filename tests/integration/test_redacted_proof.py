"""What leaves the house redacted: text blurred in copies, originals of photos left out, the parcel's tag readable."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from flask import Flask

from sync.evidence import tags
from sync.evidence.bundle.verify import verify_bundle
from sync.evidence.pixels import grey_of
from sync.protocol.codes import key_of
from sync.protocol.times import format_time
from tests.support.desk import hand_over, keep, reference, scrawl
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tagged import tagged
from webapp import clock
from webapp.services.checking.look import eyes
from webapp.services.proving.appeal import export_appeal
from webapp.services.proving.export_proof import collect, export_proof, paper_copies
from webapp.services.proving.gather import Wanted
from webapp.services.proving.redacting import redactor_of
from webapp.store.models import PhotoCheck
from webapp.store.unit import transaction


@pytest.fixture
def org_id(app: Flask) -> Iterator[str]:
    yield make_shop("Toko Sari")
    eyes().close()


@pytest.fixture
def phone(app: Flask, org_id: str) -> ApiPhone:
    return ApiPhone(app.test_client(), org_id, make_user(org_id))


def handed_over(phone: ApiPhone, org_id: str, code: str, *photos: bytes) -> str:
    signature = scrawl(3)
    refs = [*map(reference, photos), reference(signature, "signature")]
    event = hand_over(phone, org_id, [code], at=format_time(clock.now()), blobs=refs)
    keep(org_id, phone.device, *photos, signature)
    return event


def looked_at(org_id: str, event: str, photo: bytes, *codes: str) -> None:
    """As the checks note what they read."""
    grey = grey_of(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR))
    readings = [{"key": r.key, "corners": r.corners} for r in tags.read(grey, map(key_of, codes)).found]
    assert {read["key"] for read in readings} == set(codes)
    now = clock.now()
    row = {"org_id": org_id, "event_id": event, "sha256": reference(photo)["sha256"], "role": "photo"}
    result = {"width": grey.shape[1], "height": grey.shape[0], "readings": readings}
    with transaction() as session:
        session.add(PhotoCheck(**row, taken_at=now, taken_by="test", done_at=now, result=result))


def exported(write: Any, org_id: str, code: str, *, is_redacted: bool = True) -> zipfile.ZipFile:
    out = io.BytesIO()
    write(Wanted(org_id, parcel=code, is_redacted=is_redacted), out, clock.now())
    return zipfile.ZipFile(out)


def read_in(data: bytes) -> set[str]:
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return {symbol.text for symbol in zxingcpp.read_barcodes(grey)}


def test_an_appeal_pack_shows_the_parcels_own_tag_and_no_other(
    phone: ApiPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, other = make_parcels(org_id, 2, status="ready")
    photo = tagged(code, other, words="Siti Aminah", size=(1200, 900))
    looked_at(org_id, handed_over(phone, org_id, code, photo), photo, code, other)
    blurred: list[bytes] = []
    real = eyes().redact
    monkeypatch.setattr(eyes(), "redact", lambda data, *how: blurred.append(data) or real(data, *how))
    pack = exported(export_appeal, org_id, code)
    assert blurred == [photo], "once, for the picture and for the paper"
    images = {name: pack.read(name) for name in pack.namelist() if name.startswith("images/")}
    (shown,) = (data for name, data in images.items() if name.endswith("photo.jpg"))
    assert read_in(shown) == {code}
    assert len(images) == 2
    assert "look through them" in " ".join(pack.read("README.txt").decode().split())
    whole = exported(export_appeal, org_id, code, is_redacted=False)
    (plain,) = (data for name, data in _images(whole) if "photo" in name)
    assert read_in(plain) == {code, other}
    printed_in = [it.read("manifest.pdf").count(b"/Subtype /Image") for it in (pack, whole)]
    assert printed_in[0] == printed_in[1]


def _images(pack: zipfile.ZipFile) -> list[tuple[str, bytes]]:
    return [(name, pack.read(name)) for name in pack.namelist() if name.startswith("images/")]


def test_a_photo_that_cannot_be_blurred_is_left_out_and_counted(phone: ApiPhone, org_id: str) -> None:
    (code,) = make_parcels(org_id, 1, status="ready")
    torn = tagged(code, size=(1200, 900))
    torn = torn[: len(torn) * 2 // 3]
    handed_over(phone, org_id, code, torn)
    pack = exported(export_appeal, org_id, code)
    assert [name for name, _ in _images(pack) if "photo" in name] == []
    assert "could not be done: 1." in pack.read("README.txt").decode()


def test_a_redacted_bundle_leaves_originals_out_and_says_so(phone: ApiPhone, org_id: str) -> None:
    code, other = make_parcels(org_id, 2, status="ready")
    photo = tagged(code, other, words="Siti Aminah", size=(1200, 900))
    looked_at(org_id, handed_over(phone, org_id, code, photo), photo, code, other)
    pack = exported(export_proof, org_id, code)
    names = [name for name in pack.namelist() if name.startswith("blobs/")]
    assert names == [f"blobs/{reference(scrawl(3))['sha256']}.png"]
    assert pack.fp is not None
    verdict = verify_bundle(pack.fp)
    assert {f.code for found in verdict.areas.values() for f in found if f.is_fault} == {"photo_withheld"}
    whole = exported(export_proof, org_id, code, is_redacted=False)
    # The blurred copy is printed where the original would be.
    assert pack.read("proof.pdf").count(b"/Subtype /Image") == whole.read("proof.pdf").count(
        b"/Subtype /Image"
    )
    assert reference(photo)["sha256"] in {name[6:70] for name in whole.namelist()}
    assert read_in(printed(org_id, code)[reference(photo)["sha256"]]) <= {code}


def test_a_photo_that_another_event_calls_a_signature_is_blurred_all_the_same(
    phone: ApiPhone, org_id: str
) -> None:
    code, other = make_parcels(org_id, 2, status="ready")
    photo = tagged(code, other, words="Siti Aminah", size=(1200, 900))
    looked_at(org_id, handed_over(phone, org_id, code, photo), photo, code, other)
    hand_over(
        phone, org_id, [code], "deliver", at=format_time(clock.now()), blobs=[reference(photo, "signature")]
    )
    pack = exported(export_proof, org_id, code)
    assert reference(photo)["sha256"] not in {name[6:70] for name in pack.namelist()}
    assert read_in(printed(org_id, code)[reference(photo)["sha256"]]) <= {code}


def printed(org_id: str, code: str) -> dict[str, bytes]:
    """The copies that are printed, by digest."""
    wanted = Wanted(org_id, parcel=code, is_redacted=True)
    gathered = collect(wanted, clock.now())[0]
    return paper_copies(wanted, gathered, redactor_of(org_id, gathered))
