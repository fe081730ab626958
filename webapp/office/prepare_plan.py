"""Proposals for a whole list: from which warehouse and with which carrier each parcel goes, why, and what is short."""

from __future__ import annotations

from collections import Counter

from flask import render_template, request
from flask.typing import ResponseReturnValue

from sync.protocol.problems import Problem
from sync.rules.stock import words as short_words
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import as_query, choice_from, page_from
from webapp.office.context import moment
from webapp.office.prepare import SHOWN_LEFT
from webapp.services.propose_many import MOST, STATUS, Planned, Proposals, propose_many, take_proposals
from webapp.store.queries import picking
from webapp.store.queries.picking import Choice
from webapp.store.unit import reading

PAGE = 100
SHOW = {"all": "All", "able": "Can be sent", "stays": "Stays"}


@blueprint.get("/prepare/proposals")
@desk("office", "admin")
def prepare_plan() -> str:
    """What is proposed for each expected parcel of the list."""
    return _page(choice_from(request.args, (STATUS,)))


@blueprint.post("/prepare/proposals")
@desk("office", "admin")
def prepare_plan_take() -> ResponseReturnValue:
    """Take all that can be sent as it is proposed, and confirm it; say what moved and what did not."""
    choice = choice_from(request.form, (STATUS,))
    try:
        moved = take_proposals(
            actor().org_id, actor().user_id, choice, request.form.get("digest", ""), moment()
        )
    except Problem as problem:
        if problem.code != "conflict":
            raise
        return _page(choice, problem), problem.status
    return render_template(
        "office/prepare_done.html",
        step="confirm",
        moved=moved,
        shown=moved.left[:SHOWN_LEFT],
        again=as_query(choice),
    )


def _page(choice: Choice, problem: Problem | None = None) -> str:
    proposals, page = propose_many(actor().org_id, choice), page_from()
    show = request.values.get("show", "all")
    show = show if show in SHOW else "all"
    rows = [row for row in proposals.rows if show == "all" or row.is_able is (show == "able")]
    part = rows[(page - 1) * PAGE : page * PAGE]
    with reading() as session:
        orders = picking.sold(session, actor().org_id, [row.parcel.code for row in part])
    return render_template(
        "office/prepare_plan.html",
        choice=choice,
        show=show,
        shows=[
            (name, word, count) for (name, word), count in zip(SHOW.items(), _counts(proposals), strict=True)
        ],
        rows=[(row, _why_not(row)) for row in part],
        orders=orders,
        able=len(proposals.able),
        digest=proposals.digest,
        cut=MOST if proposals.is_cut else 0,
        houses=Counter(_house_of(row) for row in proposals.able).most_common(),
        carriers=Counter(
            row.plan.carrier.name if row.plan.carrier else "None delivers there" for row in proposals.able
        ).most_common(),
        again=as_query(choice),
        earlier=as_query(choice, show=show, page=page - 1) if page > 1 else None,
        later=as_query(choice, show=show, page=page + 1) if page * PAGE < len(rows) else None,
        first=(page - 1) * PAGE + 1,
        total=len(rows),
        problem=problem,
    )


def _counts(proposals: Proposals) -> tuple[int, int, int]:
    able = len(proposals.able)
    return len(proposals.rows), able, len(proposals.rows) - able


def _house_of(row: Planned) -> str:
    if row.plan.warehouse:
        return row.plan.warehouse.name
    return "From several" if row.plan.sources else "Stock not counted"


def _why_not(row: Planned) -> str:
    return row.left or (short_words(row.plan.short) if row.plan.short else "")
