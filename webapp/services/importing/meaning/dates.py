"""Which comes first, the day or the month: decided once for a whole file, never guessed for a row.

Evidence, strongest first: a number above 12 where only a day can be; a choice the person made; times of one
order that would run backwards, or dates that lie in the future, under one reading and not under the other.
A file whose every date reads the same either way (05/05) needs no decision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sync.protocol.problems import Problem
from webapp.services.importing.meaning.rejections import shown
from webapp.services.importing.meaning.values import Unreadable

Order = Literal["dmy", "mdy", "ymd"]
CHOICES: tuple[Order, ...] = ("dmy", "mdy")

_SLASHED = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?"
)
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")
# A later time of an order cannot lie before an earlier one. Paid Time is left out: cash is paid at the door.
_RISING = (
    ("created_at", "rts_at"),
    ("created_at", "shipped_at"),
    ("created_at", "delivered_at"),
    ("created_at", "cancelled_at"),
    ("rts_at", "shipped_at"),
    ("shipped_at", "delivered_at"),
)
_YEARS = range(2015, 2101)
_SLACK = timedelta(days=1)  # clocks of two systems, and the zone of the one who exported


@dataclass(frozen=True, slots=True)
class Parts:
    """A written date before anybody knows what its first two numbers are."""

    first: int
    second: int
    year: int
    hour: int
    minute: int
    second_of_minute: int

    def rank(self, order: Order) -> tuple[int, ...]:
        """A key that sorts like the times do under one reading, without making them."""
        month, day = (self.second, self.first) if order == "dmy" else (self.first, self.second)
        return (self.year, month, day, self.hour, self.minute, self.second_of_minute)

    def as_time(self, order: Order) -> datetime | None:
        """The local time under one reading, None when there is no such day."""
        month, day = (self.second, self.first) if order == "dmy" else (self.first, self.second)
        try:
            return datetime(  # noqa: DTZ001 (the file's times have no zone; rows give them one)
                self.year, month, day, self.hour, self.minute, self.second_of_minute
            )
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Seen:
    """A written date and where it stood."""

    row: int
    text: str


def split(text: str) -> Parts | None:
    """The numbers of `DD/MM/YYYY HH:MM:SS` or `MM/DD/YYYY …` (seconds optional, AM/PM understood)."""
    match = _SLASHED.fullmatch(text)
    if match is None:
        return None
    first, _, second, year, hour, minute, seconds, half = match.groups()
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "pP" else 0)
    return Parts(int(first), int(second), int(year), hours, int(minute), int(seconds or 0))


def iso(text: str) -> datetime | None:
    """A time that begins with the year, which only has one reading."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, seconds = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, seconds)  # noqa: DTZ001 (see above)
    except ValueError:
        return None


class DateJudge:
    """Sees every date of a file once, in a few numbers of memory, then says how to read them."""

    def __init__(self, now_local: datetime) -> None:
        self._latest = now_local.replace(tzinfo=None) + _SLACK
        self._sure: dict[Order, Seen] = {}
        self._open: Seen | None = None
        self._against: dict[Order, int] = {"dmy": 0, "mdy": 0}
        self._converted: Seen | None = None
        self._converted_past_12 = False
        self._written: Seen | None = None
        self._newest: dict[Order, tuple[int, ...]] = {}

    def feed(self, row: int, cells: Mapping[str, str | datetime]) -> None:
        """One row's dates by field, empty ones left out."""
        parts: dict[str, Parts] = {}
        for field, cell in cells.items():
            if isinstance(cell, datetime):
                self._feed_converted(row, cell)
            elif (split_up := split(cell)) is not None:
                self._feed_parts(row, cell, split_up)
                parts[field] = split_up
            elif (time := iso(cell)) is not None:
                self._sure.setdefault("ymd", Seen(row, cell))
                self._written = self._written or Seen(row, cell)
                self._note_newest("ymd", time.timetuple()[:6])
        if parts and not {"dmy", "mdy"} & self._sure.keys():
            self._weigh(parts)

    def _feed_converted(self, row: int, cell: datetime) -> None:
        self._converted = self._converted or Seen(row, cell.isoformat(sep=" "))
        self._converted_past_12 = self._converted_past_12 or cell.day > 12
        for order in CHOICES:
            self._note_newest(order, cell.timetuple()[:6])

    def _feed_parts(self, row: int, text: str, parts: Parts) -> None:
        fits: list[Order] = [order for order in CHOICES if parts.as_time(order) is not None]
        if not fits:
            return  # no day at all: the row is refused when it is read
        if self._written is None:
            self._written = Seen(row, text)
        if len(fits) == 1:
            self._sure.setdefault(fits[0], Seen(row, text))
        elif self._open is None and parts.first != parts.second:
            self._open = Seen(row, text)
        for order in fits:
            self._note_newest(order, parts.rank(order))

    def _note_newest(self, order: Order, rank: tuple[int, ...]) -> None:
        held = self._newest.get(order)
        if rank[0] in _YEARS and (held is None or rank > held):
            self._newest[order] = rank

    def _weigh(self, parts: Mapping[str, Parts]) -> None:
        for order in CHOICES:
            times = {
                field: time for field, cell in parts.items() if (time := cell.as_time(order)) is not None
            }
            if any(time > self._latest for time in times.values()) or any(
                early in times and late in times and times[early] > times[late] + _SLACK
                for early, late in _RISING
            ):
                self._against[order] += 1

    def decide(self, chosen: Order | None = None) -> Order:
        """The file's order. Problem import-dates: mixed, changed by a spreadsheet, or to be asked.

        The problem that asks has a member `ask` with the two readings; no other has one.
        """
        self._refuse_converted()
        if len(self._sure) > 1:
            (a, one), (b, other) = list(self._sure.items())[:2]
            raise Problem(
                "import-dates",
                f"The file mixes ways to write a date: row {one.row} has “{shown(one.text)}” ({_NAMES[a]}), "
                f"row {other.row} has “{shown(other.text)}” ({_NAMES[b]}). Export it again in one piece.",
            )
        if self._sure:
            return self._agreed(next(iter(self._sure)), chosen)
        if self._open is None:
            return chosen or "dmy"
        return self._by_sense(self._open, chosen)

    def _agreed(self, sure: Order, chosen: Order | None) -> Order:
        if sure == "ymd" and self._open is not None:
            raise Problem(
                "import-dates",
                f"The file mixes ways to write a date: row {self._sure['ymd'].row} begins with the year, "
                f"row {self._open.row} has “{shown(self._open.text)}”. Export it again in one piece.",
            )
        if chosen is not None and sure in CHOICES and sure != chosen:
            seen = self._sure[sure]
            raise Problem(
                "import-dates",
                f"The dates cannot be {_NAMES[chosen]}: row {seen.row} has “{shown(seen.text)}”.",
            )
        return sure

    def _by_sense(self, seen: Seen, chosen: Order | None) -> Order:
        if chosen is not None:
            return chosen
        wrong = [order for order in CHOICES if self._against[order]]
        if len(wrong) == 1:
            return "mdy" if wrong == ["dmy"] else "dmy"
        raise Problem(
            "import-dates",
            f"No row tells whether the day or the month comes first, as in “{shown(seen.text)}” in row {seen.row}. "
            "Say which (--dates dmy or --dates mdy on the command line).",
            ask={"row": seen.row, "text": seen.text},
        )

    def newest(self, order: Order) -> datetime | None:
        """The latest local time of the file, read in this order; None when it has no date at all."""
        rank = self._newest.get(order)
        return None if rank is None else datetime(*rank)  # type: ignore[arg-type]  # noqa: DTZ001

    def _refuse_converted(self) -> None:
        seen = self._converted
        if seen is None:
            return
        if self._written is not None:
            raise Problem(
                "import-dates",
                f"A spreadsheet has changed some of the dates and not others: row {seen.row} has a date cell, "
                f"row {self._written.row} the text “{shown(self._written.text)}”. Export the file again and "
                "import it without opening it in between.",
            )
        if not self._converted_past_12:
            raise Problem(
                "import-dates",
                f"A spreadsheet has made date cells of the dates (row {seen.row}), and none has a day above 12: "
                "day and month may be swapped. Export the file again and import it without opening it in between.",
            )


_NAMES = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


def read_time(cell: str | datetime, order: Order) -> datetime:
    """The local time of a cell, without a zone. Raises Unreadable date_invalid."""
    time = cell.replace(microsecond=0) if isinstance(cell, datetime) else _written(cell, order)
    if time is None or time.year not in _YEARS:
        raise Unreadable("date_invalid", f"“{shown(cell)}” is not a date and time ({_FORMS[order]}).")
    return time


def _written(text: str, order: Order) -> datetime | None:
    parts = split(text)
    if parts is not None and order == "ymd" and parts.first == parts.second:
        return parts.as_time("dmy")
    return parts.as_time(order) if parts is not None and order != "ymd" else iso(text)


_FORMS = {"dmy": "DD/MM/YYYY HH:MM:SS", "mdy": "MM/DD/YYYY HH:MM:SS", "ymd": "YYYY-MM-DD HH:MM:SS"}
