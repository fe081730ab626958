"""The server's disk is full: it says so and when to come again, keeps nothing by halves, and heals with room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.house import House, WirePhone, house_of, refusal
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.tus import BLOBS, digest, make_photo
from tests.unit.phones import blob, proof
from webapp.store import blobs

ROOM = 24 * 1024 * 1024
FULL = (507, "storage-full")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a small disk (a tmpfs on Linux)"
)


class Disk:
    """A small file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for size in (1 << 20, 4096, 1):
                try:
                    while ballast.write(b"\1" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Make room."""
        (self.folder / "ballast").unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    yield made
    subprocess.run(["umount", "--lazy", str(made.folder)], check=True)


@contextmanager
def phone_of(server: Server) -> Iterator[tuple[House, WirePhone]]:
    with house_of(server) as house:
        phone = house.phone(server.start().url)
        yield house, phone
        phone.close()


def seal(house: House, phone: WirePhone, number: int) -> list[str]:
    """A batch of a hundred handovers, each with a note that makes it large."""
    codes = make_parcels(house.org_id, 100, seed=number)
    return [phone.seal("collect", [code], n, note="x" * 1500, **proof()) for n, code in enumerate(codes)]


def send_until_full(phone: WirePhone, batches: list[list[str]]) -> int:
    """Send one after the other until one is refused; gives its place."""
    for place, batch in enumerate(batches):
        answer = phone.post(*batch)
        if answer.status_code != 200:
            assert refusal(answer) == FULL
            return place
    raise AssertionError("there was room for all")


def all_home(house: House, phone: WirePhone, batches: list[list[str]]) -> None:
    """Each event is there once, whatever was refused before."""
    for batch in batches:
        answer = phone.post(*batch)
        assert answer.status_code == 200, answer.text
    told = phone.post().json()
    assert (told["high_seq"], told["missing_seqs"]) == (phone.seq, [])
    assert house.has_once(jws for batch in batches for jws in batch)
    assert house.is_sound()


def test_a_database_without_room_refuses_events_whole_and_takes_them_all_once_there_is(
    disk: Disk, make_server: Callable[..., Server]
) -> None:
    server = make_server(BATON_DATABASE_URL=f"sqlite:///{disk.folder / 'baton.db'}")
    with phone_of(server) as (house, phone):
        batches = [seal(house, phone, number) for number in range(1, 9)]
        photo = make_photo()
        assert phone.post(*batches[0]).status_code == 200
        disk.fill()
        refused = send_until_full(phone, batches[1:])
        assert {house.times_kept(jws) for jws in batches[1:][refused]} == {0}
        # The photo's bytes would have room; what says that they are held has none.
        while (answer := phone.begin(photo, photo)).status_code == 201:
            photo = make_photo()
        assert refusal(answer) == FULL
        assert not house.held(photo)
        assert phone.get("/sync/v1/worklist").status_code == 200, "reading needs no room"
        disk.free()
        all_home(house, phone, batches)
        assert phone.begin(photo, photo).status_code == 201
        assert house.held(photo)


def test_a_photo_folder_without_room_refuses_photos_and_holds_up_no_event(
    disk: Disk, make_server: Callable[..., Server]
) -> None:
    server = make_server(BATON_BLOBS=(disk.folder / "blobs").as_uri())
    with phone_of(server) as (house, phone):
        (code,) = make_parcels(house.org_id, 1)
        whole, cut = make_photo((640, 480)), make_photo((640, 480))
        where = phone.begin(cut, cut[:5000]).headers["Location"]
        disk.fill()
        for _ in range(2):
            assert refusal(phone.begin(whole, whole)) == FULL
            assert refusal(phone.patch(where, 5000, cut[5000:9000])) == FULL
            assert refusal(phone.patch(where, 5000, cut[5000:])) == FULL
        event = phone.seal("pack", [code], blobs=[blob(sha256=digest(whole))])
        told = phone.post(event).json()
        assert [result["status"] for result in told["results"]] == ["applied"]
        assert told["want"] == [digest(whole)]
        assert requests.get(f"{server.url}/readyz", timeout=20).status_code == 503
        disk.free()
        assert list(Path(disk.folder, "blobs", "new").iterdir()) == [], "nothing half lies about"
        assert phone.head(where).headers["Upload-Offset"] == "5000"
        assert phone.patch(where, 5000, cut[5000:]).status_code == 204
        assert phone.begin(whole, whole).status_code == 201
        assert house.held(whole)
        assert house.held(cut)
        assert phone.post().json()["want"] == []
        assert phone.head(f"{BLOBS}/{digest(whole)}").headers["Upload-Offset"] == str(len(whole))


@pytest.mark.chaos
def test_a_data_folder_without_room_keeps_serving_and_heals_by_itself(
    disk: Disk, make_server: Callable[..., Server]
) -> None:
    server = make_server(BATON_DATA=str(disk.folder / "data"))
    server.data = disk.folder / "data"
    with phone_of(server) as (house, phone):
        batches = [seal(house, phone, number) for number in range(1, 9)]
        disk.fill()
        send_until_full(phone, batches)
        photo = make_photo()
        assert refusal(phone.begin(photo, photo)) == FULL
        server.kill()
        server.start()  # also a server that starts on a full disk
        send_until_full(phone, batches)
        disk.free()
        all_home(house, phone, batches)
        assert phone.begin(photo, photo).status_code == 201
        assert house.held(photo)
        assert blobs.current().has(house.org_id, digest(photo))
