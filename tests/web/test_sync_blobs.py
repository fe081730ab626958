"""/sync/v1/blobs: tus 1.0.0 as written, and what is refused by name."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import BLOBS, STREAM, TusPhone, checksum, code_of, digest, make_photo, metadata
from tests.unit.phones import proof
from tests.unit.test_intake import png_of
from webapp import clock
from webapp.services import receive_upload
from webapp.services.enrol import revoke_device
from webapp.services.receive_upload import MAX_BLOB_BYTES, MAX_OPEN
from webapp.settings import Settings
from webapp.store import blobs
from webapp.store.models import Blob, Upload, UploadPart
from webapp.store.queries import told
from webapp.store.unit import reading, transaction


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop()


@pytest.fixture
def phone(app: Flask, org_id: str) -> TusPhone:
    return TusPhone(ApiPhone(app.test_client(), org_id, make_user(org_id)))


@pytest.fixture
def colleague(app: Flask, org_id: str) -> TusPhone:
    return TusPhone(ApiPhone(app.test_client(), org_id, make_user(org_id)))


@pytest.fixture
def stranger(app: Flask) -> TusPhone:
    other = make_shop("Another shop")
    return TusPhone(ApiPhone(app.test_client(), other, make_user(other)))


def held(org_id: str, data: bytes) -> bool:
    """Whether the row says so and the bytes are there."""
    with reading() as session:
        row = session.get(Blob, (org_id, digest(data)))
    assert (row is not None) == blobs.current().has(org_id, digest(data))
    if row is not None:
        assert blobs.current().read(org_id, digest(data)) == data
    return row is not None


def rows(model: Any) -> int:
    with reading() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def spooled() -> int:
    return len(list(blobs.current().spooled()))


def expire(url: str) -> None:
    with transaction() as session:
        session.execute(
            update(Upload).where(Upload.id == url.rpartition("/")[2]).values(expires_at=clock.now())
        )


# --- what the server says it can ------------------------------------------------------------------


def test_options_tell_versions_extensions_and_limits_to_anybody(app: Flask) -> None:
    answer = app.test_client().options(BLOBS)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert {"creation", "creation-with-upload", "checksum", "expiration"} <= extensions
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256"}
    assert answer.headers["Tus-Max-Size"] == str(MAX_BLOB_BYTES)


def test_every_answer_speaks_both_protocols(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    for answer in (
        phone.create(photo),
        phone.head(url),
        phone.patch(url, 10, photo[10:20]),
        phone.patch(url, 999, b"x"),
        phone.head(f"{BLOBS}/nothing"),
        phone.create(photo, Authorization=None),
    ):
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers["Sync-Protocol"] == "1"


# --- one request ----------------------------------------------------------------------------------


def test_a_photo_in_one_request_is_held_when_it_is_answered(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    answer = phone.create(photo, photo)
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == str(len(photo))
    assert "Upload-Expires" not in answer.headers
    assert held(org_id, photo)
    assert phone.offset(answer.headers["Location"]) == len(photo)
    assert (rows(Upload), spooled()) == (0, 0)


def test_bytes_already_held_are_not_asked_for_again(phone: TusPhone, colleague: TusPhone) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    for who in (phone, colleague):
        answer = who.create(photo)
        assert answer.status_code == 201
        assert answer.headers["Upload-Offset"] == str(len(photo))
        assert who.offset(answer.headers["Location"]) == len(photo)
    assert rows(Upload) == 0


def test_a_client_that_sends_held_bytes_all_the_same_is_told_that_all_are_here(phone: TusPhone) -> None:
    photo = make_photo()
    phone.begin(photo, photo)
    url = phone.begin(photo)
    for start, end in ((0, 100), (0, len(photo)), (50, 60), (len(photo), len(photo))):
        answer = phone.patch(url, start, photo[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(photo)))
    for start, data in ((0, b"other bytes"), (1, photo[:100]), (len(photo) + 1, b"")):
        answer = phone.patch(url, start, data)
        assert (answer.status_code, code_of(answer)) == (409, "offset-conflict")
    assert phone.patch(url, len(photo), b"more").status_code == 413


def test_the_same_photo_sent_twice_is_held_once(phone: TusPhone, colleague: TusPhone) -> None:
    photo = make_photo()
    assert phone.create(photo, photo).status_code == 201
    assert colleague.create(photo, photo).status_code == 201
    assert rows(Blob) == 1


def test_another_shop_has_to_send_its_own(phone: TusPhone, stranger: TusPhone, org_id: str) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo)
    answer = stranger.create(photo)
    assert answer.headers["Upload-Offset"] == "0"
    assert stranger.head(url).status_code == 404
    assert stranger.missing(digest(photo)) == [digest(photo)]
    assert held(org_id, photo)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_kept_type_is_the_one_found_not_the_one_declared(phone: TusPhone, org_id: str, form: str) -> None:
    photo = make_photo((64, 48), form)
    said = metadata(sha256=digest(photo), type="image/svg+xml", filename="../../evil.svg")
    assert phone.create(photo, photo, Upload_Metadata=said).status_code == 201
    with reading() as session:
        row = session.get_one(Blob, (org_id, digest(photo)))
    assert (row.type, row.width, row.height, row.size) == (f"image/{form.lower()}", 64, 48, len(photo))


# --- in pieces ------------------------------------------------------------------------------------


def test_an_upload_goes_on_where_the_server_says_it_is(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    answer = phone.create(photo)
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Upload-Expires"].endswith("GMT")
    url = answer.headers["Location"]
    for start in range(0, len(photo), 5000):
        assert phone.offset(url) == start
        sent = phone.patch(url, start, photo[start : start + 5000])
        assert sent.status_code == 204
        assert sent.headers["Upload-Offset"] == str(min(start + 5000, len(photo)))
    assert held(org_id, photo)
    assert phone.offset(url) == len(photo)
    assert (rows(UploadPart), spooled()) == (0, 0)


def test_a_creation_may_bring_the_first_bytes(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    answer = phone.create(photo, photo[:777])
    assert answer.headers["Upload-Offset"] == "777"
    assert phone.patch(answer.headers["Location"], 777, photo[777:]).status_code == 204
    assert held(org_id, photo)


def test_a_head_tells_length_offset_and_metadata_and_is_never_stored(phone: TusPhone) -> None:
    photo = make_photo()
    said = metadata(sha256=digest(photo), filename="tag.jpg", filetype="image/jpeg")
    url = phone.create(photo, photo[:9], Upload_Metadata=said).headers["Location"]
    answer = phone.head(url)
    assert answer.headers["Upload-Length"] == str(len(photo))
    assert answer.headers["Upload-Offset"] == "9"
    assert answer.headers["Upload-Metadata"] == said
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Upload-Expires" in answer.headers
    assert answer.data == b""


def test_the_last_answer_may_get_lost(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:9])
    assert phone.patch(url, 9, photo[9:]).status_code == 204
    assert phone.offset(url) == len(photo)
    assert phone.patch(url, len(photo), b"").status_code == 204
    assert phone.patch(url, 9, photo[9:]).status_code == 409


def test_a_wrong_offset_is_told_the_right_one_and_changes_nothing(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:100])
    for offset in (0, 99, 101, len(photo)):
        answer = phone.patch(url, offset, photo[offset : offset + 10])
        assert answer.status_code == 409
        assert code_of(answer) == "offset-conflict"
        assert answer.headers["Upload-Offset"] == "100"
    assert phone.offset(url) == 100


def test_a_patch_without_bytes_changes_nothing(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:100])
    answer = phone.patch(url, 100, b"")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "100")


def test_two_uploads_of_one_photo_do_not_get_in_each_others_way(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    first, second = phone.begin(photo, photo[:10]), phone.begin(photo, photo[:20])
    assert first != second
    assert phone.patch(second, 20, photo[20:]).status_code == 204
    assert held(org_id, photo)
    assert phone.patch(first, 10, photo[10:]).status_code == 204
    assert phone.offset(first) == len(photo)


def test_of_two_requests_for_the_same_bytes_one_counts(
    phone: TusPhone, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo[:10])
    real = receive_upload._spool

    def slow(org: str, upload_id: str, data: bytes) -> str:
        # A request hangs between its bytes and its commit; another one comes in meanwhile.
        monkeypatch.setattr(receive_upload, "_spool", real)
        assert phone.patch(url, 10, photo[10:60]).status_code == 204
        return real(org, upload_id, data)

    monkeypatch.setattr(receive_upload, "_spool", slow)
    answer = phone.patch(url, 10, b"\0" * 20)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "60")
    assert spooled() == 2
    assert phone.patch(url, 60, photo[60:]).status_code == 204
    assert held(org_id, photo)


def test_the_method_may_be_named_in_a_header(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    url = phone.begin(photo)

    def post(method: str | None, **more: str | None) -> TestResponse:
        given: dict[str, str | None] = {"X_HTTP_Method_Override": method, "Content_Type": STREAM, **more}
        data = photo if method == "PATCH" else None
        return phone.phone.client.post(url, data=data, headers=phone.headers(given))

    assert post("HEAD").headers["Upload-Offset"] == "0"
    assert post("PATCH", Upload_Offset="0").status_code == 204
    assert held(org_id, photo)
    assert post(None).status_code == 405
    assert post("GET").status_code == 405
    assert post("DELETE").status_code == 204


def test_an_upload_can_be_ended_and_a_held_blob_cannot(phone: TusPhone, org_id: str) -> None:
    photo, kept = make_photo(), make_photo()
    url, whole = phone.begin(photo, photo[:10]), phone.begin(kept, kept)
    assert phone.delete(url).status_code == 204
    assert phone.head(url).status_code == 404
    assert (rows(Upload), rows(UploadPart), spooled()) == (0, 0, 0)
    assert phone.delete(whole).status_code == 204
    assert held(org_id, kept)


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
    "a JPEG that is only a beginning": (b"\xff\xd8\xff\xe0", 422, "picture-broken"),
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
    "bytes that are no text": (f"sha256 {HEX},name /w==", "metadata-malformed"),
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


def test_a_revoked_phone_may_not_send_photos(phone: TusPhone, org_id: str) -> None:
    photo = make_photo()
    url = phone.begin(photo)
    revoke_device(org_id, phone.phone.device, clock.now())
    for answer in (phone.create(photo, photo), phone.patch(url, 0, photo), phone.delete(url)):
        assert (answer.status_code, code_of(answer)) == (403, "device-revoked")
    assert not held(org_id, photo)


def test_no_other_method_is_there(phone: TusPhone) -> None:
    photo = make_photo()
    url = phone.begin(photo, photo)
    for method, path in (("GET", BLOBS), ("PUT", BLOBS), ("GET", url), ("PUT", url)):
        assert phone.phone.client.open(path, method=method, headers=phone.headers({})).status_code == 405


# --- want, and events -----------------------------------------------------------------------------


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
        found = {blob["role"]: blob for blob in told.parcel(session, code)["blobs"]}
    assert {role: (blob["held"], blob["differs"]) for role, blob in found.items()} == {
        "photo": (True, []),
        "tag": (True, ["type", "size"]),
        "signature": (False, []),
    }
