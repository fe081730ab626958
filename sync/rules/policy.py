"""The rule packs: what differs from market to market, read once from `packs/*.toml`.

This is the only read of a file in `sync`; the packs are part of the package.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sync.protocol.problems import Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of one pack. Lengths in seconds (`_s`) and metres (`_m`).

    `photo` says for each kind whether a photo is due per parcel (`each`) or per handover (`batch`).
    """

    name: str
    version: str
    undo_within_s: int
    attempt_limit: int
    attempt_outcome: str
    clock_skew_s: int
    offline_gap_s: int
    place_far_m: int
    photo: Mapping[str, str]


@cache
def load(name: str = "guide") -> Policy:
    """The pack of that name; raises `rules-invalid` when there is none or a number is missing."""
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise Problem("rules-invalid", f"{name!r} is no name of a rule pack")
    file = resources.files("sync.rules") / "packs" / f"{name}.toml"
    try:
        return read(file.read_text("utf-8"))
    except FileNotFoundError:
        raise Problem("rules-invalid", f"There is no rule pack {name}") from None


def read(text: str) -> Policy:
    """A pack from its TOML text; raises `rules-invalid`."""
    try:
        pack = tomllib.loads(text)
        policy = Policy(
            name=str(pack["name"]),
            version=str(pack["version"]),
            undo_within_s=int(pack["undo"]["within_s"]),
            attempt_limit=int(pack["attempts"]["limit"]),
            attempt_outcome=str(pack["attempts"]["outcome"]),
            clock_skew_s=int(pack["clock"]["skew_s"]),
            offline_gap_s=int(pack["clock"]["offline_gap_s"]),
            place_far_m=int(pack["place"]["far_m"]),
            photo={str(kind): str(per) for kind, per in pack["photo"].items()},
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Problem("rules-invalid", f"The rule pack cannot be read: {error!r}") from error
    if policy.attempt_outcome not in ("lost", "returning") or policy.attempt_limit < 1:
        raise Problem("rules-invalid", "attempts.outcome is lost or returning, attempts.limit at least 1")
    return policy
