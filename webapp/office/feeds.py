"""A carrier's feed: what it told and what became of it, a file to read in, its keys; and orders to mark as shipped."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.vocabulary import VOCABULARIES
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import page_from
from webapp.office.carriers import MEANING_WORDS, find
from webapp.office.context import moment
from webapp.office.imports import work_on
from webapp.services.feeds import keys
from webapp.services.feeds.take import settle_waiting
from webapp.services.importing import files
from webapp.store.queries import carrier_reports, people
from webapp.store.unit import reading

PAGE = 100
OUTCOME_WORDS = {
    "applied": ("Moved the parcel", "safe", "check"),
    "recorded": ("On its timeline", "sent", "check"),
    "told": ("Noted, nothing moved", "sealed", "info"),
    "unknown_parcel": ("Parcel not known", "attention", "circle-help"),
    "unknown_status": ("Status word not known", "attention", "circle-help"),
    "conflict": ("Contradicts itself", "stop", "octagon-alert"),
}
VOCABULARY_WORDS = {
    "baton": "Ours (delivered, in_transit, …)",
    "aftership": "AfterShip",
    "epcis": "EPCIS (GS1)",
    "tiktok": "TikTok Shop",
}


@blueprint.get("/carriers/<code>/feed")
@desk("office", "admin")
def carrier_feed(code: str) -> str:
    """What the feed has told, newest first."""
    return _page(code)


@blueprint.post("/carriers/<code>/feed/file")
@desk("office", "admin")
def carrier_feed_file(code: str) -> ResponseReturnValue:
    """Take in a file of statuses; its preview says what it would do."""
    sent, vocabulary = request.files.get("file"), request.form.get("vocabulary", "")
    find(code)
    if sent is None or not sent.filename:
        return _page(code, problem=Problem("import-empty", "Choose the file that the carrier gave you.")), 422
    try:
        about = {"carrier": code, "vocabulary": vocabulary if vocabulary in VOCABULARIES else ""}
        file_id = files.receive(
            actor().org_id, actor().user_id, sent.filename, sent.stream, moment(), "statuses", about
        )
    except Problem as problem:
        return _page(code, problem=problem), 422
    work_on(file_id)
    return redirect(url_for("office.import_file", file_id=file_id), 303)


@blueprint.post("/carriers/<code>/feed/settle")
@desk("office", "admin")
def carrier_feed_settle(code: str) -> ResponseReturnValue:
    """Look again at what waits."""
    find(code)
    settled = settle_waiting(actor().org_id, actor().user_id, moment(), code)
    flash(
        f"{settled} of the reports that waited went on." if settled else "Nothing has changed for them yet."
    )
    return redirect(url_for("office.carrier_feed", code=code), 303)


@blueprint.post("/carriers/<code>/feed/keys")
@desk("admin")
def carrier_feed_keys(code: str) -> ResponseReturnValue:
    """Make the feed's secret and key, shown this once; or end them."""
    if request.form.get("end") == "1":
        keys.end_keys(actor().org_id, code)
        flash("Ended. Nothing signed with the old secret is taken from now on.")
        return redirect(url_for("office.carrier_feed", code=code), 303)
    made = keys.new_keys(actor().org_id, code, moment())
    return _page(code, made=made)


def _page(code: str, problem: Problem | None = None, made: keys.FeedKeys | None = None) -> str:
    carrier, page = find(code), page_from()
    outcome = request.values.get("outcome", "")
    outcome = outcome if outcome in OUTCOME_WORDS else ""
    org_id = actor().org_id
    with reading() as session:
        rows = carrier_reports.log(session, org_id, code, outcome, limit=PAGE + 1, offset=(page - 1) * PAGE)
        counts = carrier_reports.counts(session, org_id).get(code, {})
        names = {person.id: person.name for person in people.list_people(session, org_id)}
    return render_template(
        "office/carrier_feed.html",
        carrier=carrier,
        rows=rows[:PAGE],
        counts=counts,
        outcome=outcome,
        outcomes=OUTCOME_WORDS,
        meanings=MEANING_WORDS,
        vocabularies=list(VOCABULARY_WORDS.items()),
        names=names,
        earlier=_link(code, outcome, page - 1) if page > 1 else None,
        later=_link(code, outcome, page + 1) if len(rows) > PAGE else None,
        address=_address(org_id, code),
        problem=problem,
        made=made,
    )


def _link(code: str, outcome: str, page: int) -> str:
    return url_for("office.carrier_feed", code=code, outcome=outcome or None, page=page)


def _address(org_id: str, code: str) -> dict[str, Any]:
    base = current_app.extensions["baton-settings"].public_url.rstrip("/")
    return {
        "webhook": base + url_for("sync.feed_webhook", org_id=org_id, carrier=code),
        "reports": base + url_for("sync.feed_reports", org_id=org_id, carrier=code),
    }
