"""Runs: the day's list with live progress, and one run's page with what is scanned and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import asking, blueprint
from webapp.services.run_members import family, roles_for, statuses_for
from webapp.services.tags import parcel_code128
from webapp.store.queries import people, picking, run_members, runs
from webapp.store.queries.runs import KINDS, RunItem, RunRow
from webapp.store.unit import reading

UNCHANGED = ("", 204)
PAGE = 200


@blueprint.get("/runs")
@desk()
def runs_list() -> str:
    """A day's runs, what waits for one, and the press that makes them all."""
    who, day = actor(), asking.day_from(request.args.get("day"))
    with reading() as session:
        rows = runs.list_runs(session, who.org_id, who.seller, day=day)
        earlier = runs.open_days(session, who.org_id, who.seller, asking.today())
        waiting = {kind: _waiting(session, kind) for kind in ("collect", "deliver")}
        workers = {kind: people.able(session, who.org_id, roles_for(kind)) for kind in KINDS}
    return render_template(
        "office/runs.html",
        day=day,
        today=asking.today(),
        one_day=timedelta(days=1),
        rows=rows,
        version=_version(rows),
        earlier=[pair for pair in earlier if pair[0] != day],
        waiting=waiting,
        workers=workers,
    )


@blueprint.get("/runs/live")
@desk()
def runs_live() -> ResponseReturnValue:
    """The day's rows again when something on them changed; 204 when nothing did."""
    who, day = actor(), asking.day_from(request.args.get("day"))
    with reading() as session:
        rows = runs.list_runs(session, who.org_id, who.seller, day=day)
    version = _version(rows)
    if request.args.get("v") == version:
        return UNCHANGED
    return render_template("office/_run_rows.html", day=day, rows=rows, version=version)


@blueprint.get("/runs/<run_id>")
@desk()
def run_page(run_id: str) -> str:
    """One run: how far it is, its parcels, and what can be changed."""
    return render_run(run_id)


@blueprint.get("/runs/<run_id>/live")
@desk()
def run_live(run_id: str) -> ResponseReturnValue:
    """The run's progress and parcels again when something changed; 204 when nothing did."""
    run = find(run_id)
    if request.args.get("v") == str(run.changed):
        return UNCHANGED
    return render_template("office/_run_live.html", **_shown(run))


@blueprint.get("/runs/<run_id>/sheet")
@desk()
def run_sheet(run_id: str) -> str:
    """The handover sheet, to print and to sign on paper beside the phone."""
    who, run = actor(), find(run_id)
    with reading() as session:
        items = runs.run_items(session, run, who.org_id, who.seller)
        orders = picking.sold(session, who.org_id, [item.code for item in items])
    items.sort(key=lambda item: item.code)
    going = [item for item in items if not _stays(item)]
    return render_template(
        "office/sheet.html",
        run=run,
        going=going,
        staying=[item for item in items if _stays(item)],
        orders=orders,
        bars={item.code: parcel_code128(item.code) for item in going},
    )


def _stays(item: RunItem) -> bool:
    return item.status == "cancelled" and item.done_at is None


def find(run_id: str) -> RunRow:
    """The run of this address, for the person who asks; 404 for another shop's."""
    who = actor()
    with reading() as session:
        run = runs.find_run(session, who.org_id, who.seller, run_id)
    if run is None:
        abort(404)
    return run


def render_run(run_id: str, problem: Problem | None = None, **more: Any) -> str:
    """The run's page; `problem` is shown beside the form that `more['form']` names."""
    run = find(run_id)
    with reading() as session:
        workers = people.able(session, actor().org_id, roles_for(run.kind))
    return render_template("office/run.html", workers=workers, problem=problem, **_shown(run), **more)


def _shown(run: RunRow) -> dict[str, Any]:
    who, page = actor(), asking.page_from()
    with reading() as session:
        items = runs.run_items(session, run, who.org_id, who.seller, limit=PAGE, offset=(page - 1) * PAGE)
        orders = picking.sold(session, who.org_id, [item.code for item in items])
    pages = max(1, -(-run.total // PAGE))
    return {"run": run, "items": items, "orders": orders, "page": page, "pages": pages}


def _waiting(session: Any, kind: str) -> list[tuple[str | None, str | None, int]]:
    who = actor()
    return run_members.waiting(session, who.org_id, who.seller, statuses_for(kind), family(kind))


def _version(rows: list[RunRow]) -> str:
    # Changes when a run or a parcel on one changes, and when a run comes or goes.
    return f"{len(rows)}-{max((row.changed for row in rows), default=0)}"
