"""A bad network on the loopback interface: a proxy that is slow, narrow, deaf, or cuts at a bad moment."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any

from tests.support.ports import free_port

CHUNK = 16 * 1024


class Fault(StrEnum):
    """What happens to a connection. A change takes hold at the next bytes, of open connections too."""

    OK = "ok"
    DROP = "drop"  # reset at once, as from a dead server
    STALL = "stall"  # accepted, read, never answered
    CUT_AFTER_ANSWER = "cut after answer"  # the server has done the work; the phone never hears of it


class Proxy:
    """Listens on `url`, forwards to a port of 127.0.0.1. Set its attributes at any time.

    `latency` is seconds added to each direction, `rate` bytes a second in each direction (None: no limit).
    `answers_cut` counts the answers that CUT_AFTER_ANSWER has swallowed; `cut_once()` arms it for one answer.
    `answered` counts the bytes sent to the phone.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.fault = Fault.OK
        self.latency = 0.0
        self.rate: int | None = None
        self.answers_cut = 0
        self.answered = 0
        self._once = False
        self._open: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", self.port))

    def cut_once(self) -> None:
        """Swallow the next answer, then be a good network again."""
        self._once, self.fault = True, Fault.CUT_AFTER_ANSWER

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
        try:
            if self.fault is not Fault.DROP:
                await self._connect(phone, to_phone)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # a broken connection is what this is for; both ends are closed below
        finally:
            self._open.discard(task)
            _reset(to_phone)

    async def _connect(self, phone: asyncio.StreamReader, to_phone: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self.target_port)
        try:
            there = asyncio.create_task(self._pump(phone, to_server, is_answer=False))
            back = asyncio.create_task(self._pump(server, to_phone, is_answer=True))
            done, rest = await asyncio.wait({there, back}, return_when=asyncio.FIRST_EXCEPTION)
            for task in rest:
                task.cancel()
            await asyncio.gather(*done, *rest, return_exceptions=True)
        finally:
            _reset(to_server)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        while data := await source.read(CHUNK):
            await self._misbehave(source, is_answer=is_answer)
            if self.latency:
                await asyncio.sleep(self.latency)
            if self.rate:
                await asyncio.sleep(len(data) / self.rate)
            sink.write(data)
            if is_answer:
                self.answered += len(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    async def _misbehave(self, source: asyncio.StreamReader, *, is_answer: bool) -> None:
        """Stall or cut here, when that is what the network does now."""
        while self.fault is Fault.STALL:
            await asyncio.sleep(0.02)
            if source.at_eof():
                raise ConnectionResetError  # who asked has given up; the request dies with it
        if self.fault is Fault.DROP:
            raise ConnectionResetError
        if is_answer and self.fault is Fault.CUT_AFTER_ANSWER:
            self.answers_cut += 1
            if self._once:
                self._once, self.fault = False, Fault.OK
            raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, not politely, so that the other end cannot take it for a complete answer."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.close()
