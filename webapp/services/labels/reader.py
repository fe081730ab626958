"""Have a file read by a process that is killed when it takes too long, too much, or dies of what is in it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

import structlog

from sync.protocol.problems import Problem
from sync.rules.labels.reading import Symbol, Word

log = structlog.get_logger()

MAX_BYTES = 10 * 1024 * 1024
WITHIN_S: float = 30
CHILD = "webapp.services.labels.child"
# A reader may take a gigabyte: one at a time, and nobody waits for ever behind it.
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What the reader says: the words, the codes, and each page as (JPEG, width, height)."""

    kind: str
    words: tuple[Word, ...]
    symbols: tuple[Symbol, ...]
    pages: tuple[tuple[bytes, int, int], ...]
    more: int
    is_cut: bool


def read_file(data: bytes) -> ReadFile:
    """Problems: `label-too-large`, `label-unreadable`, `media-unsupported`, `picture-…`; `busy` behind another file."""
    if len(data) > MAX_BYTES:
        raise Problem("label-too-large", "A label's file has at most 10 MB.")
    if not _reading.acquire(timeout=WITHIN_S):
        raise Problem("busy", "Another file is being looked at just now. Try again in a minute.")
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            [sys.executable, "-m", CHILD],
            input=data,
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        )
    except subprocess.TimeoutExpired as error:
        raise _unreadable("It took too long") from error
    finally:
        _reading.release()
    if done.returncode != 0:
        log.warning("a label's reader died", returncode=done.returncode, said=done.stderr[-400:])
        raise _unreadable("The reader gave up on it")
    return _answer(done.stdout)


def _answer(out: bytes) -> ReadFile:
    line, _, rest = out.partition(b"\n")
    told: dict[str, Any] = json.loads(line)
    if "problem" in told:
        raise Problem(*told["problem"])
    pages = []
    for width, height in told["pages"]:
        (length,) = struct.unpack(">I", rest[:4])
        pages.append((rest[4 : 4 + length], width, height))
        rest = rest[4 + length :]
    return ReadFile(
        told["kind"],
        tuple(Word(it["text"], it["page"], it["line"], _box(it["box"])) for it in told["words"]),
        tuple(Symbol(it["form"], it["text"], it["page"], _box(it["box"])) for it in told["symbols"]),
        tuple(pages),
        told["more"],
        told["is_cut"],
    )


def _box(box: list[float] | None) -> Any:
    return None if box is None else tuple(box)


def _unreadable(why: str) -> Problem:
    return Problem("label-unreadable", f"{why}. Save the label anew, or send it as a picture.")
