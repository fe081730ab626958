"""The label check of a parcel: its text pasted, or its picture or PDF, each finding shown where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.labels.check import FORBIDDEN, MISSING, OK, SENTENCES, UNREAD
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.office.words import Words
from webapp.services.labels.check_label import check_file, check_text, read_page
from webapp.services.labels.reader import MAX_BYTES
from webapp.store.models import LabelCheck
from webapp.store.queries import labels as ask
from webapp.store.queries import people, timeline
from webapp.store.unit import reading

KINDS: dict[str, Words] = {
    OK: Words("There", "safe", "circle-check"),
    MISSING: Words("Missing", "stop", "circle-x"),
    FORBIDDEN: Words("Must go", "stop", "octagon-alert"),
    UNREAD: Words("Not checked", "attention", "circle-help"),
}
_MARGIN = 0.006


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as the page lists it; `number` is also drawn beside its place, None where it has none."""

    number: int | None
    look: Words
    kind: str
    sentence: str
    detail: str
    page: int
    boxes: tuple[dict[str, int], ...]


class _Place(NamedTuple):
    """Where a finding stands on the label, or in its text."""

    n: int
    page: int
    middle: float
    height: int
    left: int


@blueprint.get("/parcels/<code>/label")
@desk()
def label_form(code: str) -> ResponseReturnValue:
    """The way in, and the looks so far."""
    return _form(_find(code))


@blueprint.post("/parcels/<code>/label")
@desk()
def label_check(code: str) -> ResponseReturnValue:
    """Check what was sent, and show what was found."""
    held = _find(code)
    sent, text = request.files.get("file"), request.form.get("text", "")
    who = (actor().org_id, actor().user_id, held)
    try:
        if sent is not None and sent.filename:
            data = sent.stream.read(MAX_BYTES + 1)
            check_id = check_file(*who, sent.filename, data, moment())
        else:
            check_id = check_text(*who, text, moment())
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _form(held, problem, text), 422
    return redirect(url_for("office.label_result", check_id=check_id), 303)


@blueprint.get("/labels/<check_id>")
@desk()
def label_result(check_id: str) -> str:
    """One look: what is there, what is missing, what must go, and where it stands."""
    held = _held(check_id)
    shown = _numbered(held)
    return render_template(
        "office/label.html",
        check=held,
        required=_by_number(it for it in shown if it.kind != FORBIDDEN),
        forbidden=_by_number(it for it in shown if it.kind == FORBIDDEN),
        pages=[
            {**page, "marks": [it for it in shown if it.boxes and it.page == number]}
            for number, page in enumerate(held.pages)
        ],
        pieces=_pieces(held),
        by=_name(held.made_by),
    )


@blueprint.get("/labels/<check_id>/pages/<int:number>")
@desk()
def label_page(check_id: str, number: int) -> Response:
    """The picture of one page."""
    response = Response(read_page(actor().org_id, _held(check_id), number), content_type="image/jpeg")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _find(code: str) -> str:
    with reading() as session:
        held = timeline.resolve_code(session, actor().org_id, actor().seller, code)
    return held or abort(404)


def _held(check_id: str) -> LabelCheck:
    with reading() as session:
        held = ask.find_check(session, actor().org_id, check_id)
    if held is None:
        abort(404)
    _find(held.code)
    return held


def _name(user_id: str | None) -> str:
    with reading() as session:
        found = people.person(session, actor().org_id, user_id or "")
    return found.name if found else "Somebody"


def _form(code: str, problem: Problem | None = None, text: str = "") -> str:
    with reading() as session:
        checks = ask.checks(session, actor().org_id, code)
        expected = ask.expected(session, actor().org_id, code)
    return render_template(
        "office/label_form.html", code=code, checks=checks, expected=expected, problem=problem, text=text
    )


def _numbered(held: LabelCheck) -> list[Shown]:
    """The findings in their own order, those that have a place numbered as one meets them on the label."""
    boxes = [
        tuple(_pixels(box, held.pages[finding["page"]]) for box in finding.get("boxes", ()))
        for finding in held.findings
    ]
    places = [
        _place(n, finding, boxes[n])
        for n, finding in enumerate(held.findings)
        if boxes[n] or finding.get("end", 0) > 0
    ]
    numbers = {n: number for number, n in enumerate(_as_read(places), 1)}
    return [_shown(finding, numbers.get(n), boxes[n]) for n, finding in enumerate(held.findings)]


def _place(n: int, finding: Mapping[str, Any], boxes: Sequence[Mapping[str, int]]) -> _Place:
    if not boxes:
        return _Place(n, 0, finding["start"], 1, 0)
    first = boxes[0]
    return _Place(n, finding["page"], first["y"] + first["height"] / 2, first["height"], first["x"])


def _as_read(places: Iterable[_Place]) -> Iterator[int]:
    """The findings' own numbers, line after line and from the left: letters of one line are not equally high."""
    lines: list[list[_Place]] = []
    for place in sorted(places, key=lambda it: (it.page, it.middle)):
        first = lines[-1][0] if lines else None
        if (
            first
            and first.page == place.page
            and place.middle - first.middle < min(first.height, place.height) / 2
        ):
            lines[-1].append(place)
        else:
            lines.append([place])
    return (place.n for line in lines for place in sorted(line, key=lambda it: it.left))


def _shown(finding: Mapping[str, Any], number: int | None, boxes: tuple[dict[str, int], ...]) -> Shown:
    kind, code = finding["kind"], finding["code"]
    sentence = "QR codes and barcodes" if kind == UNREAD and code == "qr" else SENTENCES.get(code, code)
    return Shown(number, KINDS[kind], kind, sentence, finding["detail"], finding.get("page", 0), boxes)


def _by_number(shown: Iterable[Shown]) -> list[Shown]:
    """As a list names them: by their number, those without a place after them."""
    return sorted(shown, key=lambda it: (it.number is None, it.number or 0))


def _pixels(box: list[float], page: dict[str, Any]) -> dict[str, int]:
    """A box in the picture's own pixels, a little wider than what it is about."""
    left, top = max(0.0, box[0] - _MARGIN), max(0.0, box[1] - _MARGIN)
    right, bottom = min(1.0, box[2] + _MARGIN), min(1.0, box[3] + _MARGIN)
    width, height = page["width"], page["height"]
    return {
        "x": round(left * width),
        "y": round(top * height),
        "width": max(4, round((right - left) * width)),
        "height": max(4, round((bottom - top) * height)),
    }


def _pieces(held: LabelCheck) -> list[tuple[str, int | None, str]]:
    """The text in pieces, each with the number and kind of the finding that it is, for pages without a picture."""
    if held.pages or not held.text:
        return []
    spans = []
    for shown, finding in zip(_numbered(held), held.findings, strict=True):
        if finding.get("end", 0) > finding.get("start", 0) and shown.number is not None:
            spans.append((finding["start"], finding["end"], shown.number, shown.kind))
    pieces: list[tuple[str, int | None, str]] = []
    at = 0
    for start, end, number, kind in sorted(spans):
        if start < at:
            continue
        pieces += [(held.text[at:start], None, ""), (held.text[start:end], number, kind)]
        at = end
    return [*pieces, (held.text[at:], None, "")]
