"""Packing: the checklist that phones ask, and the products that are fragile or dangerous."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.packing import MOST_POINTS, Point
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.keep_checklist import read_checklist, save_checklist
from webapp.services.keep_fragile_words import read_fragile_words, save_fragile_words
from webapp.services.mark_products import mark_product
from webapp.store.queries import goods
from webapp.store.unit import reading

_WHENS = [("always", "Every parcel"), ("delicate", "Fragile ones only")]
_SPARE = 2


@blueprint.get("/packing")
@desk("office", "admin")
def packing() -> str:
    """The checklist and the products."""
    return _page()


@blueprint.post("/packing")
@desk("office", "admin")
def packing_checklist() -> ResponseReturnValue:
    """Keep the checklist: an empty line is left out, a new one gets a name of its own."""
    if request.form.get("guide") == "1":
        save_checklist(actor().org_id, None)
        flash("The guide's own list is back. Phones get it when they next reach the server.")
        return redirect(url_for("office.packing"))
    points = _points()
    try:
        save_checklist(actor().org_id, points)
    except Problem as problem:
        if problem.code != "field-invalid":
            raise
        return _page(points=points, problem=problem), problem.status
    flash("Saved. Phones get the list when they next reach the server.")
    return redirect(url_for("office.packing"))


@blueprint.post("/packing/words")
@desk("office", "admin")
def packing_words() -> ResponseReturnValue:
    """Keep the words of seller notes that mark a parcel as fragile."""
    is_back = request.form.get("own") == "1"
    try:
        save_fragile_words(actor().org_id, None if is_back else request.form.get("words", ""))
    except Problem as problem:
        if problem.code != "field-invalid":
            raise
        return _page(problem=problem), problem.status
    flash("Baton’s own words are back." if is_back else "Saved. Imports read seller notes by these words.")
    return redirect(url_for("office.packing", _anchor="words"))


@blueprint.route("/packing/products/<sku_id>", methods=["GET", "POST"])
@desk("office", "admin")
def product_form(sku_id: str) -> ResponseReturnValue:
    """Mark one product as fragile or dangerous."""
    with reading() as session:
        product = goods.find_product(session, actor().org_id, sku_id)
    if product is None:
        abort(404)
    if request.method == "GET":
        return render_template("office/product_form.html", product=product, problem=None)
    form = request.form
    try:
        count = mark_product(
            actor().org_id,
            actor().user_id,
            sku_id,
            moment(),
            fragile=form.get("fragile") == "1",
            dangerous=form.get("dangerous") == "1",
            note=form.get("note", ""),
        )
    except Problem as problem:
        if problem.code != "field-invalid":
            raise
        return render_template("office/product_form.html", product=product, problem=problem), problem.status
    flash(f"Saved, for {count} parcel{'' if count == 1 else 's'} under way and all to come.")
    return redirect(url_for("office.packing", _anchor="products"))


def _points() -> list[Point]:
    form = request.form
    rows = zip(form.getlist("code"), form.getlist("label"), form.getlist("when"), strict=False)
    kept = [(code.strip(), label, when) for code, label, when in rows if label.strip()]
    taken = {code for code, _, _ in kept if code}
    points = []
    for code, label, when in kept[: MOST_POINTS + 1]:
        name = code or next(f"own_{n}" for n in range(1, 1000) if f"own_{n}" not in taken)
        taken.add(name)
        points.append(Point(name, label, when))
    return points


def _page(points: Any = None, problem: Problem | None = None) -> str:
    text = request.args.get("q", "").strip()[:100]
    with reading() as session:
        products = goods.products(session, actor().org_id, text)
    shown = list(points if points is not None else read_checklist(actor().org_id))
    spare = [Point("", "", "always")] * min(_SPARE, max(0, MOST_POINTS - len(shown)))
    return render_template(
        "office/packing.html",
        points=shown + spare,
        problem=problem,
        whens=_WHENS,
        words=request.form.get("words", "\n".join(read_fragile_words(actor().org_id))),
        products=products,
        text=text,
        most=goods.MOST_PRODUCTS,
    )
