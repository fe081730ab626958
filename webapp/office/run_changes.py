"""Make runs and change them: by filter, by one press, parcel by parcel."""

from __future__ import annotations

from collections.abc import Iterable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import asking, blueprint
from webapp.office.context import moment
from webapp.office.prepare import filter_lists
from webapp.office.runs import render_run
from webapp.services import change_run
from webapp.services.make_run import make_run
from webapp.services.make_todays_runs import make_todays_runs
from webapp.services.run_members import Filled, Wanted, roles_for, statuses_for
from webapp.store.queries import people, picking
from webapp.store.queries.picking import Choice
from webapp.store.queries.runs import KINDS
from webapp.store.unit import reading

SHOWN_LEFT = 200


@blueprint.post("/runs/today")
@desk("office", "admin")
def runs_today() -> ResponseReturnValue:
    """Make the day's runs from all that waits, by carrier and place, for one person."""
    who, kind = actor(), request.form.get("kind", "collect")
    if kind not in KINDS:
        raise Problem("field-invalid", "Choose what the runs are for.", field="kind")
    day, user_id = asking.day_from(request.form.get("day")), request.form.get("user_id") or None
    made = make_todays_runs(who.org_id, who.user_id, kind, day, user_id, moment())
    _tell(made)
    return redirect(url_for("office.runs_list", day=day.isoformat()))


@blueprint.get("/runs/new")
@desk("office", "admin")
def run_new() -> str:
    """The form for one run by filter, or from pasted codes."""
    return _form(request.args)


@blueprint.get("/runs/fit")
@desk("office", "admin")
def run_fit() -> str:
    """How many parcels fit the form as it stands."""
    return render_template("office/_run_fit.html", fit=_count_fit(request.args))


@blueprint.post("/runs/new")
@desk("office", "admin")
def run_make() -> ResponseReturnValue:
    """Make one run; what did not fit is told with its reason."""
    who, form = actor(), request.form
    try:
        wanted = Wanted(
            form.get("kind", ""),
            asking.day_from(form.get("day")),
            form.get("user_id") or None,
            form.get("to_place") or None,
            form.get("carrier") or None,
            form.get("title", ""),
        )
        made = make_run(who.org_id, who.user_id, wanted, _choice(form), moment())
    except Problem as problem:
        return _form(form, problem), problem.status
    _tell([made])
    return redirect(url_for("office.run_page", run_id=made.run_id))


@blueprint.post("/runs/<run_id>/add")
@desk("office", "admin")
def run_add(run_id: str) -> ResponseReturnValue:
    """Put pasted codes on a run."""
    who = actor()
    try:
        words = asking.words_from(request.form.get("codes", ""), required=True)
        done = change_run.add_to_run(who.org_id, who.user_id, run_id, words, moment())
    except Problem as problem:
        return _again(run_id, problem, "add")
    if done.left:
        left = done.left[:SHOWN_LEFT]
        return render_run(run_id, form="add", added=done.added, left=left, left_count=len(done.left))
    flash(f"{_parcels(done.added)} put on the run.")
    return redirect(url_for("office.run_page", run_id=run_id))


@blueprint.post("/runs/<run_id>/remove")
@desk("office", "admin")
def run_remove(run_id: str) -> ResponseReturnValue:
    """Take the ticked parcels off a run."""
    codes = request.form.getlist("code")
    if not codes:
        return _again(
            run_id, Problem("field-invalid", "Tick the parcels to take off.", field="code"), "remove"
        )
    try:
        gone = change_run.take_off_run(actor().org_id, run_id, codes, moment())
    except Problem as problem:
        return _again(run_id, problem, "remove")
    flash(f"{_parcels(gone)} taken off the run.")
    return redirect(url_for("office.run_page", run_id=run_id))


@blueprint.post("/runs/<run_id>/edit")
@desk("office", "admin")
def run_edit(run_id: str) -> ResponseReturnValue:
    """Give a run another person, day or name."""
    who, form = actor(), request.form
    try:
        change_run.edit_run(
            who.org_id,
            who.user_id,
            run_id,
            moment(),
            title=form.get("title", ""),
            day=asking.day_from(form.get("day")),
            user_id=form.get("user_id") or None,
        )
    except Problem as problem:
        return _again(run_id, problem, "edit")
    flash("Saved. The phones hear of it when they next reach the server.")
    return redirect(url_for("office.run_page", run_id=run_id))


@blueprint.post("/runs/<run_id>/state")
@desk("office", "admin")
def run_state(run_id: str) -> ResponseReturnValue:
    """Close a run, or open it again."""
    try:
        if request.form.get("state") == "open":
            change_run.reopen_run(actor().org_id, run_id)
            flash("The run is open again and on its person's list.")
        else:
            change_run.close_run(actor().org_id, run_id)
            flash("The run is closed and leaves its person's list. A scan made before still counts.")
    except Problem as problem:
        return _again(run_id, problem, "state")
    return redirect(url_for("office.run_page", run_id=run_id))


def _again(run_id: str, problem: Problem, form: str) -> ResponseReturnValue:
    if problem.status not in {409, 422}:
        raise problem
    return render_run(run_id, problem, form=form, typed=request.form), problem.status


def _form(values: MultiDict[str, str], problem: Problem | None = None) -> str:
    if problem is not None and problem.status not in {409, 422}:
        raise problem
    kind = values.get("kind", "collect")
    with reading() as session:
        workers = people.able(session, actor().org_id, roles_for("collect"))
        lists = filter_lists(session)
    return render_template(
        "office/run_new.html",
        values=values,
        kind=kind,
        today=asking.today(),
        workers=workers,
        fit=None if problem else _count_fit(values),
        problem=problem,
        **lists,
    )


def _choice(values: MultiDict[str, str]) -> Choice:
    words = asking.words_from(values.get("codes", ""))
    if not words:
        kind = values.get("kind", "collect")
        plain = asking.choice_from(values, ())
        return Choice(None, statuses_for(kind), plain.carrier, plain.seller, plain.place_id, plain.text)
    with reading() as session:
        found = picking.named(session, actor().org_id, None, words)
    return Choice().only([code for word, codes in found.items() for code in codes or [word]])


def _count_fit(values: MultiDict[str, str]) -> int:
    who = actor()
    with reading() as session:
        return sum(picking.count(session, who.org_id, None, _choice(values)).values())


def _tell(made: Iterable[Filled]) -> None:
    done = [each for each in made if each.added]
    left = [x for each in made for x in each.left]
    new = sum(each.is_new for each in done)
    added = sum(each.added for each in done)
    if not done:
        flash("Nothing waits for a run: every parcel that is ready is on one.", "warning")
    elif new:
        flash(f"{new} run{'s' if new > 1 else ''} made, with {_parcels(added)} put on.")
    else:
        flash(f"{_parcels(added)} put on runs that were there.")
    for why in sorted({x.why for x in left}):
        flash(f"{_parcels(sum(x.why == why for x in left))} stayed off: {why}.", "warning")


def _parcels(n: int) -> str:
    return f"{n} parcel{'' if n == 1 else 's'}"
