"""The board: where parcels are, what waits, which phones have unsent work, how today's runs go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.access import actor, desk
from webapp.office import blueprint, words
from webapp.office.context import moment, zone
from webapp.office.times import today
from webapp.store.queries import board as ask
from webapp.store.queries import cases, deadlines, parcels, review, runs
from webapp.store.queries.parcel_filter import asked_to_cancel
from webapp.store.unit import reading

SOON = timedelta(hours=24)


@blueprint.get("/")
@desk()
def board() -> ResponseReturnValue:
    """The page."""
    return render_template("office/board.html", **_state())


@blueprint.get("/board/live")
@desk()
def board_live() -> ResponseReturnValue:
    """The figures alone, asked for again while the page is open."""
    return render_template("office/_board.html", **_state())


def _state() -> dict[str, Any]:
    org_id, seller = actor().org_id, actor().seller
    with reading() as session:
        counts = parcels.counts_by_status(session, org_id, seller)
        held = {
            "counts": [(status, counts.get(status, 0)) for status in words.STATUSES],
            "total": sum(counts.values()),
            "anomalies": ask.open_by_severity(session, org_id, seller),
            "cancels": len(asked_to_cancel(session, org_id, seller)),
            "due": deadlines.pressing(session, org_id, seller, moment() + SOON),
            "runs": runs.list_runs(session, org_id, seller, day=today(moment(), zone())),
            "late_days": runs.open_days(session, org_id, seller, today(moment(), zone())),
        }
        if seller is None:
            held["waiting"] = review.waiting_counts(session, org_id)
            held["oldest"] = review.oldest_waiting(session, org_id)
            held["cases"] = cases.count_pressing(session, org_id, moment(), moment() + SOON)
            held["phones"] = ask.phones_with_work(session, org_id)
    return held
