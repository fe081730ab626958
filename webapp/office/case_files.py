"""What leaves a case as a file: its letters as text and on paper, the table of its parcels, and what was attached."""

from __future__ import annotations

import csv
import io

from flask import Response, abort

from sync.rules.letters import LETTERS
from webapp.access import actor, desk
from webapp.office import blueprint, words
from webapp.office.cases import find_case
from webapp.office.context import zone
from webapp.services.cases.proofs import read_file
from webapp.store.queries import cases as ask
from webapp.store.queries import labels
from webapp.store.queries import shop as shops
from webapp.store.unit import reading

# A buyer is told of their own order; a desk that looks for parcels needs to know which.
WITH_PARCELS = frozenset({"ticket", "appeal"})


@blueprint.get("/cases/<case_id>/letters/<int:position>.txt")
@desk("office", "admin")
def case_letter(case_id: str, position: int) -> Response:
    """A letter as a text file."""
    entry, name = _letter(case_id, position)
    return _download(entry.words.encode(), "text/plain; charset=utf-8", f"{name}.txt")


@blueprint.get("/cases/<case_id>/letters/<int:position>.pdf")
@desk("office", "admin")
def case_letter_pdf(case_id: str, position: int) -> Response:
    """The same letter on paper; a ticket and an appeal bring the table of the case's parcels."""
    from sync.evidence.printing.letter import Letter, print_letter  # noqa: PLC0415 (half a second for a print)

    entry, name = _letter(case_id, position)
    with reading() as session:
        shop = shops.shop(session, actor().org_id).name
        held = (
            ask.parcels_of(session, actor().org_id, case_id) if entry.data["letter"] in WITH_PARCELS else []
        )
    rows = [
        (
            ", ".join(it.orders),
            it.code,
            it.tracking_number or "",
            it.carrier or "",
            words.status_words(it.status).word,
        )
        for it in held
    ]
    title = f"{LETTERS[entry.data['letter']]} {find_case(case_id).number}"
    head = ("Order", "Parcel", "Tracking number", "Carrier", "Status")
    letter = Letter(title, shop, entry.words, entry.data["language"], entry.made_at, zone(), head, rows)
    return _download(print_letter(letter), "application/pdf", f"{name}.pdf")


def _letter(case_id: str, position: int) -> tuple[ask.Entry, str]:
    """The kept letter at this place of the case's history, and what its file is called."""
    case = find_case(case_id)
    with reading() as session:
        kept = [it for it in ask.entries(session, actor().org_id, case_id) if it.position == position]
    if not kept or kept[0].kind != "letter":
        abort(404)
    return kept[0], f"case-{case.number}-{kept[0].data['letter']}-{kept[0].data['language']}"


@blueprint.get("/cases/<case_id>/parcels.csv")
@desk("office", "admin")
def case_parcels(case_id: str) -> Response:
    """The parcels of a case as a table: what goes with a ticket."""
    case = find_case(case_id)
    with reading() as session:
        held = ask.parcels_of(session, actor().org_id, case_id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Order", "Parcel", "Tracking number", "Carrier", "Status", "Handed over", "Delivered"])
    for it in held:
        times = [
            at.isoformat(timespec="seconds") if at else "" for at in (it.handed_over_at, it.delivered_at)
        ]
        row = [" ".join(it.orders), it.code, it.tracking_number or "", it.carrier or "", it.status, *times]
        writer.writerow([_harmless(cell) for cell in row])
    return _download(out.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", f"case-{case.number}.csv")


@blueprint.get("/cases/<case_id>/files/<file_id>")
@desk("office", "admin")
def case_file(case_id: str, file_id: str) -> Response:
    """A file of the case, to be kept: it is never shown inside our own pages."""
    find_case(case_id)
    with reading() as session:
        file = labels.find_file(session, actor().org_id, file_id)
    if file is None or file.purpose != "case" or file.subject != case_id:
        abort(404)
    return _download(read_file(actor().org_id, file), file.type, file.name)


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _download(data: bytes, media_type: str, name: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
