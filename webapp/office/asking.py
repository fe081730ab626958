"""Read from a request which parcels, which day and which page somebody means."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from sync.protocol.problems import Problem
from sync.rules.lifecycle import STATUSES
from webapp.office import times
from webapp.office.context import moment, zone
from webapp.office.times import aware
from webapp.store.queries.picking import Choice

LONGEST_LIST = 5000
YEARS = range(2000, 2201)


def choice_from(values: MultiDict[str, str], statuses: tuple[str, ...]) -> Choice:
    """The filter somebody set; `statuses` where none is chosen. What no list offers counts as not set."""
    chosen = tuple(status for status in values.getlist("status") if status in STATUSES)
    return Choice(
        statuses=chosen or statuses,
        carrier=values.get("carrier", "")[:64],
        seller=values.get("seller", "")[:128],
        place_id=values.get("place", "")[:36],
        text=values.get("q", "").strip()[:64],
    )


def as_query(choice: Choice, **more: Any) -> dict[str, Any]:
    """The same filter as a link's parameters, without what is not set."""
    held = {
        "status": list(choice.statuses),
        "carrier": choice.carrier,
        "seller": choice.seller,
        "place": choice.place_id,
        "q": choice.text,
        **more,
    }
    return {name: value for name, value in held.items() if value}


def day_from(text: str | None, field: str = "day") -> date:
    """A day as `2026-11-22`, today when there is none. Problem `field-invalid`."""
    if not text:
        return today()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Problem("field-invalid", "Write the day as 2026-11-22.", field=field) from error
    need_year(day.year, field)
    return day


def need_year(year: int, field: str) -> None:
    """Problem `field-invalid` for a year that a slip of the finger makes, as 0026 for 2026."""
    if year not in YEARS:
        raise Problem("field-invalid", f"The year {year} cannot be.", field=field)


def today() -> date:
    """Which day it is for the shop."""
    return times.today(moment(), zone())


def seen_at(text: str) -> datetime:
    """When the page was made that somebody pressed on, never later than now. Problem `field-invalid`."""
    try:
        return min(aware(text), moment())
    except ValueError as error:
        raise Problem("field-invalid", "The list was not sent along. Open it again, then press.") from error


def page_from() -> int:
    """The page of a list that is asked for, from 1."""
    text = request.values.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def words_from(text: str, *, required: bool = False) -> list[str]:
    """Codes as people paste them: one a line, or with commas between. Problem `field-invalid` for too many."""
    words = list(dict.fromkeys(part.strip() for part in re.split(r"[\n,;\t]+", text) if part.strip()))
    if len(words) > LONGEST_LIST:
        raise Problem("field-invalid", f"Paste up to {LONGEST_LIST} codes at a time.", field="codes")
    if required and not words:
        raise Problem("field-invalid", "Paste a code, a tracking number or an order ID.", field="codes")
    return [word[:64] for word in words]


def is_fragment() -> bool:
    """Whether htmx asks for a part of a page, and not for the whole page again."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def need_tick() -> None:
    """What removes for good asks for a tick. Problem `field-invalid`."""
    if request.form.get("sure") != "1":
        raise Problem("field-invalid", "Tick that it is to be removed for good.", field="sure")
