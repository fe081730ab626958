"""What a process asks of the system between a request and its answer, by strace: which files were written, and which
of these were not yet synced when a success left.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "trace=write,pwrite64,fsync,fdatasync,rename,mkdir,sendto,recvfrom"
_LINE = re.compile(r"^(\d+) +(.*)$")
# Detached: the answer had reached whoever ended the watching before the call that sent it was over.
_UNFINISHED = re.compile(r" <(?:unfinished|detached) \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_ON_FILE = re.compile(r"^\d+<([^>]*)>")
_ASKS, _SUCCEEDS = re.compile(r'"((?:POST|PATCH) [^ ]+)'), re.compile(r'"HTTP/1\.1 (2\d\d)')


@dataclass(slots=True)
class Exchange:
    """One request that changes something: what was done for it, in order, until its success was sent.

    `synced` are files and folders; `unsynced` those that were written, or had a name put into them, and were not
    synced after that when the answer left. `status` is None as long as there is no success.
    """

    asked: str
    synced: list[str] = field(default_factory=list)
    unsynced: list[str] = field(default_factory=list)
    status: int | None = None


def find_strace() -> str | None:
    """The program, if it is installed."""
    return shutil.which("strace")


@contextmanager
def traced(pid: int, file: Path) -> Iterator[Callable[[], list[Exchange]]]:
    """Watch a process and its threads; call what this gives when the work is done."""
    command = [
        find_strace() or "strace",
        "-f",
        "-y",
        "-s",
        "80",
        "-e",
        CALLS,
        "-o",
        str(file),
        "-p",
        str(pid),
    ]
    watcher = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert watcher.stderr is not None
    said = watcher.stderr.readline()
    try:
        if "attached" not in said:
            raise PermissionError(f"strace cannot watch another process here: {said.strip()}")

        def told() -> list[Exchange]:
            watcher.send_signal(signal.SIGINT)
            watcher.wait(20)
            return list(exchanges(file.read_text(errors="replace")))

        yield told
    finally:
        watcher.kill()
        watcher.wait()
        watcher.stderr.close()


def exchanges(trace: str) -> Iterator[Exchange]:
    """Read a trace in which one request came after the other."""
    now: Exchange | None = None
    for name, given in _ended_calls(trace):
        if name == "recvfrom" and (asks := _ASKS.search(given)):
            now = Exchange(asks[1])
        elif now is None:
            continue
        elif name == "sendto" and (answered := _SUCCEEDS.search(given)):
            now.status = int(answered[1])
            yield now
            now = None
        else:
            _note(now, name, given)


def _ended_calls(trace: str) -> Iterator[tuple[str, str]]:
    """Each call and what it was given, when it had ended: a sync that is still under way is none."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, text = found.groups()
        if _UNFINISHED.search(text):
            begun[thread] = _UNFINISHED.sub("", text)
            if text.startswith("sendto"):
                yield "sendto", text  # an answer leaves when it is begun
            continue
        if resumed := _RESUMED.match(text):
            text = begun.pop(thread, "") + resumed[1]
            if text.startswith("sendto"):
                continue
        call = _CALL.match(text)
        if call and int(call[3]) >= 0:
            yield call[1], call[2]


def _note(now: Exchange, name: str, given: str) -> None:
    if name in {"rename", "mkdir"}:
        path = given.split('"')[-2]
        _is_written(now, path.rpartition("/")[0])
        return
    on_file = _ON_FILE.match(given)
    if on_file is None:
        return
    if name in {"write", "pwrite64"}:
        _is_written(now, on_file[1])
    elif name in {"fsync", "fdatasync"}:
        now.synced.append(on_file[1])
        now.unsynced = [path for path in now.unsynced if path != on_file[1]]


def _is_written(now: Exchange, path: str) -> None:
    # The database and its log, the photos; not the log file, the queue of jobs, a socket.
    if re.search(r"/baton\.db(-wal)?$|/blobs(/|$)", path) and path not in now.unsynced:
        now.unsynced.append(path)
