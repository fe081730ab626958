"""Phones: let one in by a code on the screen, see what is not home yet, sign one out."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.enrol import make_enrolment, revoke_device
from webapp.services.find_device import token_digest
from webapp.services.tags import link_qr
from webapp.settings import Settings
from webapp.store.models import ROLES
from webapp.store.queries import people, phones
from webapp.store.queries.phones import EnrolmentState, Phone
from webapp.store.unit import reading

SKEW_MS = 5 * 60 * 1000  # RULES section 4: over five minutes the clock is suspect
_SHOWN = "enrolment"  # in the session: the code that is on this browser's screen


@blueprint.get("/phones")
@desk("office", "admin")
def phones_list() -> str:
    """Every phone, with what it has not brought home yet."""
    return render_template("office/phones.html", **_listed())


@blueprint.get("/phones/live")
@desk("office", "admin")
def phones_live() -> str:
    """The list again, as the heartbeats come in."""
    return render_template("office/_phone_rows.html", **_listed())


@blueprint.get("/phones/enrol")
@desk("office", "admin")
def phone_enrol() -> str:
    """Choose whose phone is let in."""
    return _choose(request.args.get("user_id", ""))


@blueprint.post("/phones/enrol")
@desk("office", "admin")
def phone_enrol_make() -> ResponseReturnValue:
    """Make a code and go to where it is shown."""
    who, user_id = actor(), request.form.get("user_id", "")
    settings: Settings = current_app.extensions["baton-settings"]
    try:
        made = make_enrolment(who.org_id, user_id, who.user_id, moment(), settings.public_url)
    except Problem as problem:
        if problem.code != "not-found":
            raise
        return _choose(user_id, "Choose whose phone it is."), 422
    # The code must not be in an address, where a log would keep it: it waits in this browser's session.
    ref = token_digest(made.code)
    session[_SHOWN] = {"ref": ref, "code": made.code, "url": made.url}
    return redirect(url_for("office.phone_code", ref=ref))


@blueprint.get("/phones/enrol/<ref>")
@desk("office", "admin")
def phone_code(ref: str) -> str:
    """The code on the screen, to be scanned by the phone."""
    state, shown = _state(ref), _on_screen(ref)
    return render_template("office/phone_code.html", ref=ref, state=state, shown=shown, **_left(state))


@blueprint.get("/phones/enrol/<ref>/state")
@desk("office", "admin")
def phone_code_state(ref: str) -> str:
    """What became of the code: time left, let in, or too late."""
    state = _state(ref)
    return render_template("office/_phone_code_state.html", ref=ref, state=state, **_left(state))


@blueprint.get("/phones/enrol/<ref>/qr.svg")
@desk("office", "admin")
def phone_code_qr(ref: str) -> ResponseReturnValue:
    """The QR of the enrolment link; 404 in any other browser than the one that made it."""
    shown = _on_screen(ref)
    if shown is None:
        abort(404)
    drawing = render_template("office/phone_qr.svg", symbol=link_qr(shown["url"]))
    return Response(drawing, content_type="image/svg+xml")


@blueprint.get("/phones/<device_id>/revoke")
@desk("office", "admin")
def phone_revoke(device_id: str) -> str:
    """Ask once more, and say what becomes of the phone's unsent work."""
    return render_template("office/phone_revoke.html", phone=_phone(device_id))


@blueprint.post("/phones/<device_id>/revoke")
@desk("office", "admin")
def phone_revoke_now(device_id: str) -> ResponseReturnValue:
    """Sign the phone out."""
    phone = _phone(device_id)
    revoke_device(actor().org_id, device_id, moment())
    flash(f"{phone.label} of {phone.person} is signed out. What it still sends is kept in quarantine.")
    return redirect(url_for("office.phones_list"))


def _listed() -> dict[str, Any]:
    with reading() as unit:
        rows = phones.list_phones(unit, actor().org_id)
    return {
        "phones": [p for p in rows if p.revoked_at is None],
        "revoked": [p for p in rows if p.revoked_at is not None],
        "skew_ms": SKEW_MS,
    }


def _phone(device_id: str) -> Phone:
    with reading() as unit:
        found = phones.find_phone(unit, actor().org_id, device_id)
    if found is None:
        abort(404)
    return found


def _choose(user_id: str, error: str | None = None) -> str:
    with reading() as unit:
        able = people.able(unit, actor().org_id, ROLES)
    return render_template("office/phone_enrol.html", people=able, user_id=user_id, error=error)


def _state(ref: str) -> EnrolmentState:
    with reading() as unit:
        found = phones.enrolment(unit, actor().org_id, ref)
    if found is None:
        abort(404)
    return found


def _on_screen(ref: str) -> dict[str, str] | None:
    held: dict[str, str] | None = session.get(_SHOWN)
    return held if held and held.get("ref") == ref else None


def _left(state: EnrolmentState) -> dict[str, Any]:
    seconds = int((state.expires_at - moment()).total_seconds())
    return {"seconds": max(0, seconds), "is_over": seconds <= 0}
