"""Hostile uploads: each has its named refusal, nothing of it is held, and the next good picture is taken."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support import hostile
from tests.support.hostile import World, code_of
from tests.support.installation import Databases
from tests.support.tus import BLOBS, STREAM, TusPhone, checksum, digest, make_photo, metadata
from webapp.settings import Settings

GOOD = make_photo()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
MOST = 10 * 1024 * 1024


class Rig:
    """A world and its phone's uploads."""

    def __init__(self, world: World) -> None:
        self.world, self.mine, self.theirs = world, TusPhone(world.phone), TusPhone(world.colleague)

    def whole(self, data: bytes, **headers: str | None) -> TestResponse:
        return self.mine.create(data, data, **headers)

    def said(self, header: str) -> TestResponse:
        return self.mine.create(GOOD, Upload_Metadata=header)

    def named(self, data: bytes, name: str) -> TestResponse:
        said = metadata(sha256=digest(data), type="image/jpeg", filename=name, role="photo")
        return self.mine.create(data, data, Upload_Metadata=said)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases
) -> Iterator[tuple[Flask, Settings]]:
    with hostile.lasting_app(tmp_path_factory.mktemp("hostile"), sqlite_databases) as made:
        yield made


@pytest.fixture
def rig(house: tuple[Flask, Settings]) -> Rig:
    return Rig(World(*house))


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


Send = Callable[[Rig], TestResponse]
BAD_UPLOADS: dict[str, tuple[Send, int, str]] = {
    "a PNG of 30,000 x 30,000": (lambda r: r.whole(hostile.png(30_000, 30_000)), 422, "picture-too-large"),
    "a PNG of 2^32 x 1": (lambda r: r.whole(hostile.png(2**32 - 1, 1)), 422, "picture-too-large"),
    "an SVG called .jpg": (lambda r: r.named(SVG, "photo.jpg"), 415, "media-unsupported"),
    "HTML called .png": (lambda r: r.named(HTML, "photo.png"), 415, "media-unsupported"),
    "a GIF": (lambda r: r.whole(GIF), 415, "media-unsupported"),
    "zero bytes": (lambda r: r.whole(b""), 415, "media-unsupported"),
    "a zip": (lambda r: r.whole(b"PK\x03\x04" + bytes(40)), 415, "media-unsupported"),
    "over the most": (lambda r: r.mine.create(GOOD, Upload_Length=str(MOST + 1)), 413, "blob-too-large"),
    "more than was said": (lambda r: r.mine.create(GOOD, GOOD + b"x"), 413, "blob-too-large"),
    "a length of -1": (lambda r: r.mine.create(GOOD, Upload_Length="-1"), 400, "length-invalid"),
    "a length of 1e3": (lambda r: r.mine.create(GOOD, Upload_Length="1e3"), 400, "length-invalid"),
    "a length of 40 digits": (lambda r: r.mine.create(GOOD, Upload_Length="9" * 40), 400, "length-invalid"),
    "no length": (lambda r: r.mine.create(GOOD, Upload_Length=None), 400, "length-invalid"),
    "a wrong checksum": (lambda r: r.whole(GOOD, Upload_Checksum=checksum(b"x")), 460, "checksum-mismatch"),
    "an unknown checksum": (lambda r: r.whole(GOOD, Upload_Checksum="md5 AAAA"), 400, "checksum-invalid"),
    "a checksum that is none": (lambda r: r.whole(GOOD, Upload_Checksum="sha1 *"), 400, "checksum-invalid"),
    "other bytes than promised": (lambda r: r.mine.create(GOOD, GOOD[:-1] + b"x"), 460, "digest-mismatch"),
    "no metadata": (lambda r: r.said(""), 400, "metadata-missing"),
    "metadata that is no base64": (lambda r: r.said("sha256 ***"), 400, "metadata-malformed"),
    "metadata with a key twice": (lambda r: r.said("a YQ==,a YQ=="), 400, "metadata-malformed"),
    "metadata of 60 kB": (lambda r: r.said("a " + "YQ" * 30_000), 400, "metadata-malformed"),
    "metadata with NUL": (lambda r: r.said("type " + b64(b"a\0b")), 400, "metadata-malformed"),
    "a path for a digest": (lambda r: r.said("sha256 " + b64(b"../../server-key.pem")), 400, "metadata-malformed"),
    "another version of tus": (lambda r: r.mine.create(GOOD, Tus_Resumable="0.2.2"), 412, "tus-version-unsupported"),
    "another type of body": (lambda r: r.whole(GOOD, Content_Type="image/jpeg"), 415, "chunk-type-invalid"),
    "no token": (lambda r: r.whole(GOOD, Authorization=None), 401, "token-unknown"),
    "an upload nobody began": (lambda r: r.mine.patch(f"{BLOBS}/x", 0, b"x"), 404, "upload-unknown"),
    "a path for an upload": (lambda r: r.mine.patch(f"{BLOBS}/a/b", 0, b"x"), 404, "not-found"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_UPLOADS)
def test_a_bad_upload_is_refused_by_name_and_nothing_of_it_is_kept(rig: Rig, name: str) -> None:
    send, status, code = BAD_UPLOADS[name]
    before = rig.world.rows()
    answer = send(rig)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert code == "not-found" or answer.headers["Tus-Resumable"] == "1.0.0"
    assert rig.world.grown(before) == {}
    rig.world.assert_healthy()


@pytest.mark.parametrize("offset", ["5", "0", "99999999", "-1", "", "1.0"])
def test_a_wrong_offset_changes_nothing(rig: Rig, offset: str) -> None:
    photo = make_photo()
    url = rig.mine.begin(photo, photo[:10])
    before = rig.world.rows()
    answer = rig.mine.patch(url, 0, photo[10:], Upload_Offset=offset)
    assert (answer.status_code, code_of(answer)) in {(409, "offset-conflict"), (400, "offset-invalid")}
    assert rig.world.grown(before) == {}
    assert rig.mine.patch(url, 10, photo[10:]).status_code == 204


def test_bytes_that_end_wrong_end_the_upload_and_stay_wanted(rig: Rig) -> None:
    photo, before = make_photo(), rig.world.rows()
    url = rig.mine.begin(photo, photo[:10])
    answer = rig.mine.patch(url, 10, photo[10:-1] + b"x")
    assert (answer.status_code, code_of(answer)) == (460, "digest-mismatch")
    assert rig.mine.missing(digest(photo)) == [digest(photo)]
    assert rig.world.grown(before) == {}


def test_an_upload_of_another_phone_is_not_there(rig: Rig) -> None:
    photo = make_photo()
    url = rig.theirs.begin(photo, photo[:10])
    for answer in (rig.mine.patch(url, 10, photo[10:]), rig.mine.delete(url)):
        assert (answer.status_code, code_of(answer)) == (404, "upload-unknown")
    assert rig.mine.head(url).status_code == 404
    assert rig.theirs.offset(url) == 10


def test_what_another_shop_holds_is_neither_told_nor_taken_over(rig: Rig) -> None:
    photo, stranger = make_photo(), TusPhone(rig.world.stranger)
    stranger.begin(photo, photo)
    assert rig.mine.missing(digest(photo)) == [digest(photo)]
    assert rig.mine.head(f"{BLOBS}/{digest(photo)}").status_code == 404
    assert rig.mine.create(photo).headers["Upload-Offset"] == "0", "to have it, one must have its bytes"


def test_a_path_for_a_file_name_names_no_file(rig: Rig) -> None:
    photo, before = make_photo(), rig.world.rows()
    assert rig.named(photo, "../../../../etc/cron.d/x").status_code == 201
    assert rig.world.grown(before) == {"blobs": 1, "files": 1}
    held = rig.world.client.post(BLOBS, headers={"Content-Type": STREAM})
    assert code_of(held) == "token-unknown"
