"""Mark as shipped: orders that the seller ships and has handed over, as the file that Seller Center takes (`R11`)."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import LONGEST_LIST
from webapp.office.context import moment, zone
from webapp.services import ship_by_seller
from webapp.services.ship_by_seller import (
    as_csv,
    as_xlsx,
    confirm_shipped,
    digest_of,
    due_to_mark,
    for_the_file,
)

_KINDS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@blueprint.get("/shipped")
@desk()
def ship_list() -> str:
    """What is due to be marked."""
    return _page()


@blueprint.get("/shipped/orders.csv", defaults={"kind": "csv"})
@blueprint.get("/shipped/orders.xlsx", defaults={"kind": "xlsx"})
@desk()
def ship_file(kind: str) -> Response:
    """The bulk file to upload in Seller Center."""
    fits, _ = for_the_file(due_to_mark(actor().org_id, actor().seller, moment()))
    make, content_type = _KINDS[kind]
    response = Response(make(fits), content_type=content_type)
    name = f"mark-as-shipped-{moment().astimezone(zone()):%Y-%m-%d-%H%M}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.post("/shipped")
@desk()
def ship_done() -> ResponseReturnValue:
    """Somebody says that these are marked in Seller Center now."""
    who, codes = actor(), request.form.getlist("code")[:LONGEST_LIST]
    if "all" in request.form:
        due = due_to_mark(who.org_id, who.seller, moment())
        if request.form.get("seen") != digest_of(due):
            changed = "The list has changed since you opened it. Look at it again, then press."
            return _page(Problem("conflict", changed)), 409
        codes = [each.code for each in due]
    if not codes:
        problem = Problem("field-invalid", "Tick the parcels that you have marked.", field="code")
        return _page(problem), problem.status
    moved = confirm_shipped(who.org_id, who.user_id, who.seller, codes, moment())
    flash(f"{moved.count} marked as shipped." if moved.count != 1 else "One marked as shipped.")
    for why, number in moved.reasons:
        flash(f"{number} stayed: {why}.")
    return redirect(url_for("office.ship_list"), 303)


def _page(problem: Problem | None = None) -> str:
    due = due_to_mark(actor().org_id, actor().seller, moment())
    fits, by_hand = for_the_file(due)
    return render_template(
        "office/shipped.html",
        due=due[:LONGEST_LIST],
        total=len(due),
        seen=digest_of(due),
        fits=len(fits),
        by_hand={each.code for each in by_hand},
        headings=ship_by_seller.HEADINGS,
        problem=problem,
    )
