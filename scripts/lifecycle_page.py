"""Write docs/guide/lifecycle.md from the rules, so that it is always in step: `python -m scripts.lifecycle_page`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sync.rules import pack as packs
from sync.rules.anomalies import CATALOGUE
from sync.rules.lifecycle import CLOCK_KINDS, OFFICE_KINDS, PHONE_KINDS, STATUSES, TABLE, Step
from tests.support.programs import ROOT

PAGE = ROOT / "docs" / "guide" / "lifecycle.md"
_MEANS = {
    "expected": "imported, not yet confirmed",
    "confirmed": "the seller says it is in stock",
    "packed": "packed, checked, photographed",
    "ready": "labelled, waits for the handover",
    "handed_over": "our proof of the handover exists",
    "in_transit": "the carrier's own first scan, or the marketplace's Shipped",
    "out_for_delivery": "on the delivering driver's run",
    "delivered": "the recipient has signed, or the carrier says so",
    "returning": "on its way back",
    "returned": "back at the seller",
    "lost": "deemed, or the carrier says so",
    "damaged": "damaged and not deliverable",
    "cancelled": "by the buyer, the seller or the marketplace",
}


_HEAD = """# A parcel's way: statuses, events, and what each does

This page is written from the rules themselves (`python -m scripts.lifecycle_page`); a test holds it to them.

A **fact** is what somebody did or saw, signed by who did it. A **deeming** is what a rule concludes from the facts
and the time. A fact always beats a deeming, and no fact is ever refused: what does not fit is an **anomaly** on
the parcel. The state is a function of the set of a parcel's events, in whatever order they arrive."""
_NUMBERS = """## What is due, by market

Each number has its source; a market without a number of its own is judged by the guide. A time that the
marketplace gives for one order overrides all of them.

| pack | rule | due | unless | for | source |
|---|---|---|---|---|---|"""
_SHOWN = (
    "confirm",
    "pack",
    "label",
    "collect",
    "carrier_scan",
    "out_for_delivery",
    "deliver",
    "return.start",
    "return.done",
    "cancel",
    "deem_lost",
    "deem_cancelled",
    "carrier_scan.damaged",
)
_FROM = (
    ("From the phone", PHONE_KINDS),
    ("From the office, imports and carriers", OFFICE_KINDS),
    ("From the clock", CLOCK_KINDS),
)


def page() -> str:
    """The whole page."""
    return "\n".join([*_head(), *_diagram(), *_statuses(), *_table(), *_numbers(), *_anomalies()]) + "\n"


def _head() -> Iterator[str]:
    yield from _HEAD.splitlines()
    yield ""


def _diagram() -> Iterator[str]:
    """The straight way and its ends; every step of the table is below."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for kind in _SHOWN:
        for status, step in TABLE[kind].items():
            if step.to and not step.anomalies and step.to != status:
                arrows.setdefault((status, step.to), []).append(kind.replace(".", " "))
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "  [*] --> expected"
    for (status, to), kinds in arrows.items():
        yield f"  {status} --> {to}: {', '.join(kinds)}"
    yield "```"
    yield ""


def _statuses() -> Iterator[str]:
    yield "| status | means |"
    yield "|---|---|"
    yield from (f"| `{status}` | {_MEANS[status]} |" for status in STATUSES)
    yield ""


def _table() -> Iterator[str]:
    """For each event what it moves and what it raises; where a status is not named, nothing moves."""
    yield "## What each event does"
    yield ""
    yield "Where a status is not named, the event is kept and nothing moves."
    for title, kinds in _FROM:
        yield ""
        yield f"### {title}"
        yield ""
        yield "| event | moves | raises |"
        yield "|---|---|---|"
        for kind in sorted(row for row in TABLE if row.partition(".")[0] in kinds):
            yield f"| `{kind}` | {_moves(TABLE[kind])} | {_raises(TABLE[kind])} |"
    yield ""


def _moves(row: Mapping[str, Step]) -> str:
    by_target: dict[str, list[str]] = {}
    for status, step in row.items():
        if step.to:
            by_target.setdefault(step.to, []).append(status)
    return "; ".join(f"{', '.join(statuses)} → **{to}**" for to, statuses in by_target.items()) or "–"


def _raises(row: Mapping[str, Step]) -> str:
    by_code: dict[str, list[str]] = {}
    for status, step in row.items():
        for code in step.anomalies:
            by_code.setdefault(code, []).append(status)
    return "; ".join(f"`{code}` ({', '.join(statuses)})" for code, statuses in by_code.items()) or "–"


def _numbers() -> Iterator[str]:
    yield from _NUMBERS.splitlines()
    for name in packs.names():
        for term in packs.load(name).terms:
            whom = " ".join(part for part in (term.shipping, term.orders) if part) or "all"
            cells = (
                f"{term.pack} {term.version}",
                f"`{term.rule}`",
                term.number,
                term.unless,
                whom,
                term.source,
            )
            yield f"| {' | '.join(cells)} |"
    yield ""


def _anomalies() -> Iterator[str]:
    yield "## Anomalies"
    yield ""
    yield "| code | severity | says |"
    yield "|---|---|---|"
    yield from (f"| `{kind.code}` | {kind.severity} | {kind.sentence} |" for kind in CATALOGUE.values())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
