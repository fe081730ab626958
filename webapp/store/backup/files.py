"""Files of a backup: for their owner alone, on the disk before anything is said, refusals in plain words."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.protocol.problems import Problem
from webapp.store.durable import sync_file, sync_folder

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PIECE = 1024 * 1024


@contextmanager
def private() -> Iterator[None]:
    """Whatever is made meanwhile is for its owner alone: folders 0700, files 0600. For a process of one task."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Say what the disk refuses: Problem `storage-full` when there is no room, else `busy` with its own word."""
    try:
        yield
    except OSError as error:
        where = error.filename or "the disk"
        if error.errno in _FULL:
            raise Problem("storage-full", f"There is no room left for {where}.") from error
        raise Problem("busy", f"{where} cannot be used: {error.strerror or error}.") from error


def make_durable(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk when this returns."""
    if path.is_dir():
        sync_folder(path)
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Put a whole file there at once, or leave what was there."""
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        sync_file(out.fileno())
    part.replace(path)
    sync_folder(path.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file's bytes, for their owner alone."""
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
    ):
        shutil.copyfileobj(read, out, _PIECE)
        out.flush()
        sync_file(out.fileno())
    sync_folder(target.parent)


def digest(path: Path) -> str:
    """A file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
