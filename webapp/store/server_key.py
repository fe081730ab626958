"""The server's own signing key: made once, kept in a file that only its owner may read."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.protocol import keys
from sync.protocol.problems import Problem
from webapp.settings import SettingsError, kept


def load_or_make(file: Path) -> EllipticCurvePrivateKey:
    """The key in that file, made and made durable first if there is none. SettingsError if it is no P-256 key."""
    try:
        return keys.load_private_pem(kept(file, lambda: keys.private_pem(keys.generate_key())))
    except (Problem, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error
