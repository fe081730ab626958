"""The server's own signing key: made once, kept in a file that only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from filelock import FileLock

from sync.protocol import keys
from sync.protocol.problems import Problem
from webapp.settings import SettingsError


def load_or_make(file: Path) -> EllipticCurvePrivateKey:
    """The key in that file, made and made durable first if there is none. SettingsError if it is no P-256 key."""
    try:
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                _write(file, keys.private_pem(keys.generate_key()))
            return keys.load_private_pem(file.read_text("ascii"))
    except (Problem, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error


def _write(file: Path, pem: str) -> None:
    part = file.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(pem)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
