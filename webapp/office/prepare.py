"""Confirm, label, cancel: one parcel, a few, or everything on a list in one press."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import as_query, choice_from, page_from
from webapp.office.context import moment
from webapp.services.cancel_parcels import AFTERWARDS, CANCEL_REASONS, cancel_parcels, note_of
from webapp.services.confirm_parcels import confirm_parcels
from webapp.services.label_parcels import label_parcels
from webapp.services.moving import Moved
from webapp.store.queries import picking, places
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading

BEFORE_READY = ("expected", "confirmed", "packed")
STEPS = ("confirm", "label", "cancel")
PAGE = 100
SHOWN_LEFT = 200


@blueprint.get("/prepare")
@desk()
def prepare() -> str:
    """What is not ready yet, to be confirmed and labelled."""
    return _page(choice_from(request.args, BEFORE_READY))


@blueprint.post("/prepare")
@desk()
def prepare_press() -> ResponseReturnValue:
    """Confirm, label or cancel what is ticked, or, asked once more, all that fits; say what moved and what did not."""
    choice, step = choice_from(request.form, BEFORE_READY), request.form.get("step", "")
    if step not in STEPS:
        raise Problem("field-invalid", "Choose whether to confirm, to label or to cancel.", field="step")
    if step == "cancel":
        try:
            note_of(*_why())
        except Problem as refused:
            return _page(choice, refused), refused.status
    if request.form.get("scope") != "all":
        codes = request.form.getlist("code")
        if not codes:
            problem = Problem(
                "field-invalid", "Tick the parcels you mean, or choose all of the list.", field="code"
            )
            return _page(choice, problem), problem.status
        chosen = choice.only(codes)
    else:
        chosen = choice
        if (question := _ask_for_all(step, choice)) is not None:
            return question
    moved = _move(step, chosen)
    return render_template(
        "office/prepare_done.html",
        step=step,
        moved=moved,
        shown=moved.left[:SHOWN_LEFT],
        again=as_query(choice),
        afterwards=AFTERWARDS if step == "cancel" and moved.count else "",
    )


def _why() -> tuple[str, str]:
    return request.form.get("reason", ""), request.form.get("note", "")


def _move(step: str, chosen: Choice) -> Moved:
    who = actor()
    if step == "confirm":
        return confirm_parcels(who.org_id, who.user_id, who.seller, chosen, moment())
    if step == "cancel":
        reason, note = _why()
        return cancel_parcels(who.org_id, who.user_id, who.seller, chosen, moment(), reason=reason, note=note)
    skip = request.form.get("without_packing") == "1"
    return label_parcels(who.org_id, who.user_id, who.seller, chosen, moment(), without_packing=skip)


def _ask_for_all(step: str, choice: Choice) -> ResponseReturnValue | None:
    """The question with its number; None once somebody said yes to the number that still holds."""
    who, seen = actor(), request.form.get("seen")
    with reading() as session:
        counts = picking.count(session, who.org_id, who.seller, choice)
    total = sum(counts.values())
    if seen == str(total):
        return None
    problem = None
    if seen is not None:
        problem = Problem("conflict", "The list changed since you looked. Nothing was moved.")
    if not total:
        return _page(choice, problem), problem.status if problem else 200
    page = render_template(
        "office/prepare_sure.html",
        step=step,
        choice=choice,
        counts=counts,
        total=total,
        without_packing=request.form.get("without_packing") == "1",
        why=_why(),
        again=as_query(choice),
        problem=problem,
    )
    return page, problem.status if problem else 200


def _page(choice: Choice, problem: Problem | None = None) -> str:
    who, page = actor(), page_from()
    with reading() as session:
        counts = picking.count(session, who.org_id, who.seller, choice)
        rows = picking.pick(session, who.org_id, who.seller, choice, limit=PAGE, offset=(page - 1) * PAGE)
        orders = picking.sold(session, who.org_id, [row.code for row in rows])
        lists = filter_lists(session)
    total = sum(counts.values())
    return render_template(
        "office/prepare.html",
        choice=choice,
        counts=counts,
        total=total,
        needed=_needed(counts),
        rows=rows,
        orders=orders,
        offered=(*BEFORE_READY, "ready"),
        ticked=set(request.form.getlist("code")),
        is_all=request.form.get("scope") == "all",
        skips=request.form.get("without_packing") == "1",
        reasons=CANCEL_REASONS,
        why=_why(),
        proposed=as_query(replace(choice, statuses=())),
        earlier=as_query(choice, page=page - 1) if page > 1 else None,
        later=as_query(choice, page=page + 1) if page * PAGE < total else None,
        page=page,
        problem=problem,
        **lists,
    )


def _needed(counts: Mapping[str, int]) -> str:
    """The press that what is listed waits for, the earliest first; "" when all of it is ready, or is to be packed."""
    if counts.get("expected"):
        return "confirm"
    return "label" if counts.get("packed") else ""


def filter_lists(session: Any) -> dict[str, Any]:
    """The carriers, sellers and places that a filter offers, as (value, word)."""
    who = actor()
    carriers, sellers = picking.choices_of(session, who.org_id, who.seller)
    named = {carrier.code: carrier.name for carrier in places.list_carriers(session, who.org_id)}
    return {
        "carriers": [(code, named.get(code, code)) for code in sorted({*carriers, *named})],
        "sellers": [(seller, seller) for seller in sellers],
        "places": [(place.id, place.name) for place in places.list_places(session, who.org_id)],
    }
