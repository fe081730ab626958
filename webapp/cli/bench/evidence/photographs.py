"""How well codes are read in somebody's own photographs: `one.jpg` beside `one.txt`, which says what it shows.

As the test sets of code readers have it; folders below the one named count one by one.
"""

from __future__ import annotations

import io
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image

from sync.evidence import examine, redact
from sync.evidence.tags import LONGEST_TEXT
from sync.protocol import codes
from webapp import clock

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(slots=True)
class Tally:
    """Counts over the pictures of one folder.

    `right` show what their text says, `other` show only something else, `unread` nothing. Pictures without a text (or
    with one that no code of ours can have) are `untold`; those in which a code is read are `read_untold`. `left` can
    still be read, by any reader's format, in a copy with its printed text blurred.
    """

    right: int = 0
    other: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    untold: int = 0
    read_untold: int = 0
    left: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Look at one picture as the server looks at a photo that came home."""
        wanted = told_of(path)
        started = clock.ticks()
        data = path.read_bytes()
        seen = examine.examine(data, "photo", [wanted] if wanted else [])
        self.ms.append((clock.ticks() - started) * 1000)
        if seen["verdict"] != "refused" and any(
            symbol.text for symbol in zxingcpp.read_barcodes(_blurred(data, seen["width"], seen["height"]))
        ):
            self.left += 1
        if seen["verdict"] == "refused":
            self.refused[seen["code"]] += 1
            return
        found = {reading["key"]: reading["way"] for reading in seen["readings"]}
        if not wanted:
            self.untold += 1
            self.read_untold += bool(found)
        elif wanted in found:
            self.right += 1
            self.ways[found[wanted]] += 1
            self.complaints.update(check["name"] for check in seen["checks"] if not check["holds"])
        else:
            (self.other if found else self.unread).append(path.name)

    def as_dict(self) -> dict[str, Any]:
        """The figures, with the names of what was not read."""
        told = self.right + len(self.other) + len(self.unread)
        return {
            "pictures": len(self.ms),
            "told": told,
            "right": self.right,
            "share": round(self.right / told, 4) if told else None,
            "at_first_look": self.ways["whole"],
            "found_by": dict(self.ways.most_common()),
            "other": self.other,
            "unread": self.unread,
            "untold": self.untold,
            "read_untold": self.read_untold,
            "read_though_blurred": self.left,
            "refused": dict(self.refused),
            "complaints_where_read": dict(self.complaints.most_common()),
            "ms_median": round(statistics.median(self.ms), 1),
        }


def _blurred(data: bytes, width: int, height: int) -> Image.Image:
    return Image.open(io.BytesIO(redact.redact(data, [], (width, height)))).convert("L")


def told_of(path: Path) -> str | None:
    """The key of what the text file beside a picture says it shows; None without one, or where no tag could say it."""
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return None
    text = beside.read_text("utf-8", errors="replace").strip()
    could_be = 0 < len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable()
    return codes.key_of(text) if could_be else None


def measure(folder: Path) -> dict[str, Any]:
    """A tally for each folder that holds pictures, by its path below the given one."""
    tallies: dict[str, Tally] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            tallies.setdefault(path.parent.relative_to(folder).as_posix(), Tally()).add(path)
    return {name: tally.as_dict() for name, tally in tallies.items()}


def lines(told: dict[str, Any]) -> Iterator[str]:
    """The figures in words."""
    if not told:
        yield "No picture in this folder: it takes JPEG, PNG and WebP, each with a .txt beside it that says its code."
    for name, one in told.items():
        share = "none with a text" if one["share"] is None else f"{one['share']:.1%} of {one['told']} read"
        yield (
            f"{name}: {share} ({one['at_first_look']} at the first look), {len(one['other'])} show only another code, "
            f"{one['read_untold']} of {one['untold']} without a text show one, {one['read_though_blurred']} can be "
            f"read with their text blurred; {one['ms_median']} ms median."
        )
