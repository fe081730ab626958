"""The terms of a market: how long after what something is due, each number with its source (`R13` to `R25`).

A market's pack holds only numbers that have a source. A rule that it does not speak of is judged by the pack
`guide`, and a deadline says which pack and number judged it. This and `policy` read files of the package, once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from sync.protocol.problems import Problem
from sync.rules.lifecycle import CLOCK_KINDS, STATUSES

GUIDE = "guide"
CREATED = "created"
# One more whenever `deadlines` judges the same terms otherwise: servers then look again at what is not settled.
_JUDGING = 2
_EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Term:
    """One number of a pack, as `packs/guide.toml` explains it.

    Exactly one of `after` and `working_days` is set; working days end with the last second of a local day.
    `shipping` is tiktok or seller, `orders` standard or preorder: None is all.
    """

    rule: str
    since: str
    unless: str
    number: str
    source: str
    pack: str
    version: str
    guide: str | None = None
    after: timedelta | None = None
    working_days: int | None = None
    cut_off: time | None = None
    only_if: str | None = None
    effect: str | None = None
    reminds: bool = False
    shipping: str | None = None
    orders: str | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """One market's terms and calendar. `terms` are its own; `term_list` adds the guide's where it has none."""

    name: str
    version: str
    zone: ZoneInfo
    country: str | None
    working_week: frozenset[int]
    terms: tuple[Term, ...]

    def is_working_day(self, day: date) -> bool:
        """Whether the market works on that day: in its working week and no public holiday."""
        return day.isoweekday() in self.working_week and not _is_holiday(self.country, day)

    def due(self, term: Term, start: datetime) -> datetime:
        """When what began at `start` is due by this term, in UTC."""
        if term.after is not None:
            return start + term.after
        local = start.astimezone(self.zone)
        left = term.working_days or 0
        day = local.date()
        is_late = term.cut_off is not None and local.time() >= term.cut_off
        if term.cut_off is not None and (is_late or not self.is_working_day(day)):
            left += 1
        while left:
            day += timedelta(days=1)
            left -= self.is_working_day(day)
        last = datetime.combine(day, time(23, 59, 59), self.zone)
        return last.astimezone(UTC)

    def term_list(self, shipping: str | None, *, is_preorder: bool) -> tuple[Term, ...]:
        """The terms that hold for an order shipped so; a rule of which the pack has none that fits is the guide's."""
        own = [term for term in self.terms if _fits(term, shipping, is_preorder)]
        spoken = {term.rule for term in own}
        others = () if self.name == GUIDE else load(GUIDE).term_list(shipping, is_preorder=is_preorder)
        return (*own, *(term for term in others if term.rule not in spoken))


def _fits(term: Term, shipping: str | None, is_preorder: bool) -> bool:
    orders = "preorder" if is_preorder else "standard"
    return term.shipping in (None, shipping) and term.orders in (None, orders)


@cache
def stamp(pack: Pack) -> str:
    """A digest of these terms and the guide's behind them, of zone and working week: another when any changes, or when

    the same terms are judged otherwise than before.
    """
    told: list[object] = [_JUDGING]
    told += [
        (it.name, it.zone.key, it.country, sorted(it.working_week), it.terms) for it in (pack, load(GUIDE))
    ]
    return sha256(repr(told).encode()).hexdigest()


@cache
def _holidays(country: str) -> Any:
    from holidays import country_holidays  # noqa: PLC0415 (a fifth of a second for whom no market asks)

    return country_holidays(country)


@cache
def _is_holiday(country: str | None, day: date) -> bool:
    return country is not None and day in _holidays(country)


@cache
def load(name: str) -> Pack:
    """The pack of a market (`guide`, `MY`, `vn` …); raises `rules-invalid` when there is none or it cannot be read."""
    key = name.lower()
    if key not in names():
        raise Problem("rules-invalid", f"There is no rule pack {name}")
    return read((resources.files("sync.rules") / "packs" / f"{key}.toml").read_text("utf-8"))


def of_market(market: str) -> Pack:
    """The market's pack; the guide's where there is none of that name."""
    return load(market if market.lower() in names() else GUIDE)


def zone_of(market: str, own: str | None = None) -> ZoneInfo:
    """The zone a shop's days are counted and its times are shown in: its own setting, else its market's."""
    return ZoneInfo(own) if own else of_market(market).zone


@cache
def names() -> tuple[str, ...]:
    """All packs there are, the guide first."""
    found = (file.name.removesuffix(".toml") for file in (resources.files("sync.rules") / "packs").iterdir())
    return tuple(sorted(found, key=lambda name: (name != GUIDE, name)))


def read(text: str) -> Pack:
    """A pack from its TOML text; raises `rules-invalid`."""
    try:
        told = tomllib.loads(text)
        name, version = str(told["name"]), str(told["version"])
        return Pack(
            name,
            version,
            ZoneInfo(told["zone"]),
            told.get("country"),
            frozenset(told.get("working_week", _EVERY_DAY)),
            tuple(_term(name, version, row) for row in told.get("term", ())),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Problem("rules-invalid", f"The rule pack cannot be read: {error!r}") from error


def _term(pack: str, version: str, row: Mapping[str, Any]) -> Term:
    lengths = [unit for unit in ("hours", "days", "working_days") if unit in row]
    if len(lengths) != 1:
        raise ValueError(f"a term of {row['rule']} needs one of hours, days, working_days")
    (unit,) = lengths
    count = int(row[unit])
    _known(row["unless"], STATUSES)
    _known(row["since"], (CREATED, *STATUSES))
    _known(row.get("only_if"), (None, *STATUSES))
    _known(row.get("effect"), (None, *CLOCK_KINDS))
    return Term(
        rule=str(row["rule"]),
        since=row["since"],
        unless=row["unless"],
        number=_in_words(unit, count, row),
        source=str(row["source"]),
        pack=pack,
        version=version,
        guide=row.get("guide"),
        after=None if unit == "working_days" else timedelta(**{unit: count}),
        working_days=count if unit == "working_days" else None,
        cut_off=time.fromisoformat(row["cut_off"]) if "cut_off" in row else None,
        only_if=row.get("only_if"),
        effect=row.get("effect"),
        reminds=bool(row.get("reminds", False)),
        shipping=row.get("shipping"),
        orders=row.get("orders"),
    )


def _known(value: object, among: object) -> None:
    if value not in among:  # type: ignore[operator]
        raise ValueError(f"{value!r} is not known here")


def _in_words(unit: str, count: int, row: Mapping[str, Any]) -> str:
    words = unit.replace("_", " ")
    if count == 1:
        words = words.removesuffix("s")
    start = "the order" if row["since"] == CREATED else f"“{row['since'].replace('_', ' ')}”"
    if unit == "working_days" and not count:
        return f"the end of the day of {start}"
    return f"{count} {words} after {start}"
