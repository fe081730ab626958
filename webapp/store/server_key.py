"""The server's own signing key: made once, kept in a file only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from filelock import FileLock

from sync.protocol import keys
from webapp.settings import SettingsError


def load_or_make(file: Path) -> EllipticCurvePrivateKey:
    """The key in that file, made and made durable first if there is none. SettingsError when it is no P-256 key."""
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            _write(file, keys.new_key())
        key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SettingsError(f"{file} is not a P-256 private key")
    return key


def _write(file: Path, key: EllipticCurvePrivateKey) -> None:
    part = file.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
