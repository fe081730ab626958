"""The database is locked or gone, the photo store is gone: the server says `busy` and heals without a restart."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.support.house import House, WirePhone, house_of, refusal
from tests.support.postgres import DURABLE, Postgres
from tests.support.s3 import S3
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.tus import make_photo
from tests.unit.phones import proof

BUSY = (503, "busy")


def until_taken(ask: Callable[[], requests.Response], within: float = 20) -> requests.Response:
    """Ask again, as a phone does, until it is taken; every refusal on the way has to be `busy`."""
    end = time.monotonic() + within
    while (answer := ask()).status_code >= 400:
        assert refusal(answer) == BUSY
        assert time.monotonic() < end, "it does not heal"
        time.sleep(0.2)
    return answer


def sealed(house: House, phone: WirePhone, count: int, seed: int = 1) -> list[str]:
    return [phone.seal("collect", [code], **proof()) for code in make_parcels(house.org_id, count, seed)]


def test_a_locked_database_is_busy_for_writers_and_open_for_readers(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    with house_of(server) as house:
        phone = house.phone(server.start().url)
        events, photo = sealed(house, phone, 3), make_photo()
        other = sqlite3.connect(server.data / "baton.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert refusal(phone.post(*events)) == BUSY
        assert time.monotonic() - began < 30, "a phone's thread is not held for ever"
        assert refusal(phone.begin(photo, photo)) == BUSY
        assert phone.get("/sync/v1/worklist").status_code == 200
        other.execute("ROLLBACK")
        other.close()
        assert phone.post(*events).status_code == phone.begin(photo, photo).status_code - 1 == 200
        assert [house.times_kept(jws) for jws in events] == [1, 1, 1]
        assert house.held(photo)
        assert house.is_sound()
        phone.close()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that may be killed."""
    server = Postgres(DURABLE)
    yield server
    server.stop()


@pytest.mark.chaos
def test_a_postgresql_that_dies_under_load_and_returns_is_busy_meanwhile(
    own_postgres: Postgres, make_server: Callable[..., Server]
) -> None:
    server = make_server(BATON_DATABASE_URL=own_postgres.url(own_postgres.new_database()))
    with house_of(server) as house:
        url, events = server.start().url, list[str]()
        phones = [house.phone(url) for _ in range(6)]
        for number, phone in enumerate(phones, start=1):
            events += sealed(house, phone, 60, number)
        photos = {phone.device: make_photo() for phone in phones}
        told: Counter[tuple[int, str]] = Counter()
        is_over = threading.Event()

        def work(phone: WirePhone) -> None:
            queue = list(phone.sealed)
            while queue or not is_over.is_set():
                answer = phone.post(*queue[:2])
                if answer.status_code == 200:
                    del queue[:2]
                else:
                    told[refusal(answer)] += 1
                    time.sleep(0.1)
            until_taken(lambda: phone.begin(photos[phone.device], photos[phone.device]))

        threads = [threading.Thread(target=work, args=(phone,)) for phone in phones]
        for thread in threads:
            thread.start()
        for _ in range(2):
            time.sleep(0.7)
            own_postgres.crash()
            time.sleep(1.5)
            assert requests.get(f"{url}/readyz", timeout=30).json()["database"] is False
            assert refusal(phones[0].get("/sync/v1/worklist")) == BUSY
            assert refusal(phones[0].get("/sync/v1/hello")) == BUSY
            own_postgres.start()
        is_over.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a phone's work does not come home"
        assert set(told) == {BUSY}
        assert house.has_once(events)
        assert all(house.held(photo) for photo in photos.values())
        assert house.is_sound()
        assert requests.get(f"{url}/readyz", timeout=30).status_code == 200
        for phone in phones:
            phone.close()


def test_a_photo_folder_that_is_gone_is_busy_and_all_is_as_before_when_it_returns(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server(BATON_BLOBS=(tmp_path / "mounted" / "blobs").as_uri())
    (tmp_path / "mounted").mkdir()
    with house_of(server) as house:
        phone = house.phone(server.start().url)
        held, cut, fresh = make_photo(), make_photo((640, 480)), make_photo()
        assert phone.begin(held, held).status_code == 201
        where = phone.begin(cut, cut[:5000]).headers["Location"]
        (tmp_path / "mounted").rename(tmp_path / "away")
        (tmp_path / "mounted").mkdir()  # as an empty mount point
        assert refusal(phone.begin(fresh, fresh)) == BUSY
        assert refusal(phone.begin(fresh, fresh[:100])) == BUSY
        assert refusal(phone.patch(where, 5000, cut[5000:])) == BUSY
        events = sealed(house, phone, 2)
        assert phone.post(*events).status_code == 200, "no event waits for a photo folder"
        assert requests.get(f"{server.url}/readyz", timeout=20).json()["blobs"] is False
        assert list((tmp_path / "mounted").iterdir()) == [], "nothing may be kept where it will not be found"
        (tmp_path / "mounted").rmdir()
        (tmp_path / "away").rename(tmp_path / "mounted")
        assert phone.head(where).headers["Upload-Offset"] == "5000", "what had come is not sent again"
        assert phone.patch(where, 5000, cut[5000:]).status_code == 204
        assert phone.begin(fresh, fresh).status_code == 201
        assert house.held(held)
        assert house.held(cut)
        assert house.held(fresh)
        phone.close()


def test_a_server_started_before_its_photo_disk_is_mounted_keeps_nothing_in_the_mount_point(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    mount, disk = tmp_path / "mounted", tmp_path / "disk"
    server = make_server(BATON_BLOBS=mount.as_uri())
    with house_of(server) as house:
        phone = house.phone(server.start().url)
        held, fresh = make_photo(), make_photo()
        assert phone.begin(held, held).status_code == 201
        server.stop()
        mount.rename(disk)
        mount.mkdir()
        server.start()
        assert requests.get(f"{server.url}/readyz", timeout=20).json()["blobs"] is False
        assert refusal(phone.begin(fresh, fresh)) == BUSY
        assert refusal(phone.begin(fresh, fresh[:100])) == BUSY
        assert phone.post(*sealed(house, phone, 2)).status_code == 200, "no event waits for a photo folder"
        assert list(mount.iterdir()) == [], "nothing may be kept where it will not be found"
        mount.rmdir()
        disk.rename(mount)
        assert phone.begin(fresh, fresh).status_code == 201
        assert house.held(held)
        assert house.held(fresh)
        assert requests.get(f"{server.url}/readyz", timeout=20).status_code == 200
        phone.close()


@pytest.mark.chaos
def test_an_s3_store_that_stops_and_returns_is_busy_meanwhile(
    make_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3()
    for name, value in store.environ.items():
        monkeypatch.setenv(name, value)
    server = make_server(BATON_BLOBS=f"s3://{store.bucket}/away", **store.environ)
    try:
        with house_of(server) as house:
            phone = house.phone(server.start().url)
            held, cut, fresh = make_photo(), make_photo((640, 480)), make_photo()
            until_taken(lambda: phone.begin(held, held))
            where = phone.begin(cut, cut[:5000]).headers["Location"]
            store.kill()
            began = time.monotonic()
            assert refusal(phone.begin(fresh, fresh)) == BUSY
            assert refusal(phone.patch(where, 5000, cut[5000:])) == BUSY
            assert time.monotonic() - began < 40
            events = sealed(house, phone, 2)
            assert phone.post(*events).status_code == 200, "no event waits for a photo store"
            store.start()
            until_taken(lambda: phone.begin(fresh, fresh), within=60)
            assert phone.head(where).headers["Upload-Offset"] == "5000"
            until_taken(lambda: phone.patch(where, 5000, cut[5000:]))
            assert house.held(held)
            assert house.held(cut)
            assert house.held(fresh)
            phone.close()
    finally:
        server.kill()
        store.stop()
