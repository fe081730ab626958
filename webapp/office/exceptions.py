"""Exceptions: every open anomaly by sort, the worst first; each sort's list, closed one by one or many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.anomalies import CATALOGUE
from webapp.access import actor, desk
from webapp.office import asking, blueprint
from webapp.office.context import moment
from webapp.office.times import aware, iso_text
from webapp.services.close_anomalies import close_anomalies
from webapp.store.queries import exceptions as ask
from webapp.store.unit import reading

PATH = "/office/exceptions"
LIMIT = 100
_WORST = ("urgent", "warning", "info")


@blueprint.get("/exceptions")
@desk()
def exceptions() -> ResponseReturnValue:
    """All sorts that are open somewhere, the worst first."""
    with reading() as session:
        found = ask.sorts(session, actor().org_id, actor().seller)
    rows = [(CATALOGUE[sort.code], sort) for sort in found if sort.code in CATALOGUE]
    rows.sort(key=lambda row: (_WORST.index(row[0].severity), -row[1].parcels, row[0].code))
    return render_template("office/exceptions.html", rows=rows)


@blueprint.get("/exceptions/<code>")
@desk()
def exception_sort(code: str) -> ResponseReturnValue:
    """One sort: where it is open, the oldest first."""
    return render_template("office/exception_sort.html", **_list(code))


@blueprint.post("/exceptions/<code>")
@desk("office", "admin")
def close_exception_sort(code: str) -> ResponseReturnValue:
    """Close the ticked ones, or all that the list had when it was opened, with one reason."""
    if code not in CATALOGUE:
        abort(404)
    form = request.form
    is_all = form.get("scope") == "all"
    chosen = set(form.getlist("parcel"))
    try:
        _refuse_none(chosen, is_all=is_all)
        closed = close_anomalies(
            actor().org_id,
            actor().user_id,
            code,
            None if is_all else chosen,
            form.get("reason", ""),
            asking.seen_at(form.get("seen_at", "")),
            moment(),
        )
    except Problem as problem:
        if problem.code != "field-invalid":
            raise
        held = _list(code) | {"refused": problem, "said": form.get("reason", ""), "ticked": chosen}
        return render_template("office/exception_sort.html", **held), problem.status
    flash(f"Closed on {closed} parcel{'s' if closed != 1 else ''}. The reason is on each timeline.")
    return redirect(PATH if is_all else f"{PATH}/{code}", 303)


def _refuse_none(chosen: set[str], *, is_all: bool) -> None:
    if not is_all and not chosen:
        raise Problem("field-invalid", "Tick the parcels that this reason is for.")


def _list(code: str) -> dict[str, Any]:
    if code not in CATALOGUE:
        abort(404)
    with reading() as session:
        rows = ask.of_sort(session, actor().org_id, actor().seller, code, after=_after(), limit=LIMIT + 1)
        total = {sort.code: sort.parcels for sort in ask.sorts(session, actor().org_id, actor().seller)}
    more = rows[LIMIT - 1] if len(rows) > LIMIT else None
    return {
        "kind": CATALOGUE[code],
        "rows": rows[:LIMIT],
        "total": total.get(code, 0),
        "seen_at": iso_text(moment(), exact=True),
        "may_close": actor().role in {"office", "admin"},
        "first": f"{PATH}/{code}" if request.args.get("after") else None,
        "later": f"{PATH}/{code}?{urlencode({'after': _place(more)})}" if more else None,
        "ticked": set(),
    }


def _place(row: ask.Open) -> str:
    return f"{iso_text(row.received_at, exact=True)} {row.parcel.code} {row.event_id}"


def _after() -> tuple[datetime, str, str] | None:
    parts = request.args.get("after", "").split(" ")
    try:
        return (aware(parts[0]), parts[1], parts[2]) if len(parts) == 3 else None
    except ValueError:
        return None
