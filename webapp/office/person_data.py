"""One person's data: what there is, handed out as a file, or erased for good."""

from __future__ import annotations

import io

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.personal.erase import BACKED_UP, PHOTOS, SIGNED, erase_person
from webapp.services.personal.export import export_person
from webapp.services.personal.find import Person, find_person
from webapp.store.unit import reading

_SHOWN_INLINE = frozenset({404, 409, 422})


@blueprint.get("/privacy/person")
@desk("admin")
def person_data() -> ResponseReturnValue:
    """Who is meant, and what can be done."""
    return _page(request.args.get("q", ""))


@blueprint.post("/privacy/person/export")
@desk("admin")
def person_export() -> Response:
    """Everything that is known of them, as a zip."""
    out = io.BytesIO()
    told = export_person(actor().org_id, request.form.get("q", ""), out, actor().user_id, moment())
    out.seek(0)
    return send_file(
        out, mimetype="application/zip", as_attachment=True, download_name=f"baton-person-{told['id']}.zip"
    )


@blueprint.post("/privacy/person/erase")
@desk("admin")
def person_erase() -> ResponseReturnValue:
    """Erase them, if the id that was typed is theirs."""
    who, form = actor(), request.form
    asked = form.get("q", "")
    try:
        _refuse_unless_typed(asked, form.get("confirm", ""))
        done = erase_person(
            who.org_id, asked, who.user_id, moment(), with_signatures=form.get("signatures") == "1"
        )
    except Problem as problem:
        if problem.status not in _SHOWN_INLINE:
            raise
        return _page(asked, problem, signatures=form.get("signatures") == "1")
    others = f" Perhaps theirs too, and untouched: {', '.join(done.others[:10])}." if done.others else ""
    flash(f"Erased. {' '.join(done.stays)}{others}")
    return redirect(url_for("office.person_data", q=done.key))


def _refuse_unless_typed(asked: str, confirm: str) -> None:
    with reading() as session:
        key = find_person(session, actor().org_id, asked).key
    if confirm.strip() != key:
        raise Problem("field-invalid", f"Type {key} to erase for good.", field="confirm")


def _page(asked: str, problem: Problem | None = None, signatures: bool = False) -> ResponseReturnValue:
    person: Person | None = None
    try:
        with reading() as session:
            person = find_person(session, actor().org_id, asked)
    except Problem as refused:
        problem = problem or refused
    page = render_template(
        "office/person_data.html",
        asked=asked,
        person=person,
        problem=problem,
        signatures=signatures,
        signed=SIGNED,
        photos=PHOTOS,
        backed_up=BACKED_UP,
    )
    return page, problem.status if problem else 200
