"""After an outage every phone comes at the same second: all are drained, and nobody is told anything but `busy`."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import pytest

from sync.protocol.times import format_time
from tests.support.house import WirePhone, house_of
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.tus import BLOBS, STREAM, digest, make_photo, metadata
from tests.unit.phones import blob, proof
from webapp import clock

SEED = 500
EVENTS = 20
MEMORY_MB = 250  # more than it had before the rush


@dataclass(slots=True)
class Rush:
    """What the phones were told: how often each status, and when the last one was done."""

    answers: Counter[int] = field(default_factory=Counter)
    unwell: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Caller:
    """One phone's requests over connections of its own, without a library: hundreds are in one process."""

    def __init__(self, phone: WirePhone, port: int, rush: Rush, draw: random.Random) -> None:
        self.phone, self.port, self.rush, self.draw = phone, port, rush, draw

    async def until_taken(self, head: str, body: bytes) -> bytes:
        """Send until it is taken, waiting as the answer says; gives the answer's body."""
        for turn in itertools.count():
            try:
                status, headers, told = await asyncio.wait_for(self._once(head, body), 60)
            except OSError:  # nobody listens (yet)
                await asyncio.sleep(self.draw.uniform(0, min(2.0 * 2**turn, 10.0)))
                continue
            self.rush.answers[status] += 1
            if status < 300:
                return told
            if status != 503 or "retry-after" not in headers:
                self.rush.unwell.append(f"{status} {told[:300]!r}")
                return b"{}"
            wait = float(headers["retry-after"])
            await asyncio.sleep(wait + self.draw.uniform(0, wait))
        raise AssertionError

    async def _once(self, head: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            usual = f"Host: baton\r\nAuthorization: {self.phone.session.headers['Authorization']!s}\r\n"
            tail = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(f"{head}{usual}{tail}".encode() + body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        top, _, told = answer.partition(b"\r\n\r\n")
        lines = top.decode().split("\r\n")
        if len(lines[0].split()) < 2:
            raise ConnectionResetError("no answer")
        named = (line.partition(": ") for line in lines[1:])
        return int(lines[0].split()[1]), {name.lower(): value for name, _, value in named}, told

    async def come_home(self, photo: bytes) -> None:
        """Send the batch, then the photo."""
        batch = {
            "sent_at": format_time(clock.now()),
            "events": self.phone.sealed,
            "queue": {"unsent": EVENTS},
        }
        head = "POST /sync/v1/events HTTP/1.1\r\nContent-Type: application/json\r\n"
        told = json.loads(await self.until_taken(head, json.dumps(batch).encode()))
        if told.get("high_seq") != EVENTS or digest(photo) not in told["want"]:
            self.rush.unwell.append(f"not all taken: {str(told)[:300]}")
        said = metadata(sha256=digest(photo), type="image/jpeg", role="photo")
        upload = f"Tus-Resumable: 1.0.0\r\nUpload-Length: {len(photo)}\r\nUpload-Metadata: {said}\r\n"
        await self.until_taken(f"POST {BLOBS} HTTP/1.1\r\nContent-Type: {STREAM}\r\n{upload}", photo)


@contextmanager
def weighed(pid: int) -> Iterator[list[float]]:
    """How many MB a process had at most, from now on (the first is now)."""
    process, is_over = psutil.Process(pid), threading.Event()
    seen = [process.memory_info().rss / 1e6]

    def look() -> None:
        while not is_over.wait(0.05):
            seen[1:] = [max(*seen, process.memory_info().rss / 1e6)]

    thread = threading.Thread(target=look)
    thread.start()
    yield seen
    is_over.set()
    thread.join()


async def rush_in(callers: list[Caller], photos: list[bytes]) -> float:
    """All at the same moment; gives how long it took."""
    began = time.monotonic()
    await asyncio.gather(*(c.come_home(p) for c, p in zip(callers, photos, strict=True)))
    return time.monotonic() - began


@pytest.mark.parametrize(
    "count",
    [60, pytest.param(500, marks=[pytest.mark.chaos, pytest.mark.timeout(600)])],
)
def test_all_phones_at_the_same_second_after_an_outage_are_drained(
    make_server: Callable[..., Server], count: int
) -> None:
    server = make_server(BATON_RATE_LIMITS="true")
    rush = Rush()
    with house_of(server) as house:
        phones = [house.phone(server.url) for _ in range(count)]
        codes = iter(make_parcels(house.org_id, EVENTS * count))
        photos = [make_photo((200, 150)) for _ in phones]
        for phone, photo in zip(phones, photos, strict=True):
            first, *rest = itertools.islice(codes, EVENTS)
            phone.seal("pack", [first], blobs=[blob(sha256=digest(photo))])
            for minute, code in enumerate(rest, start=1):
                phone.seal("collect", [code], minute, **proof())
        server.start()
        server.kill()  # the outage
        callers = [Caller(p, server.port, rush, random.Random(SEED + n)) for n, p in enumerate(phones)]
        waiting = threading.Thread(
            target=lambda: setattr(rush, "seconds", asyncio.run(rush_in(callers, photos)))
        )
        server.start()
        assert server.process
        with weighed(server.process.pid) as megabytes:
            waiting.start()
            waiting.join(400)
            assert not waiting.is_alive(), "some are never drained"
        total = count * EVENTS
        print(
            f"\n{count} phones, {total} events, {count} photos: drained in {rush.seconds:.1f} s"
            f" ({total / rush.seconds:.0f} events/s), answers {dict(rush.answers)},"
            f" memory {megabytes[0]:.0f} to {megabytes[-1]:.0f} MB"
        )
        assert rush.unwell == []
        assert set(rush.answers) <= {200, 201, 503}
        assert house.has_once(jws for phone in phones for jws in phone.sealed)
        assert all(house.held(photo) for photo in photos)
        assert house.is_sound()
        assert megabytes[-1] - megabytes[0] < MEMORY_MB
        for phone in phones:
            phone.close()
