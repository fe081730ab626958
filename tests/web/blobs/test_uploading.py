"""/sync/v1/blobs: tus 1.0.0 as written, whole photos and pieces."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from sync.protocol.schema import MAX_BLOB_BYTES
from tests.support.tus import (
    BLOBS,
    STREAM,
    TusPhone,
    code_of,
    digest,
    held,
    make_photo,
    metadata,
    rows,
    spooled,
)
from webapp.services import receive_upload
from webapp.store.models import Blob, Upload, UploadPart
from webapp.store.unit import reading

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
