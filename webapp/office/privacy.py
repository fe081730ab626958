"""Privacy: how long photos are kept, and what was let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.keeping import LEAST_DAYS, MOST_DAYS, WHY_LEAST, Keeping, checked
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment, zone
from webapp.office.times import local_text
from webapp.services.keeping.policy import Foreseen, cutoffs_of, foresee, keeping_of, save_keeping
from webapp.store.queries import keeping as ask
from webapp.store.unit import reading

_SHOWN = 50
# What keeps an old picture, in the words of the page.
KEPT_BY = {
    "review": "waiting for review",
    "retake": "of a retake that was not answered",
    "unseen": "not checked yet",
    "case": "of a handover with a parcel in an open case",
    "hold": "of a handover with a parcel on hold",
    "quarantine": "named by something in quarantine",
    "file": "filed with a case or a label",
}


@blueprint.get("/privacy")
@desk("office", "admin")
def privacy() -> str:
    """How long photos are kept here, how many there are, what was let go."""
    return _page()


@blueprint.post("/privacy")
@desk("admin")
def privacy_save() -> ResponseReturnValue:
    """Put other numbers in force; asked once more when something would go that stays now."""
    who, form = actor(), request.form
    try:
        photos, signatures = (checked(name, form.get(name, "")) for name in ("photos", "signatures"))
    except Problem as problem:
        return _page(values=form, problem=problem), problem.status
    wanted = Keeping(photos, signatures)
    with reading() as session:
        held = keeping_of(session, who.org_id)
        ahead = foresee(session, who.org_id, wanted, moment()) if wanted.is_stricter_than(held) else None
    # Sure of other numbers than those that were foreseen is not sure.
    is_sure = form.get("sure") == "1" and all(
        form.get(f"seen_{name}", "") == form.get(name, "") for name in ("photos", "signatures")
    )
    if ahead is not None and not is_sure:
        return _page(values=form, ahead=ahead)
    kept = save_keeping(who.org_id, who.user_id, wanted, moment())
    flash(_said(kept))
    return redirect(url_for("office.privacy"))


def _said(kept: Keeping) -> str:
    if kept.begins_at is None:
        return "Kept. Every photo and signature stays."
    return f"Kept. Nothing goes before {local_text(kept.begins_at, zone(), moment())}; until then it can be undone."


def _page(
    values: Mapping[str, Any] | None = None, problem: Problem | None = None, ahead: Foreseen | None = None
) -> str:
    org_id, now = actor().org_id, moment()
    with reading() as session:
        keeping = keeping_of(session, org_id)
        kept = ask.kept_back(session, org_id, cutoffs_of(keeping, now))
        held = ask.held_totals(session, org_id)
        acts = ask.acts(session, org_id, _SHOWN)
    return render_template(
        "office/privacy.html",
        keeping=keeping,
        values=keeping.as_dict() if values is None else values,
        problem=problem,
        ahead=ahead,
        kept=kept,
        kept_by=KEPT_BY,
        held=held,
        acts=acts,
        least=LEAST_DAYS,
        most=MOST_DAYS,
        why_least=WHY_LEAST,
        may_set=actor().role == "admin",
    )
