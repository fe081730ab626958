"""One parcel: its page, its anomalies closed, its status decided, its cancellation."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.lifecycle import BEFORE_HANDOVER
from webapp.access import actor, desk
from webapp.office import blueprint, words
from webapp.office.context import moment
from webapp.services.cancel_parcels import AFTERWARDS, CANCEL_REASONS, cancel_parcels
from webapp.services.close_anomaly import close_anomaly, decide_status
from webapp.services.deadlines import judgement_of
from webapp.services.keep_checklist import read_checklist
from webapp.services.mark_products import let_go
from webapp.store.queries import cases
from webapp.store.queries import timeline as ask
from webapp.store.queries.picking import Choice
from webapp.store.stock_needs import goods_of
from webapp.store.unit import reading


@blueprint.get("/parcels/<code>")
@desk()
def parcel(code: str) -> ResponseReturnValue:
    """The page. A code typed in another form leads to the one address; another shop's or seller's is 404."""
    held = _find(code)
    if held != code:
        return redirect(f"/office/parcels/{held}", 301)
    return render_template("office/parcel.html", **_page(held))


@blueprint.get("/parcels/<code>/body")
@desk()
def parcel_body(code: str) -> ResponseReturnValue:
    """The page's body alone."""
    return render_template("office/_parcel.html", **_page(_find(code)))


@blueprint.post("/parcels/<code>/anomalies")
@desk("office", "admin")
def close_parcel_anomaly(code: str) -> ResponseReturnValue:
    """Close one anomaly with a reason."""
    held, form = _find(code), request.form
    which = (form.get("anomaly", ""), form.get("event", ""))
    try:
        close_anomaly(
            actor().org_id,
            actor().user_id,
            held,
            *which,
            form.get("reason", ""),
            moment(),
            grant=form.get("grant") == "1",
        )
    except Problem as problem:
        return _refused(held, problem, {"at": "-".join(which), "said": form.get("reason", "")})
    return _done(held, "Closed. Your reason is on the timeline.")


@blueprint.post("/parcels/<code>/status")
@desk("office", "admin")
def decide_parcel_status(code: str) -> ResponseReturnValue:
    """Decide what the parcel has become, with a reason."""
    held, form = _find(code), request.form
    status, reason = form.get("status", ""), form.get("reason", "")
    try:
        decide_status(
            actor().org_id, actor().user_id, held, status, reason, moment(), seen=form.get("seen", "")
        )
    except Problem as problem:
        return _refused(held, problem, {"at": "status", "said": reason, "status": status})
    what = "stays" if status == form.get("seen") else "is now"
    return _done(held, f"The parcel {what} {words.status_words(status).word.lower()}.")


@blueprint.post("/parcels/<code>/cancel")
@desk()
def cancel_parcel(code: str) -> ResponseReturnValue:
    """Cancel a parcel that has not left, with a reason from the list (`R2`)."""
    held, who, form = _find(code), actor(), request.form
    why = {"reason": form.get("reason", ""), "note": form.get("note", "")}
    typed = {"at": "cancel", "said": why["note"], "reason": why["reason"]}
    try:
        moved = cancel_parcels(who.org_id, who.user_id, who.seller, Choice().only([held]), moment(), **why)
    except Problem as problem:
        return _refused(held, problem, typed)
    if moved.left:
        return _refused(held, Problem("conflict", f"{moved.left[0].why}. Nothing was cancelled."), typed)
    return _done(held, f"Cancelled. {AFTERWARDS}")


@blueprint.post("/parcels/<code>/dangerous")
@desk("office", "admin")
def let_dangerous_go(code: str) -> ResponseReturnValue:
    """Let a parcel with dangerous goods go, or stop it again, with a reason."""
    held, form = _find(code), request.form
    stop, reason = form.get("stop") == "1", form.get("reason", "")
    try:
        let_go(actor().org_id, actor().user_id, held, reason, moment(), stop=stop)
    except Problem as problem:
        return _refused(held, problem, {"at": "dangerous", "said": reason})
    return _done(
        held, "Stopped again." if stop else "Let go. Phones learn it when they next reach the server."
    )


def _find(code: str) -> str:
    with reading() as session:
        held = ask.resolve_code(session, actor().org_id, actor().seller, code)
    return held or abort(404)


def _page(code: str) -> dict[str, Any]:
    with reading() as session:
        page = ask.parcel_page(session, actor().org_id, code)
        listed = cases.of_parcel(session, actor().org_id, code)
        judged = judgement_of(session, actor().org_id, code, moment())
        goods, lacks = goods_of(session.connection(), actor().org_id, code)
    return {
        "goods": goods,
        "lacks": lacks,
        "page": page,
        "points": {point.code: point.label for point in read_checklist(actor().org_id)},
        "deadlines": sorted(judged.deadlines, key=lambda deadline: deadline.due_at),
        "cases": listed,
        "may_decide": actor().role in {"office", "admin"},
        "statuses": _decisions(page.parcel.status),
        "reasons": CANCEL_REASONS if page.parcel.is_known and page.parcel.status in BEFORE_HANDOVER else (),
    }


def _decisions(now_is: str) -> list[tuple[str, str]]:
    """What the office can say has become of it. That it stays is one: what was asked or reported is settled by it."""
    stays = (now_is, f"It stays: {words.status_words(now_is).word}")
    return [stays, *((key, it.word) for key, it in words.STATUSES.items() if key != now_is)]


def _refused(code: str, problem: Problem, form: dict[str, str]) -> ResponseReturnValue:
    """The page again, with what was refused beside the form it was about."""
    if problem.code not in {"field-invalid", "conflict"}:
        raise problem
    template = "office/_parcel.html" if "HX-Request" in request.headers else "office/parcel.html"
    return render_template(template, refused=problem, refused_form=form, **_page(code)), problem.status


def _done(code: str, words_: str) -> ResponseReturnValue:
    if "HX-Request" in request.headers:
        return render_template("office/_parcel.html", done=words_, **_page(code))
    flash(words_)
    return redirect(f"/office/parcels/{code}", 303)
