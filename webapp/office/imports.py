"""Import: a file comes in, its preview says what would change and every bad row, then it is applied, live."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from flask import Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services import timer
from webapp.services.importing import apply, files
from webapp.store.models import ImportFile
from webapp.store.queries import importing as ask
from webapp.store.queries import people
from webapp.store.unit import reading

SMALL = 256 * 1024  # read while the browser waits: about 500 orders, about a second
SHOWN = 100

KIND_WORDS = {"statuses": "a carrier's statuses", "stock": "stock"}
_FACTS = (  # what is counted, in words, its icon, where those parcels are listed
    ("fact_label", "labelled, ready for the handover", "package-check", ""),
    ("fact_shipped", "taken over by the carrier", "truck", ""),
    ("fact_delivered", "delivered", "house", ""),
    ("fact_returned", "returned to the seller", "archive", ""),
    ("fact_lost", "lost by the carrier", "circle-help", ""),
    ("fact_damaged", "damaged on the way", "package-x", ""),
    ("fact_cancel", "cancelled", "ban", ""),
    (
        "fact_cancel_requested",
        "asked to be cancelled",
        "circle-help",
        "/office/parcels?flag=cancel_requested",
    ),
    ("fact_hold", "held back (not paid, or on hold)", "lock", ""),
    ("fact_hold_lifted", "no longer held back", "undo", ""),
    ("parcels_retired", "called off, now in another package", "move-right", ""),
)


@blueprint.get("/import")
@desk("office", "admin")
def import_list() -> str:
    """The way in, and the files that came before."""
    return _list_page()


@blueprint.post("/import")
@desk("office", "admin")
def import_receive() -> ResponseReturnValue:
    """Take a file in and make its preview: at once when it is small, else in the background."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        nothing = Problem("import-empty", "Choose the file that you exported from Seller Center.")
        return _list_page(nothing), 422
    try:
        file_id = files.receive(actor().org_id, actor().user_id, sent.filename, sent.stream, moment())
    except Problem as problem:
        return _list_page(problem), 422
    work_on(file_id)
    return redirect(url_for("office.import_file", file_id=file_id), 303)


@blueprint.get("/import/<file_id>")
@desk("office", "admin")
def import_file(file_id: str) -> str:
    """One file: what it would change, how far it is, or what it did."""
    return render_template("office/import_file.html", **_shown(_find(file_id)))


@blueprint.get("/import/<file_id>/live")
@desk("office", "admin")
def import_live(file_id: str) -> str:
    """The same without its frame, asked for again while something goes on; `was` is the state seen last."""
    file = _find(file_id)
    is_news = request.args.get("was") != file.state
    return render_template("office/_import_live.html", is_news=is_news, **_shown(file))


@blueprint.post("/import/<file_id>/apply")
@desk("office", "admin")
def import_apply(file_id: str) -> ResponseReturnValue:
    """Somebody has seen the preview and wants it."""
    files.queue(actor().org_id, file_id, actor().user_id, moment())
    return _go_on(file_id)


@blueprint.post("/import/<file_id>/dates")
@desk("office", "admin")
def import_dates(file_id: str) -> ResponseReturnValue:
    """The answer to which comes first in the file's dates, the day or the month."""
    files.answer_dates(actor().org_id, file_id, request.form.get("dates", ""), moment())
    return _go_on(file_id)


@blueprint.post("/import/<file_id>/discard")
@desk("office", "admin")
def import_discard(file_id: str) -> ResponseReturnValue:
    """Somebody thought better of it."""
    files.discard(actor().org_id, file_id, moment())
    return redirect(url_for("office.import_list"), 303)


@blueprint.get("/import/<file_id>/bad-rows.csv")
@desk("office", "admin")
def import_bad_rows(file_id: str) -> Response:
    """Every refused row with its reason, for a spreadsheet."""
    file = _find(file_id)
    response = Response(_as_csv(file.rejected), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="bad-rows.csv"'
    return response


def _go_on(file_id: str) -> ResponseReturnValue:
    work_on(file_id)
    return redirect(url_for("office.import_file", file_id=file_id), 303)


def work_on(file_id: str) -> None:
    """Read or apply a file: at once when it is small, else in the background."""
    if _find(file_id, is_light=True).counts.get("size", 0) <= SMALL:
        apply.run_import(actor().org_id, file_id)
    else:
        timer.hand_over_import(actor().org_id, file_id)


def _find(file_id: str, *, is_light: bool = False) -> ImportFile:
    with reading() as session:
        file = ask.find_file(session, actor().org_id, file_id, is_light=is_light)
    if file is None:
        abort(404)
    return file


def _list_page(problem: Problem | None = None) -> str:
    with reading() as session:
        held = ask.list_files(session, actor().org_id)
        names = {person.id: person.name for person in people.list_people(session, actor().org_id)}
    return render_template("office/import.html", files=held, names=names, kinds=KIND_WORDS, problem=problem)


def _shown(file: ImportFile) -> dict[str, Any]:
    told = file.counts.get("result") or file.counts.get("preview") or {}
    counts = told.get("counts", {})
    with reading() as session:
        same = ask.same_file(session, file.org_id, file.sha256, "done")
    return {
        "file": file,
        "kind": file.counts.get("kind", "orders"),
        "told": told,
        "facts": [(counts[name], *shown) for name, *shown in _FACTS if counts.get(name)],
        "no_handover": counts.get("no_handover", 0),
        "bad_rows": file.counts.get("bad_rows", 0),
        "bad": file.rejected[:SHOWN],
        "is_waiting": file.state in files.WAITING,
        "same_before": same if same is not None and same.id != file.id else None,
    }


def _as_csv(rejected: Iterable[dict[str, Any]]) -> str:
    out = io.StringIO()
    # The mark is what makes a spreadsheet read UTF-8 as UTF-8.
    out.write("\ufeff")
    lines = csv.writer(out)
    lines.writerow(["Row", "Column", "Reason", "Explanation"])
    for bad in rejected:
        lines.writerow([bad["row"], *(_harmless(str(bad[name])) for name in ("column", "code", "message"))])
    return out.getvalue()


def _harmless(text: str) -> str:
    # What begins like this, a spreadsheet runs as a formula.
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text
