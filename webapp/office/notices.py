"""Notices: what was sent to whom, what failed and why, what has to be told by hand, and how the shop tells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import urlencode

from flask import Response, abort, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment, zone
from webapp.office.times import aware, iso_text
from webapp.office.words import Words
from webapp.services.notices import desk as notices_desk
from webapp.services.notices import words
from webapp.services.notices.kinds import KINDS
from webapp.store.queries import notice_views as ask
from webapp.store.queries import notices as held
from webapp.store.queries.notice_views import Row
from webapp.store.unit import Session, reading

STATES: dict[str, Words] = {
    "new": Words("Waiting", "sealed", "clock"),
    "waiting": Words("On its way", "sealed", "clock"),
    "told": Words("Told", "safe", "check-check"),
    "failed": Words("Not told", "stop", "octagon-alert"),
    "unsent": Words("Not sent", "attention", "triangle-alert"),
    "by_hand": Words("Told by hand", "safe", "check"),
    "listed": Words("In the phone's tasks", "sealed", "smartphone"),
}
WAY_STATES: dict[str, Words] = {
    "waiting": Words("Waits", "sealed", "clock"),
    "sending": Words("Being sent", "sent", "send"),
    "sent": Words("Sent", "safe", "check"),
    "maybe": Words("Perhaps arrived", "attention", "triangle-alert"),
    "refused": Words("Refused", "stop", "octagon-alert"),
    "given_up": Words("Given up", "stop", "octagon-alert"),
}
SHOWN = {"all": (), "lost": ask.LOST, "waiting": ("new", "waiting"), "told": ("told", "by_hand", "listed")}
CHOICES = [
    ("all", "All"),
    ("lost", "Nobody was told"),
    ("waiting", "Waiting or on their way"),
    ("told", "Told"),
]
CHANNELS = {"email": "E-mail", "push": "Push", "webhook": "Webhook"}
MOST_CHOSEN = 5000
EXPORTED_AT_ONCE = 1000  # read at a time, however many there are


@blueprint.get("/notices")
@desk("office", "admin")
def notices_list() -> str:
    """The newest first, by state and kind."""
    show, kind = request.args.get("show", "all"), request.args.get("kind", "")
    show, kind = (show if show in SHOWN else "all"), (kind if kind in KINDS else "")
    org_id = actor().org_id
    with reading() as session:
        rows, following = ask.page(session, org_id, SHOWN[show], kind or None, _after())
        ways = ask.ways(session, org_id, [row.notice.id for row in rows])
        say = _Sayer(session, org_id)
        lost = ask.count_lost(session, org_id)
    step = f"{iso_text(following[0], exact=True)}~{following[1]}" if following else None
    query = {"show": show, "kind": kind, "after": step or ""}
    return render_template(
        "office/notices.html",
        rows=[(row, say.words(row).subject, say.to(row), ways[row.notice.id]) for row in rows],
        older="/office/notices?" + urlencode({k: v for k, v in query.items() if v}) if step else None,
        newest=url_for("office.notices_list", show=show, kind=kind) if request.args.get("after") else None,
        show=show,
        kind=kind,
        lost=lost,
        choices=CHOICES,
        kinds=[(name, each.word) for name, each in KINDS.items()],
        states=STATES,
        way_states=WAY_STATES,
        channels=CHANNELS,
    )


@blueprint.get("/notices/<notice_id>")
@desk("office", "admin")
def notice_page(notice_id: str) -> str:
    """One notice: its words, and every way it went."""
    org_id = actor().org_id
    with reading() as session:
        row = ask.one(session, org_id, notice_id)
        if row is None:
            abort(404)
        ways = ask.ways(session, org_id, [notice_id])[notice_id]
        say = _Sayer(session, org_id)
    return render_template(
        "office/notice.html",
        row=row,
        words=say.words(row),
        to=say.to(row),
        ways=ways,
        kinds=KINDS,
        states=STATES,
        way_states=WAY_STATES,
        channels=CHANNELS,
        ended=notices_desk.ENDED,
    )


@blueprint.post("/notices/<notice_id>/again")
@desk("office", "admin")
def notice_again(notice_id: str) -> ResponseReturnValue:
    """Try one way once more, or look again for a way."""
    delivery_id = request.form.get("delivery", "")
    try:
        if delivery_id:
            notices_desk.try_again(actor().org_id, delivery_id, moment())
        else:
            notices_desk.address_again(actor().org_id, notice_id)
    except Problem as problem:
        if problem.code == "not-found":
            abort(404)
        flash(problem.detail, "error")
    else:
        flash("It is tried again within a minute.")
    return redirect(url_for("office.notice_page", notice_id=notice_id), 303)


@blueprint.post("/notices/by-hand")
@desk("office", "admin")
def notices_by_hand() -> ResponseReturnValue:
    """The office has told these itself."""
    chosen = request.form.getlist("notice")[:MOST_CHOSEN]
    done = notices_desk.tell_by_hand(actor().org_id, actor().user_id, chosen, moment())
    flash(f"{done} noted as told by hand." if done else "None was chosen that nobody had been told.")
    return redirect(url_for("office.notices_list", show="lost"), 303)


@blueprint.get("/notices/not-sent.csv")
@desk("office", "admin")
def notices_export() -> Response:
    """All that nobody was told, or all of one kind of it, to send it yourself; in the shop's language."""
    org_id, kind = actor().org_id, request.args.get("kind", "")
    with reading() as session:
        say = _Sayer(session, org_id)
    parts = stream_with_context(_lost_as_csv(org_id, kind if kind in KINDS else None, say))
    response = Response(parts, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="not-sent.csv"'
    return response


class _Sayer:
    """What notices say, in the shop's language, and whom they are for."""

    def __init__(self, session: Session, org_id: str) -> None:
        org = held.organisation(session, org_id)
        self._language = words.language_of(org.market, held.shop_settings(session, org_id).language)
        self._shop = org.name

    def words(self, row: Row) -> words.Words:
        """Subject and text."""
        notice = row.notice
        return words.fill(notice.kind, notice.params, self._language, shop=self._shop, zone=zone())

    def to(self, row: Row) -> str:
        """Whom it is for."""
        notice = row.notice
        if notice.to_kind == "person":
            return row.person or "Somebody who is not known any more"
        if notice.to_kind == "role":
            return "The office" if notice.to == "office" else f"Everybody who is {notice.to}"
        return f"Seller {notice.to}" if notice.to_kind == "seller" else (notice.to or "The buyer")


def _after() -> tuple[datetime, str] | None:
    at, mark, notice_id = request.args.get("after", "").partition("~")
    try:
        return (aware(at), notice_id[:36]) if mark else None
    except ValueError:
        return None


def _lost_as_csv(org_id: str, kind: str | None, say: _Sayer) -> Iterator[str]:
    # The mark is what makes a spreadsheet read UTF-8 as UTF-8.
    yield "\ufeff" + _as_csv([["Raised", "Kind", "For", "Subject", "Text", "Key"]])
    after = None
    while True:
        with reading() as session:
            rows = ask.lost(session, org_id, kind, after, EXPORTED_AT_ONCE)
        yield _as_csv(_cells(row, say) for row in rows)
        if len(rows) < EXPORTED_AT_ONCE:
            return
        after = (rows[-1].notice.created_at, rows[-1].notice.id)


def _cells(row: Row, say: _Sayer) -> list[str]:
    told, notice = say.words(row), row.notice
    cells = [KINDS[notice.kind].word, say.to(row), told.subject, told.text, notice.key]
    return [iso_text(notice.created_at), *(_harmless(cell) for cell in cells)]


def _as_csv(lines: Iterable[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


def _harmless(text: str) -> str:
    # What begins like this, a spreadsheet runs as a formula.
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text
