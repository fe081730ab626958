"""Rescue files made to hurt: bombs, paths, lies about sizes, millions of parts, other people's and the server's own."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from sync.protocol import envelope
from sync.protocol.keys import generate_key
from tests.support import hostile
from tests.support.desk import make_desk_user, picture, signed_in, token
from tests.support.hostile import World
from tests.support.installation import Databases
from tests.support.rescue import digest, flipped, header_of, manifest, rescue_file, rescue_parts, zipped
from tests.unit.phones import proof
from webapp.services.rescuing import archive, contents, limits
from webapp.settings import Settings
from webapp.store.models import Device, Quarantined, RescueFile, RescueItem
from webapp.store.unit import reading

XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases
) -> Iterator[tuple[Flask, Settings]]:
    with hostile.lasting_app(tmp_path_factory.mktemp("hostile"), sqlite_databases) as made:
        yield made


@pytest.fixture
def world(house: tuple[Flask, Settings]) -> World:
    return World(*house)


def send(world: World, data: bytes, name: str = "phone.baton") -> TestResponse:
    office = signed_in(world.app, make_desk_user(world.shop))
    return upload(office, data, name)


def upload(client: FlaskClient, data: bytes, name: str = "phone.baton") -> TestResponse:
    form = {"csrf_token": token(client), "file": (io.BytesIO(data), name)}
    return client.post("/office/rescue", data=form, content_type="multipart/form-data", follow_redirects=True)


def local(name: bytes, data: bytes, method: int = 0, flags: int = 0, **lies: int) -> bytes:
    """One part by hand, with any lie in its header."""
    crc, size = lies.get("crc", zlib.crc32(data)), lies.get("size", len(data))
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 10, flags, method, 0, 33, crc, size, size, len(name), 0)
    return head + name + data


def bomb() -> bytes:
    """A picture of 300 MB in 300 kB."""
    return zipped({f"blobs/{'a' * 64}.jpg": bytes(300 << 20)}, zipfile.ZIP_DEFLATED)


def endless_line() -> bytes:
    return zipped({"events.jws": b"x" * (100 << 20)}, zipfile.ZIP_DEFLATED)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing at all": (lambda: b"", "The file is empty"),
    "no zip": (lambda: b"hello", "Nothing in the file can be read"),
    "a PDF": (lambda: b"%PDF-1.7 x" * 1000, "Nothing in the file can be read"),
    "a zip of something else": (lambda: zipped({"readme.txt": b"x"}), "Nothing in the file can be read"),
    "an empty zip": (lambda: zipped({}), "Nothing in the file can be read"),
    "only a manifest": (
        lambda: zipped({"manifest.json": json.dumps(manifest("x")).encode()}),
        "The file holds neither an event nor a photo",
    ),
    "a path out of the folder": (
        lambda: zipped({"../../etc/cron.d/x": b"x", "/etc/passwd": b"x", "blobs/../../x.jpg": b"x"}),
        "Nothing in the file can be read",
    ),
    "a password": (lambda: local(b"events.jws", b"x" * 50, flags=1), "Nothing in the file can be read"),
    "stored, its length untold": (
        lambda: local(b"events.jws", b"x\n", flags=8, size=0),
        "Nothing in the file can be read",
    ),
    "an unknown packing": (lambda: local(b"events.jws", b"x\n", method=99), "Nothing in the file can be read"),
    "packed wrongly": (lambda: local(b"events.jws", b"\xff" * 50, method=8), "Nothing in the file can be read"),
    "one line of 100 MB": (endless_line, "Nothing in the file can be read"),
    "a name of bytes that are no letters": (
        lambda: local(b"\xff\xfe\x00<b>", b"x"),
        "Nothing in the file can be read",
    ),
    "a million headers": (lambda: b"PK\x03\x04" * 1_000_000, "Nothing in the file can be read"),
}  # fmt: skip


# The test client leaves its own copy of a large body to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_with_nothing_in_it_is_refused_and_nothing_is_kept(world: World, name: str) -> None:
    make, said = REFUSED[name]
    office, data = signed_in(world.app, make_desk_user(world.shop)), make()
    before = world.rows()
    answer = upload(office, data)
    assert answer.status_code == 422
    assert said in answer.text
    assert world.grown(before) == {}
    world.assert_healthy()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bomb_beside_good_work_costs_only_itself(world: World) -> None:
    good = rescue_parts(world.phone.device, [world.phone.seal("collect", world.codes[:1], **proof())])
    data = zipped(good)[: header_end(zipped(good))] + bomb()
    answer = send(world, data)
    assert answer.status_code == 200
    assert "It has more than 10485760 bytes." in answer.text
    assert statuses(world) == {"applied", "refused"}
    world.assert_healthy()


def header_end(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def statuses(world: World) -> set[str]:
    """What became of the items of this shop's files."""
    with reading() as session:
        rows = session.execute(select(RescueItem.status).where(RescueItem.org_id == world.shop))
        return {row.status for row in rows}


def test_more_parts_than_a_phone_writes_end_the_reading(world: World) -> None:
    line = world.phone.seal("collect", world.codes[:1], **proof())
    parts = [local(b"events.jws", line.encode() + b"\n"), *[local(b"x", b"")] * (limits.MAX_MEMBERS + 50)]
    answer = send(world, b"".join(parts))
    assert "more than 5000 parts; the rest was not read" in unquoted(answer)
    assert "applied" in statuses(world)
    world.assert_healthy()


def unquoted(answer: TestResponse) -> str:
    """All pages of a file's troubles would be many: the record has them."""
    with reading() as session:
        items = session.execute(select(RescueItem.detail).where(RescueItem.kind == "trouble")).scalars()
        return answer.text + " ".join(items)


def test_more_lines_than_a_phone_seals_end_the_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_LINES", 7)
    answer = send(world, rescue_file(world.phone.device, ["x"] * 20))
    assert "more than 7 events" in answer.text
    with reading() as session:
        row = session.execute(select(RescueFile).where(RescueFile.org_id == world.shop)).scalar_one()
    assert row.counts["quarantined"] == 7


def test_lengths_that_lie_hide_nothing_and_hold_nobody_up(world: World) -> None:
    photo = picture("a photo", (300, 400))
    name = f"blobs/{digest(photo)}.jpg".encode()
    line = world.phone.seal("collect", world.codes[:1], **proof()).encode() + b"\n"
    data = b"".join(
        [
            local(b"blobs/" + b"b" * 64 + b".jpg", b"x" * 100, size=0xFFFFFFF0),
            local(b"blobs/" + b"c" * 64 + b".png", b"x" * 100, size=3),
            local(b"events.jws", line),
            local(name, photo, size=10),
            local(b"blobs/" + b"d" * 64 + b".jpg", b"", size=0xFFFFFFFF),
        ]
    )
    answer = send(world, data)
    assert answer.status_code == 200
    assert "applied" in statuses(world)
    world.assert_healthy()


def test_a_picture_under_anothers_name_is_refused(world: World) -> None:
    photo, other = picture("one", (300, 400)), picture("another", (300, 400))
    line = world.phone.seal("collect", world.codes[:1], **proof())
    parts = rescue_parts(world.phone.device, [line])
    bad = {
        f"blobs/{digest(photo)}.jpg": other,
        f"blobs/{digest(b'MZ' * 600)}.jpg": b"MZ" * 600,
        f"blobs/{digest(hostile.png(60_000, 60_000))}.png": hostile.png(60_000, 60_000),
        f"blobs/{'A' * 64}.jpg": photo,
    }
    before = world.rows()
    answer = send(world, zipped({**parts, **bad}))
    assert answer.status_code == 200
    grown = world.grown(before)
    assert (grown.get("blobs"), grown.get("files")) == (None, None)
    with reading() as session:
        codes = session.execute(
            select(RescueItem.code).where(RescueItem.org_id == world.shop, RescueItem.status == "refused")
        )
        assert {row.code for row in codes} == {"digest-mismatch", "media-unsupported", "picture-too-large"}


def test_another_clients_names_for_the_parts_are_read_as_well(world: World) -> None:
    one, two, line = (
        picture("1", (300, 400)),
        picture("2", (300, 400)),
        world.phone.seal("collect", world.codes[:1], **proof()),
    )
    parts = {"unsent.jws": f"{line}\n".encode(), f"{digest(one)}.jpeg": one, f"photos/{digest(two)}": two}
    parts["__MACOSX/._unsent.jws"] = b"\0\5\x16\7 Mac OS X"
    before = world.rows()
    assert send(world, zipped(parts)).status_code == 200
    assert statuses(world) == {"applied", "kept", "unread"}, "what a Mac adds is no event"
    assert world.grown(before)["blobs"] == 2


def test_poisoned_names_and_manifests_are_shown_as_words(world: World) -> None:
    parts = rescue_parts(world.phone.device, [world.phone.seal("collect", world.codes[:1], **proof()), XSS])
    told = json.dumps(manifest(XSS, client=XSS, label=XSS, actor=XSS)).encode()
    answer = send(
        world, zipped({**parts, "manifest.json": told, XSS: b"x", f"{XSS}/events.jws": b"x"}), f"{XSS}.baton"
    )
    assert answer.status_code == 200
    assert "<img src=x" not in answer.text
    assert "&lt;img src=x" in answer.text


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"null", b'{"format": 9}', b'{"device": {}}', b'{"device": "x", "device": "y"}', b"\xff" * 99,
     b'{"events": 1e999}', b'{"a":' * 5000, b'"' + b"x" * 70_000],
)  # fmt: skip
def test_a_manifest_is_never_believed_nor_needed(world: World, told: bytes) -> None:
    parts = rescue_parts(world.phone.device, [world.phone.seal("collect", world.codes[:1], **proof())])
    assert send(world, zipped({**parts, "manifest.json": told})).status_code == 200
    assert "applied" in statuses(world)


def test_nobody_speaks_for_another_shops_phone_or_for_the_server(world: World) -> None:
    world.phone.send(world.phone.seal("collect", world.codes[1:2], **proof()))
    office = signed_in(world.app, make_desk_user(world.shop))
    with reading() as session:
        servers = session.execute(select(Device.id).where(Device.kind == "server")).scalars().all()
    own = world.phone.payload("cancel", world.codes[:1])
    lines = [
        world.stranger.seal("collect", world.codes[:1], **proof()),
        *(
            envelope.sign({**own, "device": server, "kind": "resolve"}, generate_key())
            for server in [*servers, "server", ""]
        ),
        envelope.sign({**own, "device": world.phone.device}, world.phone.key),
        envelope.sign({**own, "kind": "collect"}, None),
    ]
    assert upload(office, rescue_file(world.phone.device, lines)).status_code == 200
    assert statuses(world) == {"quarantined"}
    with reading() as session:
        held = session.execute(select(Quarantined).where(Quarantined.org_id == world.shop)).scalars().all()
        theirs = session.execute(select(Quarantined).where(Quarantined.org_id == world.other_shop)).first()
    assert {row.code for row in held} == {
        "device_unknown",
        "kind_unknown",
        "bad_signature",
        "not_this_device",
    }
    assert theirs is None
    world.assert_healthy()


def test_a_file_with_a_byte_changed_anywhere_is_no_error(world: World) -> None:
    photo = picture("a photo", (200, 200))
    line = world.phone.seal("collect", world.codes[:1], **proof())
    data = rescue_file(world.phone.device, [line], [photo])
    office = signed_in(world.app, make_desk_user(world.shop))
    headers = [header_of(data, name) for name in rescue_parts("", [], [photo])]
    for at in [start + offset for start in headers for offset in range(0, 30, 3)]:
        assert upload(office, flipped(data, at)).status_code in {200, 422}, at
    world.assert_healthy()


def test_parts_that_unpack_to_nothing_do_not_have_the_file_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)
    header = local(b"a.jws", b"", method=8, flags=8)
    heads = b"".join(header + b"\x00" + struct.pack("<HH", 300, 300 ^ 0xFFFF) for _ in range(200))
    nothing = b"\x00\x00\x00\xff\xff" * 400_000

    class Counted(io.BytesIO):
        read_of = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.read_of += len(data)
            return data

    file = Counted(heads + nothing)
    for part in archive.parts(file):
        if isinstance(part, archive.Part):
            part.drain()
    assert file.read_of < 6 * len(heads + nothing) + 20 * 65_536
