"""Stock: what is where and what is short, as it is now; one shelf's book; a count from a file (`R1`, `R33`)."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import page_from
from webapp.office.context import moment
from webapp.office.imports import work_on
from webapp.services.importing import files
from webapp.services.keep_stock import adjust, demand_all
from webapp.services.moving import ALL_STOCK
from webapp.store.queries import people, places
from webapp.store.queries import shop as shops
from webapp.store.queries import stock as ask
from webapp.store.unit import reading

PAGE = 100
MOVE_WORDS = {
    "import": "Counted",
    "adjust": "Corrected",
    "reserve": "Reserved by a confirm",
    "release": "Released",
    "take": "Left with its parcel",
    "give_back": "Given back",
}


@blueprint.get("/stock")
@desk("office", "admin")
def stock() -> str:
    """The board of stock, what is short first."""
    return _board("office/stock.html")


@blueprint.get("/stock/live")
@desk("office", "admin")
def stock_live() -> str:
    """The same without its frame; it asks again by itself."""
    return _board("office/_stock.html")


@blueprint.route("/stock/shelf", methods=["GET", "POST"])
@desk("office", "admin")
def stock_shelf() -> ResponseReturnValue:
    """One SKU in one warehouse: its book, and a correction with a reason."""
    sku, place_id = request.values.get("sku", "")[:255], request.values.get("place", "")[:36]
    if request.method == "GET":
        return _shelf(sku, place_id)
    text = request.form.get("by", "").strip()
    try:
        by = int(text) if re.fullmatch(r"[+-]?[0-9]{1,9}", text) else 0
        left = adjust(
            actor().org_id, actor().user_id, sku, place_id, by, request.form.get("reason", ""), moment()
        )
    except Problem as problem:
        if problem.code == "not-found":
            abort(404)
        return _shelf(sku, place_id, problem), problem.status
    flash(f"Corrected: {left} on hand.")
    return redirect(url_for("office.stock_shelf", sku=sku, place=place_id), 303)


@blueprint.post("/stock/file")
@desk("office", "admin")
def stock_file() -> ResponseReturnValue:
    """Take in a count; its preview says what it would change."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        problem = Problem("import-empty", "Choose the file with the count.")
        return _board("office/stock.html", problem), 422
    try:
        file_id = files.receive(
            actor().org_id, actor().user_id, sent.filename, sent.stream, moment(), "stock"
        )
    except Problem as problem:
        return _board("office/stock.html", problem), 422
    work_on(file_id)
    return redirect(url_for("office.import_file", file_id=file_id), 303)


@blueprint.post("/stock/rule")
@desk("admin")
def stock_rule() -> ResponseReturnValue:
    """Whether a SKU of which no stock is kept may be confirmed."""
    demand_all(actor().org_id, request.form.get("all") == "1")
    flash("Saved.")
    return redirect(url_for("office.stock"), 303)


def _board(template: str, problem: Problem | None = None) -> str:
    org_id, page = actor().org_id, page_from()
    q, place = request.values.get("q", "").strip()[:128], request.values.get("place", "")[:36]
    with reading() as session:
        lines = ask.board(session, org_id, q, place, limit=PAGE + 1, offset=(page - 1) * PAGE)
        total, short, on_hand, reserved = ask.totals(session, org_id, q, place)
        houses = [(p.id, p.name) for p in places.list_places(session, org_id) if p.kind == "warehouse"]
        is_strict = bool(shops.settings(session, org_id).get(ALL_STOCK))
    asked: dict[str, Any] = {"q": q or None, "place": place or None}
    return render_template(
        template,
        lines=lines[:PAGE],
        total=total,
        short=short,
        on_hand=on_hand,
        reserved=reserved,
        houses=houses,
        q=q,
        place=place,
        is_strict=is_strict,
        problem=problem,
        live=url_for("office.stock_live", **asked, page=page),
        earlier=url_for("office.stock", **asked, page=page - 1) if page > 1 else None,
        later=url_for("office.stock", **asked, page=page + 1) if len(lines) > PAGE else None,
    )


def _shelf(sku: str, place_id: str, problem: Problem | None = None) -> str:
    org_id = actor().org_id
    with reading() as session:
        line = ask.shelf(session, org_id, sku, place_id)
        moves = ask.book(session, org_id, sku, place_id)
        names = {person.id: person.name for person in people.list_people(session, org_id)}
    if line is None:
        abort(404)
    return render_template(
        "office/stock_shelf.html",
        line=line,
        moves=moves,
        names=names,
        words=MOVE_WORDS,
        problem=problem,
        form=request.form,
    )
