"""Rescue files: one comes in, everything readable goes through the door, and each item says what became of it."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import CATALOGUE, Problem
from webapp.access import actor, desk
from webapp.office import blueprint, held_words
from webapp.office.asking import page_from
from webapp.office.context import moment
from webapp.office.words import Words
from webapp.services.rescuing.take import take_rescue
from webapp.store.queries import people
from webapp.store.queries import rescues as ask
from webapp.store.unit import reading

PAGE = 100
ENDS: dict[str, Words] = {
    "applied": Words("Came in", "safe", "check"),
    "recorded": Words("Came in, nothing moved", "safe", "check"),
    "duplicate": Words("Was here already", "sealed", "check-check"),
    "quarantined": Words("Held in quarantine", "attention", "archive"),
    "retry": Words("To be tried again", "stop", "rotate-ccw"),
    "kept": Words("Came in", "safe", "check"),
    "held": Words("Was here already", "sealed", "check-check"),
    "refused": Words("Refused", "stop", "x"),
    "unread": Words("Not read", "stop", "triangle-alert"),
}


@blueprint.get("/rescue")
@desk("office", "admin")
def rescue_list() -> str:
    """The way in, and the files that came before."""
    return _list_page()


@blueprint.post("/rescue")
@desk("office", "admin")
def rescue_receive() -> ResponseReturnValue:
    """Take a file in."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _list_page(Problem("rescue-empty", "Choose the file that the phone wrote.")), 422
    try:
        done = take_rescue(actor().org_id, actor().user_id, sent.filename, sent.stream, moment())  # type: ignore[arg-type]
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _list_page(problem), 422
    return redirect(url_for("office.rescue_file", rescue_id=done.id), 303)


@blueprint.get("/rescue/<rescue_id>")
@desk("office", "admin")
def rescue_file(rescue_id: str) -> str:
    """One file: what came in of it, item by item."""
    first = (page_from() - 1) * PAGE
    org_id = actor().org_id
    with reading() as session:
        file = ask.find_file(session, org_id, rescue_id)
        if file is None:
            abort(404)
        events = ask.items(session, org_id, rescue_id, ["event"], first, PAGE + 1)
        blobs = ask.items(session, org_id, rescue_id, ["blob"], first, PAGE + 1)
        troubles = ask.items(session, org_id, rescue_id, ["trouble"], first, PAGE + 1)
        told = ask.told_of(session, org_id, [item.name for item in events])
        names = {person.id: person.name for person in people.list_people(session, org_id)}
    has_more = any(len(listed) > PAGE for listed in (events, blobs, troubles))
    return render_template(
        "office/rescue_file.html",
        file=file,
        by=names.get(file.made_by or "", "Command line"),
        events=[(item, told.get(item.sha256 or ""), ENDS[item.status], _why(item)) for item in events[:PAGE]],
        blobs=[(item, ENDS[item.status], _why(item)) for item in blobs[:PAGE]],
        first=first,
        troubles=troubles[:PAGE],
        newer=_step(rescue_id, page_from() - 1) if page_from() > 1 else None,
        older=_step(rescue_id, page_from() + 1) if has_more else None,
    )


def _list_page(problem: Problem | None = None) -> str:
    with reading() as session:
        held = ask.list_files(session, actor().org_id)
        names = {person.id: person.name for person in people.list_people(session, actor().org_id)}
    return render_template("office/rescue.html", files=held, names=names, problem=problem)


def _step(rescue_id: str, page: int) -> str:
    return url_for("office.rescue_file", rescue_id=rescue_id, page=page)


def _why(item: Any) -> str:
    if item.status == "quarantined" and item.code:
        return held_words.held_sentence(item.code)
    return f"{CATALOGUE[item.code][0]}: {item.detail}" if item.code in CATALOGUE else item.detail
