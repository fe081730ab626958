"""The static files as they are sent: a copy in the data folder with brotli and gzip beside each file.

Compressing takes about a second, so it is done once for each state of the files, at the first start with it;
what is served never changes under a running server, whatever happens to the source folder.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import brotli  # type: ignore[import-not-found, import-untyped, unused-ignore]
from whitenoise.compress import Compressor

KEPT = 2  # states: another process may still serve the one before


class _Quick(Compressor):  # type: ignore[misc]
    """Brotli at a quality that costs a thirtieth of the highest for an eighth more bytes of the decoder."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """The bytes, compressed."""
        packed: bytes = brotli.compress(data, quality=9)
        return packed


def prepared(source: Path, data: Path) -> Path:
    """A folder like `source` with compressed companions; made if it is not there yet. Safe from several processes.

    Raises OSError where it cannot be made.
    """
    folder = data / "static"
    made = folder / _state(source)
    if made.is_dir():
        made.touch()
        return made
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
    try:
        _build(source, building)
        building.rename(made)
    except OSError:
        if not made.is_dir():  # else another process was first
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _drop_old(folder)
    return made


def _build(source: Path, building: Path) -> None:
    shutil.copytree(source, building, dirs_exist_ok=True)
    building.chmod(0o755)
    compressor = _Quick(quiet=True)
    for file in [file for file in building.rglob("*") if file.is_file()]:
        if compressor.should_compress(file.name):
            compressor.compress(str(file))


def _state(source: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(source.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(source)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _drop_old(folder: Path) -> None:
    states = [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    for old in sorted(states, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
