"""The parcel list's address: read a filter and a page from it, and write it back without what is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from webapp.office.times import aware, day_bounds, iso_text
from webapp.office.words import FLAGS, PROOFS, SEVERITIES, STATUSES
from webapp.store.queries.parcel_filter import Filter
from webapp.store.queries.parcels import Step

BY = {"came_in": "Came in", "handed_over": "Handed over"}
DEFAULT_BY = "came_in"  # left out of the address
PROOF_CHOICES = ("none", *(key for key in PROOFS if key))
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for. `fields` are the values as the form shows them; `errors` by field, in words."""

    wanted: Filter
    step: Step | None
    fields: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order of the list was asked for."""
        return any(value for name, value in self.fields.items() if name != "by")

    @property
    def is_folded_open(self) -> bool:
        """Whether something beside the search is set, so that the form should show it."""
        return any(value for name, value in self.fields.items() if name not in {"q", "by"})


def read_address(args: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """The filter of a query string; what cannot be read is named and left out."""
    errors: dict[str, str] = {}
    fields = {
        "q": args.get("q", "").strip()[:_LONGEST],
        "status": _one_of(args, "status", STATUSES, errors),
        "carrier": args.get("carrier", "").strip()[:_LONGEST],
        "seller": args.get("seller", "").strip()[:_LONGEST],
        "by": _one_of(args, "by", BY, errors).removeprefix(DEFAULT_BY),
        "from": args.get("from", "").strip(),
        "to": args.get("to", "").strip(),
        "anomaly": _one_of(args, "anomaly", ("any", *SEVERITIES), errors),
        "proof": _one_of(args, "proof", PROOF_CHOICES, errors),
        "flag": _one_of(args, "flag", FLAGS, errors),
    }
    first, last = _day(fields["from"], "from", errors), _day(fields["to"], "to", errors)
    if first and last and first > last:
        errors["to"] = "This day is before the first one."
    since, until = day_bounds(first, last, zone)
    wanted = Filter(
        q=fields["q"],
        status=fields["status"],
        carrier=fields["carrier"],
        seller=fields["seller"],
        by=fields["by"] or DEFAULT_BY,
        since=since,
        until=until,
        anomaly=fields["anomaly"],
        proof=fields["proof"],
        flag=fields["flag"],
    )
    return Asked(wanted, _step(args, errors), fields, errors)


def address(path: str, fields: Mapping[str, str], step: Step | None = None) -> str:
    """A path with the filter in it; `step` adds the place to go on from."""
    query = {name: value for name, value in fields.items() if value}
    if step is not None:
        query["before" if step.is_back else "after"] = f"{iso_text(step.at, exact=True)}~{step.code}"
    return f"{path}?{urlencode(query)}" if query else path


def _one_of(args: Mapping[str, str], name: str, known: object, errors: dict[str, str]) -> str:
    value = args.get(name, "").strip()
    if not value or value in known:  # type: ignore[operator]
        return value
    errors[name] = f"There is no such choice: {value[:40]}."
    return ""


def _day(text: str, name: str, errors: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors[name] = "Write the day like 2026-11-22."
        return None
    if not 2000 <= day.year <= 2200:
        errors[name] = "This year cannot be."
        return None
    return day


def _step(args: Mapping[str, str], errors: dict[str, str]) -> Step | None:
    for name, is_back in (("after", False), ("before", True)):
        at, mark, code = args.get(name, "").partition("~")
        if not mark:
            continue
        try:
            return Step(aware(at), code[:_LONGEST], is_back)
        except ValueError:
            errors[name] = "The page could not be found; this is the first one."
    return None
