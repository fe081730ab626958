"""The numbers that no market has of its own, read once from the guide's pack (`packs/guide.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sync.protocol.problems import Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers. Lengths in seconds (`_s`) and metres (`_m`).

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
def load() -> Policy:
    """The guide's numbers."""
    return read((resources.files("sync.rules") / "packs" / "guide.toml").read_text("utf-8"))


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
