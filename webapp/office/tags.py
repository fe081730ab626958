"""Tags to print: which ones, and the pages themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sync.protocol.codes import is_code, normalise
from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import asking, blueprint, words
from webapp.office.prepare import filter_lists
from webapp.services.tags import Symbol, as_png, parcel_code128, parcel_qr
from webapp.store.queries import picking, places, run_members, runs
from webapp.store.queries.picking import Choice, Picked
from webapp.store.unit import reading

A_LEAF = 9
PAGE = 20 * A_LEAF


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its drawings, and by what a person finds the parcel it belongs on."""

    code: str
    qr: Symbol
    bars: Symbol
    items: int
    fragile: bool
    carrier: str | None
    tracking_number: str | None
    order_ids: tuple[str, ...]


@blueprint.get("/tags")
@desk()
def tags() -> str:
    """Choose which tags to print."""
    return _choose()


@blueprint.get("/tags/print")
@desk()
def tags_print() -> str:
    """The tags of a run (`run`), or of all that fits a filter, a part at a time."""
    run_id, page = request.args.get("run"), asking.page_from()
    if run_id:
        choice, again, back = _of_run(run_id), {"run": run_id}, url_for("office.run_page", run_id=run_id)
    else:
        choice = asking.choice_from(request.args, ("expected", "confirmed", "packed", "ready"))
        again, back = asking.as_query(choice), url_for("office.tags")
    return _print(choice, page, again, back)


@blueprint.post("/tags/print")
@desk()
def tags_print_these() -> ResponseReturnValue:
    """The tags of ticked parcels (`code`), of everything on a list, or of pasted codes."""
    who, form = actor(), request.form
    if form.get("scope") == "all":
        choice = asking.choice_from(form, ("expected", "confirmed", "packed"))
        return _print(
            choice, 1, asking.as_query(choice), url_for("office.prepare", **asking.as_query(choice))
        )
    codes, unknown = form.getlist("code"), []
    if not codes:
        try:
            asked = asking.words_from(form.get("codes", ""), required=True)
        except Problem as problem:
            return _choose(problem), problem.status
        with reading() as session:
            found = picking.named(session, who.org_id, who.seller, asked)
        codes = [code for group in found.values() for code in group]
        unknown = [word for word, group in found.items() if not group]
    if not codes:
        none = Problem("field-invalid", "None of these is a parcel of this shop.", field="codes")
        return _choose(none), none.status
    return _print(Choice().only(codes), 1, {}, url_for("office.tags"), asking.LONGEST_LIST, unknown)


@blueprint.get("/tags/<code>.png")
@desk()
def tag_picture(code: str) -> ResponseReturnValue:
    """One parcel's QR as a picture, for a label printer's own program."""
    who = actor()
    if not is_code(code):
        abort(404)
    with reading() as session:
        held = picking.pick(session, who.org_id, who.seller, Choice().only([normalise(code)]))
    if not held:
        abort(404)
    name = f"{held[0].code}.png"
    return Response(
        as_png(parcel_qr(held[0].code)),
        content_type="image/png",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


def _of_run(run_id: str) -> Choice:
    who = actor()
    with reading() as session:
        if runs.find_run(session, who.org_id, who.seller, run_id) is None:
            abort(404)
        return Choice().only(run_members.codes_on(session, who.org_id, run_id))


def _print(
    choice: Choice,
    page: int,
    again: dict[str, Any],
    back: str,
    limit: int = PAGE,
    unknown: Sequence[str] = (),
) -> str:
    who = actor()
    with reading() as session:
        total = sum(picking.count(session, who.org_id, who.seller, choice).values())
        parcels = picking.pick(
            session, who.org_id, who.seller, choice, limit=limit, offset=(page - 1) * limit
        )
        orders = picking.sold(session, who.org_id, [p.code for p in parcels])
        named = {carrier.code: carrier.name for carrier in places.list_carriers(session, who.org_id)}
    drawn = [_tag(p, named, tuple(o.order_id for o in orders.get(p.code, ()))) for p in parcels]
    pages = max(1, -(-total // limit))
    return render_template(
        "office/tags_print.html",
        tags=drawn,
        total=total,
        page=page,
        pages=pages,
        again=again,
        back=back,
        unknown=unknown,
    )


def _tag(parcel: Picked, carriers: dict[str, str], order_ids: tuple[str, ...]) -> Tag:
    carrier = carriers.get(parcel.carrier or "", parcel.carrier)
    return Tag(
        parcel.code,
        parcel_qr(parcel.code),
        parcel_code128(parcel.code),
        parcel.items,
        parcel.fragile,
        carrier,
        parcel.tracking_number,
        order_ids,
    )


def _choose(problem: Problem | None = None) -> str:
    who = actor()
    with reading() as session:
        rows = runs.list_runs(session, who.org_id, who.seller, state="open")
        lists = filter_lists(session)
    statuses = [
        (name, words.status_words(name).word) for name in ("expected", "confirmed", "packed", "ready")
    ]
    return render_template(
        "office/tags.html",
        rows=rows,
        statuses=statuses,
        problem=problem,
        codes=request.form.get("codes", ""),
        **lists,
    )
