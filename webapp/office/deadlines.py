"""Deadlines: what was missed, what falls due next, by rule; each with the number that judged it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.office.rule_words import RULES
from webapp.office.times import aware, iso_text
from webapp.store.queries import cases
from webapp.store.queries import deadlines as ask
from webapp.store.unit import reading

PATH = "/office/deadlines"
STATES = (("passed", "Missed"), ("open", "To come"), ("paused", "Paused"))
SOON = timedelta(hours=24)
LIMIT = 50
CASES = 20


@blueprint.get("/deadlines")
@desk()
def deadlines() -> ResponseReturnValue:
    """The page: figures by rule, then the list of one state, soonest first."""
    state = request.args.get("state", "")
    rule = request.args.get("rule", "")
    rule = rule if rule in RULES else ""
    org_id, seller = actor().org_id, actor().seller
    with reading() as session:
        counts = ask.count_by_rule(session, org_id, seller, moment() + SOON)
        state = state if state in dict(STATES) else _first_state(counts, rule)
        due_cases = cases.pressing(session, org_id, moment() + SOON, CASES) if seller is None else []
        rows = ask.listed(session, org_id, seller, rule=rule, state=state, after=_after(), limit=LIMIT + 1)
    more = rows[LIMIT - 1] if len(rows) > LIMIT else None
    return render_template(
        "office/deadlines.html",
        rows=rows[:LIMIT],
        cases=due_cases,
        figures=[(name, counts.get((name, "passed"), 0), counts.get((name, "open"), 0)) for name in RULES],
        paused=sum(n for (_, held), n in counts.items() if held == "paused"),
        state=state,
        states=STATES,
        rule=rule,
        first=_address(state, rule) if request.args.get("after") else None,
        later=_address(state, rule, _place(more)) if more else None,
    )


def _first_state(counts: Mapping[tuple[str, str], int], rule: str) -> str:
    """What is shown to whoever chose none: what was missed, and if nothing was, what is to come."""
    rules = (rule,) if rule else RULES
    return "passed" if any(counts.get((name, "passed")) for name in rules) else "open"


def _place(row: ask.DeadlineRow) -> str:
    return f"{iso_text(row.deadline.due_at, exact=True)} {row.deadline.parcel}"


def _after() -> tuple[datetime, str] | None:
    at, _, code = request.args.get("after", "").partition(" ")
    try:
        return (aware(at), code) if code else None
    except ValueError:
        return None


def _address(state: str, rule: str, after: str = "") -> str:
    fields = {"state": state, "rule": rule, "after": after}
    return f"{PATH}?{urlencode({name: value for name, value in fields.items() if value})}"
