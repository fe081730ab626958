"""Photos per second through HTTP (tus, one request each, durable), beside the rate of synced file writes."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from webapp import clock

T = TypeVar("T")

SIZE = 150_000
# A JPEG as far as its header goes: 1024 x 768; what follows is noise, as in a real one.
HEADER = bytes.fromhex("ffd8 ffc0 0011 08 0300 0400 03 011100 021100 031100")


def make_photo() -> bytes:
    """150 kB that no server has seen yet."""
    return HEADER + os.urandom(SIZE - len(HEADER))


def request_of(photo: bytes, host: str, token: str) -> bytes:
    """One creation-with-upload of a whole photo, as it goes over the wire."""
    digest = base64.b64encode(hashlib.sha256(photo).hexdigest().encode()).decode()
    head = (
        "POST /sync/v1/blobs HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {token}",
        "Tus-Resumable: 1.0.0",
        f"Upload-Length: {len(photo)}",
        f"Upload-Metadata: sha256 {digest},type aW1hZ2UvanBlZw==,role cGhvdG8=",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {len(photo)}",
    )
    return "\r\n".join((*head, "", "")).encode() + photo


def files_per_second(folder: Path, count: int, writers: int) -> float:
    """The limit: new files of the same size, each written and synced, by so many threads."""
    photos = [make_photo() for _ in range(count)]
    # Left where they are until all is measured: for a minute a new file costs more where one was removed (ext4).
    inside = tempfile.mkdtemp(dir=folder)

    def write(number: int) -> None:
        descriptor = os.open(f"{inside}/{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, photos[number])
        os.fsync(descriptor)
        os.close(descriptor)

    def write_all(numbers: Iterator[int]) -> None:
        for number in numbers:
            write(number)

    return _rate(range(count), writers, write_all)


def photos_per_second(url: str, token: str, count: int, clients: int) -> float:
    """New photos, each in a request of its own, over so many connections kept open."""
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    requests = [request_of(make_photo(), f"{host}:{port}", token) for _ in range(count)]

    def send_all(left: Iterator[bytes]) -> None:
        with socket.create_connection((host, port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in left:
                connection.sendall(request)
                _expect_created(connection)

    return _rate(requests, clients, send_all)


def measure(
    url: str, token: str, folder: Path, photos: int = 300, clients: int = 8, rounds: int = 5
) -> dict[str, float]:
    """Medians over rounds that alternate, so that a busy machine slows both sides alike; rates per second."""
    photos_per_second(url, token, photos // 4, clients)
    measured = [
        (
            files_per_second(folder, photos, 1),
            photos_per_second(url, token, photos, clients),
            files_per_second(folder, photos, clients),
        )
        for _ in range(rounds)
    ]
    alone, sent, together = (statistics.median(column) for column in zip(*measured, strict=True))
    return {
        "photos": round(sent, 1),
        "files_one_writer": round(alone, 1),
        "files_as_many_writers": round(together, 1),
        "ratio": round(statistics.median(row[1] / row[0] for row in measured), 3),
        "ratio_to_many_writers": round(statistics.median(row[1] / row[2] for row in measured), 3),
        "clients": clients,
        "photo_bytes": SIZE,
    }


def _rate(given: Iterable[T], threads: int, work: Callable[[Iterator[T]], object]) -> float:
    items = list(given)
    left, lock = iter(items), threading.Lock()

    def shared() -> Iterator[T]:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            yield item

    started = clock.ticks()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, shared()) for _ in range(threads)]:
            done.result()
    return len(items) / (clock.ticks() - started)


def _expect_created(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server hung up")
        answer += more
    if not answer.startswith(b"HTTP/1.1 201"):
        raise AssertionError(answer.decode(errors="replace"))
