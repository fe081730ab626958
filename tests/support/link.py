"""A narrow link on the loopback interface: one rate for all connections, a round trip, and cuts from a seed.

Unlike `proxy`, which misbehaves on demand, this is a model of a line: bytes of all connections queue for the same
rate, each way apart; a byte arrives half a round trip after it left; a new connection costs a round trip first. The
queue is short (as a modem's buffer), so a sender feels the rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from tests.support.ports import free_port

PIECE = 1400  # bytes, as a packet
QUEUE_S = 0.25  # how much a direction may have queued before its sender has to wait


@dataclass(frozen=True, slots=True)
class Line:
    """What a line is like: bits a second each way, seconds there and back, and how long a connection lasts.

    `lasts_s` is the mean of how long one stays before it is cut, at any moment alike; None: for ever.
    """

    bits_per_s: int
    round_trip_s: float
    lasts_s: float | None = None


class Direction:
    """One way over the line, shared by all connections."""

    def __init__(self, line: Line) -> None:
        self._rate = line.bits_per_s / 8
        self._delay = line.round_trip_s / 2
        self._free_at = 0.0
        self.carried = 0

    async def carry(self, size: int) -> float:
        """Queue so many bytes; returns when the sender may go on, with the moment at which they arrive."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self._rate
        self.carried += size
        if (ahead := self._free_at - now - QUEUE_S) > 0:
            await asyncio.sleep(ahead)
        return self._free_at + self._delay


class Link:
    """Listens on `url` and forwards to a port of 127.0.0.1 over the line. `up` and `down` count the bytes carried."""

    def __init__(self, target_port: int, line: Line, seed: int = 0) -> None:
        self.line = line
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self.cuts = 0
        self._target_port = target_port
        self._draw = random.Random(seed)
        self._there, self._back = Direction(line), Direction(line)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="narrow link", daemon=True)
        self._thread.start()
        self._open: set[asyncio.Task[None]] = set()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", self.port))

    @property
    def carried(self) -> int:
        """Bytes that went over the line, both ways, those of cut connections too."""
        return self._there.carried + self._back.carried

    def stop(self) -> None:
        """Close everything, also what is still open."""
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _shut(self) -> None:
        self._server.close()
        open_now = list(self._open)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    async def _serve(self, phone: asyncio.StreamReader, to_phone: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        lasts_s = self.line.lasts_s
        cut_after = None if lasts_s is None else self._draw.expovariate(1 / lasts_s)
        try:
            await asyncio.sleep(self.line.round_trip_s)
            async with asyncio.timeout(cut_after):
                await self._forward(phone, to_phone)
        except TimeoutError:
            self.cuts += 1
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # one of both has hung up
        finally:
            self._open.discard(task)
            to_phone.transport.abort()

    async def _forward(self, phone: asyncio.StreamReader, to_phone: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(phone, to_server, self._there))
                both.create_task(_pump(server, to_phone, self._back))
        except* (OSError, EOFError):
            pass
        finally:
            to_server.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Direction) -> None:
    arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def deliver() -> None:
        while True:
            at, data = await arriving.get()
            if (wait := at - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                raise EOFError
            sink.write(data)
            await sink.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await source.read(PIECE):
            arriving.put_nowait((await way.carry(len(data)), data))
        arriving.put_nowait((loop.time() + way._delay, b""))
        await delivering
    finally:
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, EOFError):
            await delivering
