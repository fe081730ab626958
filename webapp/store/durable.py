"""Bytes and names on the disk itself: what is said to be kept outlives a loss of power."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def sync_file(descriptor: int) -> None:
    """Have an open file's bytes on the disk when this returns."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415

        # There fsync leaves the bytes in the drive's own cache. A network's file system, say, knows no such call.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: str | Path) -> None:
    """Have a folder's names on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
