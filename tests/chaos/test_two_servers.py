"""Two server processes on one PostgreSQL: phones send to either, or the same to both at once; lists lose nothing."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import select

from tests.support.house import House, WirePhone, house_of
from tests.support.installation import Databases
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.tus import make_photo
from tests.unit.phones import proof
from webapp.store.models import Event, Organisation, Parcel
from webapp.store.unit import reading

SEED = 20261122
KINDS = ("pack", "collect", "deliver")


@pytest.fixture
def pair(
    make_server: Callable[..., Server], postgresql_databases: Databases
) -> Iterator[tuple[House, list[Server]]]:
    url = postgresql_databases.migrated()
    first = make_server(BATON_DATABASE_URL=url)
    second = make_server(BATON_DATABASE_URL=url, BATON_DATA=str(first.data))
    second.log.parent.mkdir()
    second.data = first.data
    with house_of(first) as house:
        yield house, [first.start(), second.start()]
        for server in (first, second):
            server.kill()
    postgresql_databases.forget(url)


class Reader:
    """Follows a list by its cursor, over either server, and has what it was told."""

    def __init__(self, phone: WirePhone, draw: random.Random, urls: list[str]) -> None:
        self.phone, self.draw, self.urls = phone, draw, urls
        self.cursor = ""
        self.parcels: dict[str, dict[str, Any]] = {}
        self.pages = self.resets = 0

    def follow(self) -> None:
        """Read until there is no more."""
        while True:
            self.phone.url = self.draw.choice(self.urls)
            answer = self.phone.get(f"/sync/v1/worklist?cursor={self.cursor}")
            assert answer.status_code == 200, answer.text
            told = answer.json()
            if told["reset"]:
                self.parcels.clear()
                self.resets += 1
            self.parcels |= {parcel["code"]: parcel for parcel in told["parcels"]["upserts"]}
            for code in told["parcels"]["removes"]:
                self.parcels.pop(code, None)
            self.cursor = told["cursor"]
            self.pages += 1
            if not told["more"]:
                return


def send(phone: WirePhone, draw: random.Random, urls: list[str], twin: WirePhone) -> list[dict[str, Any]]:
    """Send all in small batches, each to either server; every fourth to both at the same moment."""
    told, queue = [], list(phone.sealed)
    with ThreadPoolExecutor(2) as both:
        while queue:
            size = draw.randint(1, 5)
            batch, queue = queue[:size], queue[size:]
            phone.url, twin.url = draw.sample(urls, 2)
            sending = [both.submit(phone.post, *batch)]
            if draw.random() < 0.25:
                sending.append(both.submit(twin.post, *batch))
            answers = [each.result() for each in sending]
            assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers]
            results = [answer.json()["results"] for answer in answers]
            for one in zip(*results, strict=True):
                firsts = [r for r in one if r["status"] != "duplicate"]
                assert len(firsts) == 1, "one of both was first"
                assert firsts[0]["status"] in {"applied", "recorded"}, firsts
                told.append(firsts[0])
    return told


@pytest.mark.parametrize(
    ("phones", "parcels"),
    [(3, 8), pytest.param(8, 60, marks=[pytest.mark.chaos, pytest.mark.timeout(600)])],
    ids=["short", "long"],
)
def test_two_servers_keep_one_ledger_and_lists_that_lose_no_change(
    pair: tuple[House, list[Server]], phones: int, parcels: int
) -> None:
    house, servers = pair
    urls = [server.url for server in servers]
    print(f"seed {SEED}")
    senders, twins = [], []
    for number in range(1, phones + 1):
        phone = house.phone(urls[0])
        for place, code in enumerate(make_parcels(house.org_id, parcels, seed=number)):
            for minute, kind in enumerate(KINDS[: place % 3 + 1]):  # delivered ones leave the lists
                phone.seal(kind, [code], minute, **proof())
        senders.append(phone)
        twin = WirePhone(urls[1], "", phone.device, phone.actor)
        twin.session.headers["Authorization"] = phone.session.headers["Authorization"]
        twins.append(twin)
    is_over = threading.Event()
    readers = [Reader(house.phone(urls[0]), random.Random(SEED + n), urls) for n in range(2)]

    def read(reader: Reader) -> None:
        while not is_over.is_set():
            reader.follow()
        reader.follow()

    with ThreadPoolExecutor(phones + len(readers)) as pool:
        reading_on = [pool.submit(read, reader) for reader in readers]
        sending = [
            pool.submit(send, phone, random.Random(SEED * n), urls, twin)
            for n, (phone, twin) in enumerate(zip(senders, twins, strict=True), start=1)
        ]
        told = [each.result() for each in sending]
        is_over.set()
        for each in reading_on:
            each.result()

    assert [len(one) for one in told] == [len(phone.sealed) for phone in senders]
    assert house.has_once(jws for phone in senders for jws in phone.sealed)
    assert house.is_sound()
    fresh = Reader(house.phone(urls[0]), random.Random(SEED), urls)
    fresh.follow()
    assert {parcel["status"] for parcel in fresh.parcels.values()} == {"packed", "handed_over"}
    for reader in readers:
        assert reader.pages > 2, "it has not followed"
        assert reader.resets == 1
        assert reader.parcels == fresh.parcels
    for phone in senders:
        answer = phone.post().json()
        assert (answer["high_seq"], answer["missing_seqs"]) == (phone.seq, [])
    _is_drawn_in_order(house)
    for each in [*senders, *twins, fresh.phone, *(reader.phone for reader in readers)]:
        each.close()


def _is_drawn_in_order(house: House) -> None:
    """No parcel has a number beyond the head, and all but the untouched have one of their own batch."""
    with reading() as session:
        head = session.execute(select(Organisation.head).where(Organisation.id == house.org_id)).scalar_one()
        changed = session.execute(select(Parcel.changed).where(Parcel.org_id == house.org_id)).scalars().all()
        events = session.execute(select(Event.id).where(Event.org_id == house.org_id)).scalars().all()
    assert max(changed) <= head
    assert len(events) == len(set(events))


def test_a_photo_begun_on_one_server_is_ended_on_the_other(pair: tuple[House, list[Server]]) -> None:
    house, (first, second) = pair
    phone, photo = house.phone(first.url), make_photo((640, 480))
    where = phone.begin(photo, photo[:5000]).headers["Location"]
    with ThreadPoolExecutor(2) as both:
        phone.url = second.url
        twin = WirePhone(first.url, "", phone.device, phone.actor)
        twin.session.headers["Authorization"] = phone.session.headers["Authorization"]
        answers = list(both.map(lambda one: one.patch(where, 5000, photo[5000:]), (phone, twin)))
    assert {answer.status_code for answer in answers} <= {204, 409}, [a.text for a in answers]
    assert house.held(photo)
    assert requests.head(f"{first.url}/healthz", timeout=20).status_code == 200
    phone.close()
    twin.close()
