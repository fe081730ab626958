"""Objects as files of a folder: written aside, synced, renamed into place, their folder synced."""

# Strings, not Path: every photo goes through here, and a Path costs as much as the system call it makes.
# ruff: noqa: PTH104, PTH108, PTH116, PTH123

from __future__ import annotations

import errno
import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sync.protocol.problems import Problem
from webapp.store.blobs.port import Missing, Stored
from webapp.store.durable import sync_file, sync_folder

MARK = "installation"  # the file that says whose folder it is

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_KNOWN_AT_MOST = 20_000  # folders remembered as made and synced; uploads under way have one each


class FolderObjects:
    """Objects below `root`. A file has its final name only when its bytes are on the disk.

    Several processes of one machine may share the folder. Files are written in `root/new` (one file system with
    the rest, so that the rename is atomic); what a killed writer leaves there is found by `tidy`.

    With a `mark`, the file `root/installation` has to say the same: a folder without it is that of a disk that is not
    mounted (or of somebody else), and all is `busy` until the right one is there. Without one the folder is made.
    """

    def __init__(self, root: str | Path, mark: str | None = None) -> None:
        self._root = str(Path(root).absolute())
        self._mark = mark
        self._new = f"{self._root}/new"
        self._known: set[str] = set()
        # Asking the system for chance is a call of its own, so it is asked once; a fork is told apart by its number.
        self._own, self._count = secrets.token_hex(12), itertools.count()
        self._is_open = False
        if mark is None:
            self._begin()

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        self._refuse_if_strange()
        target = f"{self._root}/{key}"
        folder = target.rpartition("/")[0]
        aside = self._aside()
        with _as_problem():
            self._make(folder)
            if not _is_there(target, len(data)):
                _write(aside, data, durable=durable)
                self._move(aside, target, folder)
            if durable:
                # Also when it was there: whoever put it may have died before this.
                sync_folder(folder)

    def open(self, key: str) -> BinaryIO:
        self._refuse_if_strange()
        try:
            return open(f"{self._root}/{key}", "rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_if_away()
            raise Missing(key) from error

    def stat(self, key: str) -> Stored | None:
        self._refuse_if_strange()
        try:
            found = os.stat(f"{self._root}/{key}")
        except (FileNotFoundError, NotADirectoryError):
            self._refuse_if_away()
            return None
        return Stored(key, found.st_size, _when(found))

    def delete(self, key: str) -> None:
        self._refuse_if_strange()
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(f"{self._root}/{key}")

    def walk(self, prefix: str) -> Iterator[Stored]:
        self._refuse_if_strange()
        pending = [prefix.rstrip("/")]
        while pending:
            folder = pending.pop()
            # A folder or file may go away while we look: then it is not there.
            with (
                suppress(FileNotFoundError, NotADirectoryError),
                os.scandir(f"{self._root}/{folder}") as entries,
            ):
                for entry in entries:
                    key = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(key)
                        continue
                    with suppress(FileNotFoundError):
                        found = entry.stat(follow_symlinks=False)
                        yield Stored(key, found.st_size, _when(found))

    def tidy(self, before: datetime) -> int:
        count = 0
        for stored in self.walk("new/"):
            if stored.modified_at < before:
                self.delete(stored.key)
                count += 1
        self._drop_empty_folders()
        return count

    def check(self) -> None:
        self._refuse_if_strange()
        with _as_problem():
            probe = self._aside()
            _write(probe, b"baton", durable=False)
            os.unlink(probe)

    def _begin(self) -> None:
        with _as_problem():
            self._make(self._new)
        self._is_open = True

    def _refuse_if_strange(self) -> None:
        """Raise `busy` until the folder has once been seen to be this installation's own."""
        if self._is_open:
            return
        found = read_mark(self._root)
        if found is None:
            raise Problem("busy", "The server’s photo folder is empty; is its disk mounted?")
        if found != self._mark:
            raise Problem("busy", "The server’s photo folder is that of another installation.")
        self._begin()

    def _refuse_if_away(self) -> None:
        """Raise `busy` when the whole folder is away (a disk not mounted): nothing in it is missing then."""
        with _as_problem():
            os.stat(self._new)

    def _aside(self) -> str:
        return f"{self._new}/{self._own}.{os.getpid()}.{next(self._count)}"

    def _move(self, aside: str, target: str, folder: str) -> None:
        try:
            os.rename(aside, target)
        except FileNotFoundError:
            # The folder was empty and a sweep has removed it since we last made it.
            self._known.discard(folder)
            self._make(folder)
            os.rename(aside, target)

    def _make(self, folder: str) -> None:
        if folder in self._known:
            return
        above = folder.rpartition("/")[0] or "/"
        if not Path(folder).is_dir():
            if self._is_open and folder == self._root:
                # What would be kept in a new one is not found again when the old one is back.
                raise FileNotFoundError(errno.ENOENT, "it is not there")
            self._make(above)
            Path(folder).mkdir(exist_ok=True)
        # Again even when another process made it: it may not have come to this.
        sync_folder(above)
        if len(self._known) > _KNOWN_AT_MOST:
            self._known.clear()
        self._known.add(folder)

    def _drop_empty_folders(self) -> None:
        # Only the spool's: each upload has a folder of its own; the others fill again.
        spool = Path(self._root, "spool")
        for org in spool.iterdir() if spool.is_dir() else ():
            for upload in org.iterdir():
                with suppress(OSError):
                    upload.rmdir()
                    self._known.discard(str(upload))


def read_mark(root: str) -> str | None:
    """Whose folder it is; None when nothing says so. Problem `busy`."""
    with _as_problem():
        try:
            return Path(root, MARK).read_text("ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None


def write_mark(root: str, mark: str) -> None:
    """Say in the folder, which is made, whose it is; durable when this returns. Problems `storage-full`, `busy`."""
    with _as_problem():
        Path(root).mkdir(parents=True, exist_ok=True)
        aside = f"{root}/{MARK}.{os.getpid()}"
        _write(aside, f"{mark}\n".encode(), durable=True)
        os.rename(aside, f"{root}/{MARK}")
        sync_folder(root)
        sync_folder(str(Path(root).parent))


def _is_there(target: str, size: int) -> bool:
    try:
        return os.stat(target).st_size == size
    except FileNotFoundError:
        return False


def _write(file: str, data: bytes, *, durable: bool) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if durable:
            sync_file(descriptor)
    except OSError:
        with suppress(OSError):
            os.unlink(file)
        raise
    finally:
        os.close(descriptor)


def _when(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, UTC)


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Problem("storage-full", "The server's disk is full; nothing of this was kept.") from error
        raise Problem("busy", f"The server cannot use its photo folder ({error.strerror}).") from error
