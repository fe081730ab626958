"""/sync/v1/blobs: what is refused by name, and what it leaves behind."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from sync.protocol.schema import MAX_BLOB_BYTES
from tests.support.tus import (
    BLOBS,
    STREAM,
    TusPhone,
    checksum,
    code_of,
    digest,
    held,
    make_photo,
    metadata,
    rows,
    spooled,
)
from tests.unit.test_intake import png_of
from webapp import clock
from webapp.services.receive_upload import MAX_OPEN
from webapp.settings import Settings
from webapp.store.models import Upload, UploadPart
from webapp.store.unit import transaction


def expire(url: str) -> None:
    with transaction() as session:
        session.execute(
            update(Upload).where(Upload.id == url.rpartition("/")[2]).values(expires_at=clock.now())
        )


# --- checksums ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_chunk_that_changed_on_the_way_is_thrown_away(phone: TusPhone, org_id: str, name: str) -> None:
    photo = make_photo()
    url = phone.begin(photo)
    answer = phone.patch(url, 0, photo[:50], Upload_Checksum=checksum(photo[:51], name))
    assert answer.status_code == 460
    assert code_of(answer) == "checksum-mismatch"
    assert phone.offset(url) == 0
    assert phone.patch(url, 0, photo, Upload_Checksum=checksum(photo, name)).status_code == 204
    assert held(org_id, photo)


def test_a_creation_whose_bytes_changed_on_the_way_creates_nothing(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    assert phone.create(photo, photo, Upload_Checksum=checksum(b"other")).status_code == 460
    assert not held(org_id, photo)
    assert rows(Upload) == 0


@pytest.mark.parametrize("sent", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1 %%%", "sha1 AAAA", "sha1", ""])
def test_a_checksum_that_cannot_be_checked_is_refused(phone: TusPhone, sent: str) -> None:
    photo = make_photo()
    answer = phone.patch(phone.begin(photo), 0, photo, Upload_Checksum=sent)
    assert (answer.status_code, code_of(answer)) == (400, "checksum-invalid")


@pytest.mark.parametrize("pieces", [1, 2])
def test_bytes_of_another_digest_drop_the_upload_and_stay_wanted(
    phone: TusPhone, org_id: str, pieces: int
) -> None:
    photo, other = make_photo(), make_photo()
    other = (other * 2)[: len(photo)]
    if pieces == 1:
        answer = phone.create(photo, other)
    else:
        url = phone.begin(photo, other[:100])
        answer = phone.patch(url, 100, other[100:])
        assert phone.head(url).status_code == 404
    assert (answer.status_code, code_of(answer)) == (460, "digest-mismatch")
    assert not held(org_id, photo)
    assert not held(org_id, other)
    assert phone.missing(digest(photo)) == [digest(photo)]
    assert (rows(Upload), spooled()) == (0, 0)


# --- what is refused ------------------------------------------------------------------------------

NO_PICTURES = {
    "an SVG called .jpg": (b"<svg onload='alert(1)'/>", 415, "media-unsupported"),
    "a page": (b"<html><script>alert(1)</script>", 415, "media-unsupported"),
    "nothing": (b"", 415, "media-unsupported"),
    "a zip": (b"PK\x03\x04" + bytes(40), 415, "media-unsupported"),
    "a PNG of 30,000 x 30,000": (png_of(30_000, 30_000), 422, "picture-too-large"),
}


@pytest.mark.parametrize(("data", "status", "code"), NO_PICTURES.values(), ids=NO_PICTURES)
@pytest.mark.parametrize("pieces", [1, 2])
def test_what_is_no_picture_is_refused_and_dropped(
    phone: TusPhone, org_id: str, data: bytes, status: int, code: str, pieces: int
) -> None:
    if pieces == 1:
        answer = phone.create(data, data)
    elif data:
        answer = phone.patch(phone.begin(data, data[:3]), 3, data[3:])
    else:
        answer = phone.create(data)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert not held(org_id, data)
    assert (rows(Upload), rows(UploadPart), spooled()) == (0, 0, 0)


def test_an_upload_has_a_limit(phone: TusPhone) -> None:
    photo = make_photo()
    over = phone.create(photo, Upload_Length=str(MAX_BLOB_BYTES + 1))
    assert (over.status_code, code_of(over)) == (413, "blob-too-large")
    assert phone.create(photo, Upload_Length=str(MAX_BLOB_BYTES)).status_code == 201


def test_more_bytes_than_promised_are_not_taken(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    for answer in (phone.create(photo, photo + b"x"), phone.patch(phone.begin(photo), 0, photo + b"x")):
        assert (answer.status_code, code_of(answer)) == (413, "blob-too-large")
    assert not held(org_id, photo)


@pytest.mark.parametrize("length", [None, "", "-1", "1.5", "ten", "9" * 30, "\u0661"])
def test_a_length_must_be_told(phone: TusPhone, length: str | None) -> None:
    sent = length.encode().decode("latin-1") if length else length
    answer = phone.create(make_photo(), Upload_Length=sent)
    assert (answer.status_code, code_of(answer)) == (400, "length-invalid")


def test_a_held_blob_has_one_length(phone: TusPhone) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    answer = phone.create(photo, Upload_Length=str(len(photo) + 1))
    assert (answer.status_code, code_of(answer)) == (400, "length-invalid")


HEX = base64.b64encode(b"a" * 64).decode()
BAD_METADATA = {
    "none": (None, "metadata-missing"),
    "without a digest": (metadata(filename="a.jpg", filetype="image/jpeg"), "metadata-missing"),
    "an empty digest": ("sha256", "metadata-missing"),
    "a digest that is too short": (metadata(sha256="abc"), "metadata-malformed"),
    "a digest that is a path": (metadata(sha256="../" * 21 + "a"), "metadata-malformed"),
    "hex that is not in base64": (f"sha256 {'z' * 63}", "metadata-malformed"),
    "base64 that is not base64": ("sha256 !!!!", "metadata-malformed"),
    "a digest that is no text": ("sha256 " + "////" * 22, "metadata-malformed"),
    "base64 with words after it": (f"sha256 {HEX} more", "metadata-malformed"),
    "a key twice": (f"sha256 {HEX},sha256 {HEX}", "metadata-malformed"),
    "an empty key": (f"sha256 {HEX},,", "metadata-malformed"),
    "endless": (f"sha256 {HEX},filename {'AAAA' * 2000}", "metadata-malformed"),
}


@pytest.mark.parametrize(("header", "code"), BAD_METADATA.values(), ids=BAD_METADATA)
def test_metadata_that_cannot_be_used_is_refused_by_name(
    phone: TusPhone, header: str | None, code: str
) -> None:
    answer = phone.create(make_photo(), Upload_Metadata=header)
    assert (answer.status_code, code_of(answer)) == (400, code)


def test_a_files_name_may_be_in_any_encoding(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    name = base64.b64encode("Päckchen.jpg".encode("latin-1")).decode()
    said = f"{metadata(sha256=digest(photo))},filename {name},is_confidential"
    assert phone.create(photo, photo, Upload_Metadata=said).status_code == 201
    assert held(org_id, photo)


def test_the_address_may_end_in_a_slash(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    assert phone.phone.client.options(f"{BLOBS}/").status_code == 204
    usual = {"Upload-Length": str(len(photo)), "Upload-Metadata": metadata(sha256=digest(photo))}
    headers = phone.headers({}, **usual, **{"Content-Type": STREAM})
    answer = phone.phone.client.post(f"{BLOBS}/", data=photo, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{BLOBS}/{digest(photo)}")
    assert held(org_id, photo)


def test_a_digest_in_capitals_is_the_same_digest(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    said = metadata(sha256=digest(photo).upper())
    assert phone.create(photo, photo, Upload_Metadata=said).status_code == 201
    assert held(org_id, photo)


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0", ""])
def test_another_version_of_tus_is_refused_with_the_one_we_speak(
    phone: TusPhone, version: str | None
) -> None:
    photo = make_photo()
    url = phone.begin(photo)
    for answer in (
        phone.create(photo, Tus_Resumable=version),
        phone.head(url, Tus_Resumable=version),
        phone.patch(url, 0, photo, Tus_Resumable=version),
    ):
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert phone.offset(url) == 0


@pytest.mark.parametrize(
    "content_type", [None, "image/jpeg", "application/octet-stream", "multipart/form-data"]
)
def test_bytes_of_an_upload_have_one_content_type(phone: TusPhone, content_type: str | None) -> None:
    photo = make_photo()
    url = phone.begin(photo)
    for answer in (
        phone.patch(url, 0, photo, Content_Type=content_type),
        phone.create(photo, photo, Content_Type=content_type),
    ):
        assert (answer.status_code, code_of(answer)) == (415, "chunk-type-invalid")


@pytest.mark.parametrize("offset", [None, "", "-1", "1e3", "0x10", "9" * 40])
def test_an_offset_must_be_a_number(phone: TusPhone, offset: str | None) -> None:
    answer = phone.patch(phone.begin(make_photo()), 0, b"x", Upload_Offset=offset)
    assert (answer.status_code, code_of(answer)) == (400, "offset-invalid")


@pytest.mark.parametrize(
    "name", ["nothing", "0" * 64, "..", "%2e%2e%2fheld", "0194f2a0-0000-7000-8000-000000000001", "a" * 5000]
)
def test_an_upload_nobody_began_is_unknown(phone: TusPhone, name: str) -> None:
    assert phone.head(f"{BLOBS}/{name}").status_code == 404
    assert phone.patch(f"{BLOBS}/{name}", 0, b"x").status_code == 404


def test_an_upload_is_its_own_phones_only(phone: TusPhone, colleague: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    assert colleague.head(url).status_code == 404
    assert code_of(colleague.patch(url, 10, photo[10:])) == "upload-unknown"
    assert colleague.delete(url).status_code == 404
    assert phone.offset(url) == 10


def test_an_expired_upload_is_gone(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    expire(url)
    assert phone.head(url).status_code == 410
    answer = phone.patch(url, 10, photo[10:])
    assert (answer.status_code, code_of(answer)) == (410, "upload-expired")
    assert phone.create(photo, photo).status_code == 201


def test_every_piece_gives_an_upload_more_time(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    with transaction() as session:
        soon = clock.now() + timedelta(minutes=1)
        session.execute(update(Upload).values(expires_at=soon))
    before = phone.head(url).headers["Upload-Expires"]
    after = phone.patch(url, 10, photo[10:20]).headers["Upload-Expires"]
    assert phone.head(url).headers["Upload-Expires"] == after != before


def test_an_upload_whose_parts_were_lost_begins_anew(phone: TusPhone, settings: Settings) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    spool = Path(settings.blobs.removeprefix("file://")) / "spool"
    for part in [file for file in spool.rglob("*") if file.is_file()]:
        part.unlink()
    answer = phone.patch(url, 10, photo[10:])
    assert (answer.status_code, code_of(answer)) == (410, "upload-expired")
    assert phone.head(url).status_code == 404
    assert phone.create(photo, photo).status_code == 201


def test_the_oldest_upload_makes_room_for_a_new_one(phone: TusPhone) -> None:
    photo = make_photo()
    first = phone.begin(photo, photo[:1])
    for _ in range(MAX_OPEN):
        last = phone.begin(photo)
    assert rows(Upload) == MAX_OPEN
    assert phone.head(first).status_code == 404
    assert phone.offset(last) == 0
    assert spooled() == 0


def test_a_stranger_without_a_token_gets_nothing(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo)
    for authorization in (None, "Bearer nobody", "Basic dG9rZW4=", "Bearer"):
        for answer in (
            phone.create(photo, photo, Authorization=authorization),
            phone.patch(url, 0, photo, Authorization=authorization),
        ):
            assert (answer.status_code, code_of(answer)) == (401, "token-unknown")
        assert phone.head(url, Authorization=authorization).status_code == 401


def test_no_other_method_is_there(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo)
    for method, path in (("GET", BLOBS), ("PUT", BLOBS), ("GET", url), ("PUT", url)):
        assert phone.phone.client.open(path, method=method, headers=phone.headers({})).status_code == 405


# --- what is kept though nothing can open it ------------------------------------------------------

UNREADABLE = {
    "a JPEG that is only a beginning": b"\xff\xd8\xff\xe0",
    "a JPEG of noise": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40,
    "a PNG of no pixels": png_of(0, 0),
    "a WebP of an unknown kind": b"RIFF\x10\x00\x00\x00WEBPVP9 " + bytes(40),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("pieces", [1, 2])
def test_sealed_bytes_that_begin_as_a_picture_come_home_though_nothing_opens_them(
    phone: TusPhone, org_id: str, data: bytes, pieces: int
) -> None:
    answer = (
        phone.create(data, data) if pieces == 1 else phone.patch(phone.begin(data, data[:3]), 3, data[3:])
    )
    assert answer.status_code in {201, 204}
    assert held(org_id, data)
    assert phone.missing(digest(data)) == []
