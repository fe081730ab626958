"""The quarantine desk: what is held and why, taken in under a reason or set aside; nothing is ever deleted."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint, held_words
from webapp.office.context import moment
from webapp.office.times import aware, iso_text
from webapp.services.settle_quarantine import ASIDE, STATED, accept_held, foresee, set_aside
from webapp.store.queries import quarantine as ask
from webapp.store.queries.quarantine import Choice, Held, Step
from webapp.store.unit import Session, reading

STATES = (("open", "Waiting"), ("settled", "Settled"), ("all", "All"))


@blueprint.get("/quarantine")
@desk("office", "admin")
def quarantine_list() -> str:
    """What is held, the newest first; by state, reason and phone."""
    choice, org_id = _choice(), actor().org_id
    with reading() as session:
        rows, newer, older = ask.page(session, org_id, choice, _step())
        return render_template(
            "office/quarantine.html",
            rows=[(row, *_brief(session, org_id, row)) for row in rows],
            newer=_address(choice, newer),
            older=_address(choice, older),
            choice=choice,
            state=choice.state or "all",
            states=STATES,
            reasons=ask.reasons(session, org_id, choice.state),
            phones=ask.phones(session, org_id),
            held_words=held_words.held_words,
            outcome_words=held_words.outcome_words,
        )


@blueprint.get("/quarantine/<item>")
@desk("office", "admin")
def quarantine_item(item: str) -> str:
    """One item whole, with what can be done about it."""
    return _page(item)


@blueprint.post("/quarantine/<item>/accept")
@desk("office", "admin")
def quarantine_accept(item: str) -> ResponseReturnValue:
    """Take it in under a reason."""
    who, form = actor(), request.form
    try:
        done = accept_held(
            who.org_id, who.user_id, item, form.get("reason", ""), moment(), seen=form.get("seen", "")
        )
    except Problem as problem:
        return _refused(item, problem, "accept")
    flash("Taken in on the office's word." if done.outcome == STATED else "Taken in.")
    return redirect(url_for("office.quarantine_item", item=item), 303)


@blueprint.post("/quarantine/<item>/aside")
@desk("office", "admin")
def quarantine_aside(item: str) -> ResponseReturnValue:
    """Leave it where it is, with a reason."""
    who, form = actor(), request.form
    try:
        set_aside(who.org_id, who.user_id, item, form.get("reason", ""), moment(), seen=form.get("seen", ""))
    except Problem as problem:
        return _refused(item, problem, "aside")
    flash("Set aside. It stays here, and can still be taken in.")
    return redirect(url_for("office.quarantine_item", item=item), 303)


def _choice() -> Choice:
    args = request.args
    state = args.get("state", "open")
    return Choice(
        {"settled": "settled", "all": ""}.get(state, "open"),
        args.get("reason", "")[:48],
        args.get("phone", "")[:36],
    )


def _step() -> Step | None:
    for name, is_back in (("after", False), ("before", True)):
        at, mark, sha256 = request.args.get(name, "").partition("~")
        if mark:
            try:
                return Step(aware(at), sha256[:64], is_back)
            except ValueError:
                return None
    return None


def _address(choice: Choice, step: Step | None) -> str | None:
    if step is None:
        return None
    query = {"state": choice.state or "all", "reason": choice.code, "phone": choice.device_id}
    query["before" if step.is_back else "after"] = f"{iso_text(step.at, exact=True)}~{step.sha256}"
    return "/office/quarantine?" + urlencode({name: value for name, value in query.items() if value})


def _brief(session: Session, org_id: str, row: Held) -> tuple[Any, list[str]]:
    payload = foresee(session, org_id, row.sha256, row.raw).ruling.payload
    return held_words.kind_of(payload), held_words.texts(payload)


def _page(item: str, problem: Problem | None = None, at: str = "") -> str:
    org_id = actor().org_id
    with reading() as session:
        row = ask.one(session, org_id, item)
        if row is None:
            abort(404)
        prospect = foresee(session, org_id, item, row.raw)
        payload = prospect.ruling.payload
        parcels = held_words.texts(payload)
        known = ask.known_parcels(session, org_id, parcels)
        pictures = _pictures(payload)
        return render_template(
            "office/quarantine_item.html",
            row=row,
            prospect=prospect,
            payload=payload,
            kind=held_words.kind_of(payload),
            at_told=held_words.moment_of(payload),
            parcels=[(text, known.get(text)) for text in parcels],
            lines=held_words.lines(payload) if payload else [],
            pictures=pictures,
            held_pictures=ask.held_pictures(session, org_id, [sha256 for sha256, _ in pictures]),
            is_proved=row.signature_good
            or (prospect.ruling.finding == "vouched" and prospect.ruling.sender.key is not None),
            means=held_words.means(prospect),
            objection=held_words.objection(prospect),
            text=held_words.pretty(payload, row.raw),
            held_words=held_words.held_words,
            held_sentence=held_words.held_sentence(row.code),
            held_detail=held_words.held_detail(row.code, row.detail),
            outcome_words=held_words.outcome_words,
            may_settle=row.outcome in {None, ASIDE},
            problem=problem,
            at=at,
            said=request.form.get("reason", ""),
        )


def _pictures(payload: dict[str, Any] | None) -> list[tuple[str, str]]:
    listed = (payload or {}).get("blobs")
    found: dict[str, str] = {}
    for blob in listed if isinstance(listed, list) else ():
        sha256 = blob.get("sha256") if isinstance(blob, dict) else None
        if isinstance(sha256, str) and len(sha256) == 64 and sha256.isalnum() and len(found) < 24:
            found[sha256] = str(blob.get("role"))[:20]
    return list(found.items())


def _refused(item: str, problem: Problem, at: str) -> ResponseReturnValue:
    if problem.code not in {"field-invalid", "conflict", "never-acceptable", "event-refused"}:
        raise problem
    return _page(item, problem, at), problem.status
