"""Ways to edit the parts of a bundle without a key."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from sync.protocol.keys import b64url
from tests.vectors.forgeries.cast import Members

Edit = Callable[[Members], None]


def flipped(data: bytes, at: int) -> bytes:
    """One byte changed, to another of base64url where it was one."""
    old = data[at : at + 1]
    new = b"A" if old != b"A" else b"B"
    return data[:at] + new + data[at + 1 :]


def edited(true: Members, *edits: Edit) -> Members:
    """The members after these edits."""
    held = dict(true)
    for edit in edits:
        edit(held)
    return held


def line(name: str, number: int, change: Callable[[str], str | None]) -> Edit:
    """Change one line of a file of JWS; None takes it out."""

    def edit(held: Members) -> None:
        lines = held[name].decode().splitlines()
        new = change(lines[number])
        lines[number : number + 1] = [new] if new is not None else []
        held[name] = "".join(f"{text}\n" for text in lines).encode()

    return edit


def lines(name: str, change: Callable[[list[str]], list[str]]) -> Edit:
    """Change all lines of a file."""

    def edit(held: Members) -> None:
        held[name] = "".join(f"{text}\n" for text in change(held[name].decode().splitlines())).encode()

    return edit


def document(name: str, change: Callable[[Any], None]) -> Edit:
    """Change a JSON document."""

    def edit(held: Members) -> None:
        value = json.loads(held[name])
        change(value)
        held[name] = json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"

    return edit


def renamed(old: str, new: str) -> Edit:
    """Give a part another name."""

    def edit(held: Members) -> None:
        held[new] = held.pop(old)

    return edit


def part(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """Change one of the three parts of a JWS."""

    def edit(jws: str) -> str:
        parts = jws.split(".")
        parts[number] = change(parts[number])
        return ".".join(parts)

    return edit


def header(**members: Any) -> Callable[[str], str]:
    """Change members of the protected header; None takes one out."""

    def change(text: str) -> str:
        held = json.loads(base64.urlsafe_b64decode(text + "=="))
        held.update(members)
        return b64url(
            json.dumps({k: v for k, v in held.items() if v is not None}, separators=(",", ":")).encode()
        )

    return part(0, change)


def photos(true: Members) -> list[str]:
    """The names of the pictures."""
    return [name for name in true if name.startswith("blobs/")]


def replaced(name: str, data: bytes) -> Edit:
    """Put other bytes into a part, or a new part in."""

    def edit(held: Members) -> None:
        held[name] = data

    return edit


def sha(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
