"""How often the claimed tag is found, how often a tag that is not there: over as many frames as asked for."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.evidence import tags
from sync.evidence.pixels import grey_of
from sync.protocol import codes
from webapp import clock
from webapp.cli.bench.evidence import scenes


@dataclass(slots=True)
class Tally:
    """Counts over frames.

    `wrong` are frames said to show their claimed code that do not; `made_up` are readings of a well-formed code that is
    not in the frame at all.
    """

    frames: int = 0
    cases: Counter[str] = field(default_factory=Counter)
    matched: Counter[str] = field(default_factory=Counter)
    with_harm: Counter[str] = field(default_factory=Counter)
    matched_with: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    with_others: int = 0
    wrong: int = 0
    made_up: int = 0
    other_bars: int = 0
    ms: list[float] = field(default_factory=list)
    oddities: list[int] = field(default_factory=list)

    def add(self, number: int, scene: scenes.Scene, read: tags.Readings, ms: float) -> None:
        """Count one frame."""
        self.frames += 1
        self.ms.append(ms)
        self.cases[scene.case] += 1
        self.with_others += bool(scene.inside - {scene.claimed})
        seen = {reading.key: reading for reading in read.found}
        made_up = sum(key not in scene.inside for key in seen if codes.is_code(key))
        self.made_up += made_up
        self.other_bars += sum(not codes.is_code(key) for key in seen)
        is_match = scene.claimed in seen
        is_wrong = is_match and scene.claimed not in scene.inside
        self.wrong += is_wrong
        if (is_wrong or made_up) and len(self.oddities) < 100:
            self.oddities.append(number)
        if scene.claimed not in scene.inside:
            return
        self.matched[scene.case] += is_match
        if is_match:
            self.ways[seen[scene.claimed].way] += 1
        for harm in scene.harms or {"none": 0.0}:
            self.with_harm[harm] += 1
            self.matched_with[harm] += is_match

    @property
    def shown(self) -> int:
        """Frames that do show the claimed tag."""
        return sum(count for case, count in self.cases.items() if case.startswith("claimed"))

    def as_dict(self) -> dict[str, Any]:
        """The figures, rates to four places."""
        ms = sorted(self.ms)
        found = sum(self.matched.values())
        return {
            "frames": self.frames,
            "frames_with_the_claimed_tag": self.shown,
            "frames_with_other_tags": self.with_others,
            "match_rate": _share(found, self.shown),
            "match_rate_without_retries": _share(self.ways["whole"], self.shown),
            "wrong_matches": self.wrong,
            "made_up_codes": self.made_up,
            "by_case": {case: _share(self.matched[case], self.cases[case]) for case in self.matched},
            "by_harm": {
                harm: {
                    "frames": self.with_harm[harm],
                    "match_rate": _share(self.matched_with[harm], self.with_harm[harm]),
                }
                for harm in sorted(self.with_harm)
            },
            "found_by": dict(self.ways.most_common()),
            "ms_median": round(statistics.median(ms), 1),
            "ms_p95": round(ms[int(len(ms) * 0.95)], 1),
            "oddities": self.oddities,
        }


def run(seed: int, frames: int, first: int = 0, progress: Path | None = None) -> Tally:
    """Look at frames `first` to `first + frames`; `progress` is a file that tells how far it is."""
    tally = Tally()
    for number in range(first, first + frames):
        scene = scenes.draw(seed, number)
        started = clock.ticks()
        read = tags.read(grey_of(scene.frame), {scene.claimed})
        tally.add(number, scene, read, (clock.ticks() - started) * 1000)
        if progress is not None and tally.frames % 200 == 0:
            progress.write_text(json.dumps(tally.as_dict(), indent=2))
    return tally


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """The figures in words."""
    yield (
        f"{figures['frames']} frames, {figures['frames_with_the_claimed_tag']} with the claimed tag, "
        f"{figures['frames_with_other_tags']} with others: match rate {figures['match_rate']:.1%} "
        f"({figures['match_rate_without_retries']:.1%} at the first look), wrong matches {figures['wrong_matches']}, "
        f"codes made up {figures['made_up_codes']}; {figures['ms_median']} ms median, {figures['ms_p95']} ms p95."
    )
    for harm, told in figures["by_harm"].items():
        yield f"  with {harm}: {told['match_rate']:.1%} of {told['frames']}"
