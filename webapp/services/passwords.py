"""Passwords for the office: made up well, judged, and kept only as argon2 hashes."""

from __future__ import annotations

import secrets

from flask_security import hash_password

from sync.protocol.codes import ALPHABET
from sync.protocol.problems import Problem

SHORTEST = (
    8  # the least of OWASP ASVS 5.0 (6.2.1); what is made up here has 16, and guessing is slowed at the door
)
LONGEST = 200
_GROUPS, _GROUP = 4, 4  # 16 characters of 32: 80 bits


def made_up() -> str:
    """A password nobody can guess and everybody can copy by hand: `k7m2-9x4q-…`."""
    letters = ALPHABET.lower()
    groups = ("".join(secrets.choice(letters) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def kept(password: str) -> str:
    """The hash to keep. Problem `field-invalid` (field password) for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Problem("field-invalid", f"A password has {SHORTEST} characters or more.", field="password")
    hashed: str = hash_password(password)
    return hashed
