"""The thresholds of every check, in one place, each with what chose it, and the words a courier hears.

`docs/evidence/` has the curves behind them, made by `baton bench evidence`. The phone's hints read the same numbers:
`tests/vectors/quality.json` holds both sides to them.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 3  # of the checks as a whole: what was judged by an older one may be judged again
# Sketches (`reuse.likeness`) less alike are of two pictures: of 450 made pictures used again the least had 0.23.
WORTH_A_LOOK = 0.2
# Of a kept picture that was let go only the sketch is left. Of 300 new ones at counters, with 20,000 kept, 39 were
# more alike to one of these than 0.35 and none than 0.7; of 300 used again more than half are beyond 0.8.
SKETCH_ALONE = 0.8


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold: a value must be at least it (`is_least`) or at most. `sentence` is for when it is not."""

    name: str
    threshold: float
    is_least: bool
    sentence: str
    chosen_by: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check's outcome, as it is stored and shown."""

    name: str
    value: float
    threshold: float
    is_least: bool
    holds: bool
    sentence: str

    def as_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "threshold": self.threshold,
            "is_least": self.is_least,
            "holds": self.holds,
            "sentence": self.sentence,
        }


_ROWS = (
    Limit(
        "sharpness",
        90,
        True,
        "The photo is blurred. Hold the phone still and take it again.",
        "variance of the Laplacian in the sharpest ninth at 640 px: below it the letters of a tag cannot be read",
    ),
    Limit(
        "edges",
        1.95,
        True,
        "The photo is blurred. Hold the phone still and take it again.",
        "energy of fine edges over coarse, where softest: a lone edge gives 2.2 when it is sharp, 1.5 two pixels soft",
    ),
    Limit(
        "light",
        38,
        True,
        "The photo is too dark. Use the light, or go where it is brighter.",
        "mean luma, 0 to 255: below it noise covers what is in the picture",
    ),
    Limit(
        "brightness",
        222,
        False,
        "The photo is too bright. Turn away from the light and take it again.",
        "mean luma, 0 to 255: above it the paper of a tag and what is printed on it run together",
    ),
    Limit(
        "glare",
        0.09,
        False,
        "A light shines back from the parcel. Tilt the phone a little and take it again.",
        "share of the picture that the largest burnt-out patch takes",
    ),
    Limit(
        "size",
        480,
        True,
        "The photo is too small to read anything in it. Take it with the app's own camera.",
        "pixels of the short side: at 480 a tag across a third of the picture has six pixels a module",
    ),
    Limit(
        "detail",
        0.1,
        True,
        "There is nothing in the photo but a surface. Show the parcel with its tag.",
        "share of 8 × 8 fields of the picture that have any edge in them",
    ),
    Limit(
        "likeness",
        0.6,
        False,
        "The same picture was used for another handover. Take a new one of these parcels.",
        "how the three blocks that differ most go together, one picture laid over the other: of two some 0.5 at most",
    ),
    Limit(
        "ink",
        0.002,
        True,
        "Nobody has signed. Let the person who takes the parcels sign with their name.",
        "share of the pad that has ink",
    ),
    Limit(
        "extent",
        0.12,
        True,
        "The signature is only a dot. Let the person sign with their name.",
        "diagonal of the ink in widths of the pad: as the phone refuses less (capture/strokes.js)",
    ),
    Limit(
        "signing time",
        0.15,
        True,
        "The signature was made in a moment, like a tap. Let the person sign with their name.",
        "seconds from the first touch to the last, as the phone signed them",
    ),
)
LIMITS: dict[str, Limit] = {limit.name: limit for limit in _ROWS}


def check(name: str, value: float) -> Check:
    """Hold a value against its limit."""
    limit = LIMITS[name]
    holds = value >= limit.threshold if limit.is_least else value <= limit.threshold
    return Check(
        name, round(value, 4), limit.threshold, limit.is_least, holds, "" if holds else limit.sentence
    )
