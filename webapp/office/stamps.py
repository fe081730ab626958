"""Time stamps: which days an authority outside has stamped, and which it has not, with the reason."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.extensions import of_app
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.stamping.days import ask_again
from webapp.settings import Settings
from webapp.store.queries import stamps as ask
from webapp.store.unit import reading

PATH = "/office/stamps"
PAGE = 31


@blueprint.get("/stamps")
@desk("office", "admin")
def stamps() -> str:
    """The page: what waits in vain first, then day by day, the newest first."""
    before = _before()
    with reading() as session:
        rows = ask.listed(session, actor().org_id, PAGE + 1, before)
        trouble = ask.trouble(session, actor().org_id)
    settings: Settings = of_app("baton-settings")
    more = len(rows) > PAGE
    return render_template(
        "office/stamps.html",
        rows=rows[:PAGE],
        trouble=trouble,
        authority=settings.authority,
        newest=url_for("office.stamps") if before else None,
        older=url_for("office.stamps", before=rows[PAGE - 1].day.isoformat()) if more else None,
    )


@blueprint.post("/stamps/ask")
@desk("admin")
def stamps_ask() -> ResponseReturnValue:
    """Ask for what waits at once, not when its next try comes."""
    settings: Settings = of_app("baton-settings")
    if settings.authority is None:
        raise Problem("conflict", "No authority is set: there is nobody to ask.")
    ask_again(actor().org_id, moment())
    flash("The authority is being asked. Load this page again in a minute.")
    return redirect(url_for("office.stamps"), 303)


def _before() -> date | None:
    try:
        return date.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None
