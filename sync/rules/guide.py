"""What the seller's guide says, rule by rule (`R1` to `R33`): its own words, and what is done here about each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class GuideRule:
    """One rule: `says` quotes the guide, `does` tells what follows here, `rule` is the deadline it makes, if any."""

    number: str
    says: str
    does: str
    rule: str | None


def _read() -> dict[str, GuideRule]:
    text = (resources.files("sync.rules") / "guide_rules.toml").read_text("utf-8")
    return {
        number: GuideRule(number, row["says"], row["does"], row.get("rule"))
        for number, row in tomllib.loads(text).items()
    }


RULES: Mapping[str, GuideRule] = _read()
