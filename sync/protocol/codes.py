"""A parcel's internal code: eleven Crockford base32 characters and one check character.

The check is the big-endian base-32 value of the eleven, modulo 37. Only codes whose check is below 32
exist, so that the check character is an ordinary one too. 37 is prime and 32 generates all of its 36
residues, so every wrong character and every swap of two characters is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from sync.protocol.problems import Problem

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
MAX_TRACKING = 64
_BODY = LENGTH - 1
_MODULUS = 37
_BASE32 = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int(text, 32) reads it
_PLAIN = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_FORGIVE = str.maketrans("OIL", "011", " -\t\r\n")
_SPACE = re.compile(r"\s+")


class CodeInvalid(Problem):
    """Not an internal code: wrong length, wrong character or wrong check character."""

    def __init__(self, detail: str) -> None:
        super().__init__("code-invalid", detail)


def normalise(text: str) -> str:
    """The code as stored, from what somebody typed or scanned; raises `CodeInvalid`.

    Forgives case, spaces and hyphens, O for 0, I and L for 1. Nothing outside ASCII: `ſ` is not an S.
    """
    code = text if _PLAIN.fullmatch(text) else text.upper().translate(_FORGIVE)
    if not text.isascii() or len(code) != LENGTH:
        raise CodeInvalid(f"A code has {LENGTH} characters, digits and capitals")
    if not _PLAIN.fullmatch(code):
        raise CodeInvalid("A code has only digits and capitals without I, L, O and U")
    if int(code[:_BODY].translate(_BASE32), 32) % _MODULUS != int(code[_BODY:].translate(_BASE32), 32):
        raise CodeInvalid("The check character does not fit: one character is wrong, or two are swapped")
    return code


def is_code(text: str) -> bool:
    """Whether `normalise` would take it."""
    try:
        normalise(text)
    except CodeInvalid:
        return False
    return True


def pretty(code: str) -> str:
    """As printed: `XXXX-XXXX-XXXX`."""
    code = normalise(code)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def new_code(draw: Callable[[int], int]) -> str:
    """A fresh code; `draw(n)` gives an unguessable integer in 0..n-1 (`secrets.randbelow`)."""
    while True:
        code = _with_check(draw(32**_BODY))
        if code is not None:
            return code


def derived_code(text: str) -> str:
    """The code given to a parcel that nobody imported and that was read by its tracking number.

    The same text always gives the same code, so two phones that scan it meet in one parcel.
    """
    for round_ in range(1000):
        digest = hashlib.sha256(f"baton-parcel/{round_}/{text}".encode()).digest()
        code = _with_check(int.from_bytes(digest[:8], "big") % 32**_BODY)
        if code is not None:
            return code
    raise AssertionError("unreachable: each round fails with a chance of 5/37")  # pragma: no cover


def tracking_key(text: str) -> str:
    """A tracking number as stored and compared: upper case, without white space, 64 characters at most."""
    return _SPACE.sub("", text).upper()[:MAX_TRACKING]


def key_of(text: str) -> str:
    """One spelling for what may be an internal code or a carrier's number: how codes in photos are compared."""
    try:
        return normalise(text)
    except CodeInvalid:
        return tracking_key(text)


def _with_check(body: int) -> str | None:
    check = body % _MODULUS
    if check >= 32:
        return None
    chars = [ALPHABET[check]]
    for _ in range(_BODY):
        body, value = divmod(body, 32)
        chars.append(ALPHABET[value])
    return "".join(reversed(chars))
