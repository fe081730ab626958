"""The review desk: one proof after another, oldest first; accept, reject, or ask for it again."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import asking, blueprint, words
from webapp.office.context import moment
from webapp.office.times import iso_text
from webapp.services.checking.accept import accept_ready
from webapp.services.checking.desk_rules import MOST_SHARE, DeskRules, desk_rules, keep_desk_rules
from webapp.services.review_proof import REASONS, review_proof
from webapp.store.queries import parcels
from webapp.store.queries import review as ask
from webapp.store.queries.event_views import views
from webapp.store.unit import reading

PATH = "/office/review"
_DONE = {"accept": "Accepted.", "reject": "Rejected.", "retake": "{} was asked for it again."}


@blueprint.get("/review")
@desk("office", "admin")
def review() -> ResponseReturnValue:
    """The oldest proof that waits, or the word that none does."""
    return render_template("office/review.html", **_desk(_heap(), None))


@blueprint.get("/review/<event_id>")
@desk("office", "admin")
def review_one(event_id: str) -> ResponseReturnValue:
    """One proof, waiting or judged; 404 for another shop's."""
    return render_template("office/review.html", **_desk(_heap(), event_id))


@blueprint.get("/review/<event_id>/proof")
@desk("office", "admin")
def review_proof_part(event_id: str) -> ResponseReturnValue:
    """The proof alone, for a step along the line; the page's address follows."""
    state = _desk(_heap(), event_id)
    response = make_response(render_template("office/_review_proof.html", **state))
    if "HX-Request" in request.headers:
        response.headers["HX-Push-Url"] = _address(state)
    return response


@blueprint.post("/review/<event_id>")
@desk("office", "admin")
def judge(event_id: str) -> ResponseReturnValue:
    """Record a verdict, then show the next proof; a refusal comes back beside the proof it was about."""
    form = request.form
    try:
        judged = review_proof(
            actor().org_id,
            actor().user_id,
            event_id,
            form.get("verdict", ""),
            moment(),
            reason=form.get("reason") or None,
            note=" ".join(form.get("note", "").split())[:1000] or None,
            seen=form.get("seen", "waiting"),
        )
    except Problem as problem:
        return _refused(event_id, problem)
    return _onward(event_id, _DONE[judged.verdict].format(judged.task_for))


@blueprint.post("/accept-ready")
@desk("office", "admin")
def accept_all_ready() -> ResponseReturnValue:
    """Accept every proof whose checks all hold, in one press; what came or changed since the page was made stays."""
    seen_at = asking.seen_at(request.form.get("seen_at", ""))
    done = accept_ready(actor().org_id, actor().user_id, seen_at, moment())
    flash(
        f"{done} proof{'s' if done != 1 else ''} accepted: every check of {'them' if done != 1 else 'it'} held."
    )
    return redirect(PATH, 303)


@blueprint.post("/review-rules")
@desk("admin")
def keep_rules() -> ResponseReturnValue:
    """Whether proofs whose checks all hold are accepted by themselves, and how many a person still sees."""
    share = request.form.get("share", "")
    if not (share.isascii() and share.isdigit() and int(share) <= MOST_SHARE):
        raise Problem("field-invalid", f"The share is a whole number from 0 to {MOST_SHARE}.")
    keep_desk_rules(actor().org_id, DeskRules("by_itself" in request.form, int(share)))
    flash("Kept. It holds for proofs that are checked from now on.")
    return redirect(PATH, 303)


def _heap() -> str:
    asked = request.values.get("heap", "")
    return asked if asked in ask.HEAPS else ""


def _desk(heap: str, event_id: str | None) -> dict[str, Any]:
    org_id = actor().org_id
    with reading() as session:
        at = event_id or ask.next_waiting(session, org_id, heap)
        proof = ask.proof(session, org_id, at) if at else None
        if event_id is not None and proof is None:
            abort(404)
        following = ask.next_waiting(session, org_id, heap, at) if at else None
        return {
            "heap": heap,
            "counts": ask.waiting_counts(session, org_id),
            "proof": proof,
            "following": following,
            "preceding": ask.next_waiting(session, org_id, heap, at, is_back=True) if at else None,
            "place": ask.place_in_line(session, org_id, heap, at) + 1 if at else 0,
            "ready": ask.count_ready(session, org_id),
            "seen_at": iso_text(moment(), exact=True),
            "desk_rules": desk_rules(session, org_id),
            "ahead": views(session, org_id, [following])[0].photos if following else (),
            "carrier_names": dict(parcels.carriers(session, org_id)),
            "reasons": [(code, said[0]) for code, said in REASONS.items()],
        }


def _address(state: dict[str, Any]) -> str:
    path = f"{PATH}/{state['proof'].event.id}" if state["proof"] else PATH
    return f"{path}?heap={state['heap']}" if state["heap"] else path


def _refused(event_id: str, problem: Problem) -> ResponseReturnValue:
    if problem.code not in {"field-invalid", "conflict"}:
        raise problem
    template = "office/_review_proof.html" if "HX-Request" in request.headers else "office/review.html"
    state = _desk(_heap(), event_id)
    return render_template(template, refused=problem, form=request.form, **state), problem.status


def _onward(event_id: str, said: str) -> ResponseReturnValue:
    """Go on to the next in line after the one just judged, or to the oldest when it was the last."""
    heap = _heap()
    with reading() as session:
        org_id = actor().org_id
        following = ask.next_waiting(session, org_id, heap, event_id) or ask.next_waiting(
            session, org_id, heap
        )
    if "HX-Request" not in request.headers:
        flash(said)
        address = f"{PATH}/{following}" if following else PATH
        return redirect(f"{address}?heap={heap}" if heap else address, 303)
    state = _desk(heap, following)
    response = make_response(
        render_template("office/_review_proof.html", done=said, judged=event_id, **state)
    )
    response.headers["HX-Push-Url"] = _address(state)
    return response


@blueprint.app_template_global()
def review_reason(code: str | None) -> str:
    """A review's reason in the desk's words."""
    return REASONS[code][0] if code in REASONS else words.reason_word(code)
