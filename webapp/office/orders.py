"""Orders as the marketplace told them: the list, and one order with its lines and parcels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from urllib.parse import urlencode

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.times import aware, iso_text
from webapp.office.words import marketplace_word
from webapp.services.propose import propose
from webapp.store.queries import orders as ask
from webapp.store.queries import parcels as parcel_queries
from webapp.store.queries.orders import OrderStep
from webapp.store.unit import reading

PATH = "/office/orders"


@blueprint.get("/orders")
@desk()
def orders() -> ResponseReturnValue:
    """The page, newest order first."""
    fields = {name: request.args.get(name, "").strip()[:128] for name in ("q", "status")}
    with reading() as session:
        occurring = ask.platform_statuses(session, actor().org_id, actor().seller)
        statuses = {marketplace_word(name): name for name in reversed(occurring)}  # one for each word
        page = ask.list_orders(
            session,
            actor().org_id,
            actor().seller,
            q=fields["q"],
            statuses=_spelt_alike(fields["status"], occurring),
            step=_step(),
        )
    return render_template(
        "office/orders.html",
        page=page,
        fields=fields,
        statuses=sorted((name, word) for word, name in statuses.items()),
        newer=_address(fields, before=_place(page.newer)) if page.newer else None,
        older=_address(fields, after=_place(page.older)) if page.older else None,
    )


@blueprint.get("/orders/<order_id>")
@desk()
def order(order_id: str) -> ResponseReturnValue:
    """One order; 404 for another shop's or another seller's."""
    with reading() as session:
        page = ask.order_page(session, actor().org_id, actor().seller, order_id[:32])
        carriers = dict(parcel_queries.carriers(session, actor().org_id))
    if page is None:
        abort(404)
    # What is on the shelves and what carriers charge is the shop's own, as on its pages.
    proposal = propose(actor().org_id, order_id[:32]) if actor().seller is None else None
    return render_template("office/order.html", page=page, carrier_names=carriers, proposal=proposal)


def _step() -> OrderStep | None:
    for name, is_back in (("after", False), ("before", True)):
        at, mark, order_id = request.args.get(name, "").partition("~")
        if not mark or not (order_id.isascii() and order_id.isalnum()):
            continue
        try:
            return OrderStep(aware(at).astimezone(UTC) if at else None, order_id[:32], is_back)
        except (ValueError, OverflowError):
            continue
    return None


def _spelt_alike(status: str, occurring: Sequence[str]) -> Sequence[str]:
    """All that the office calls by the same word; the marketplace spells some in two ways."""
    if not status:
        return ()
    return [name for name in occurring if marketplace_word(name) == marketplace_word(status)] or [status]


def _place(step: OrderStep) -> str:
    return f"{iso_text(step.at, exact=True) if step.at else ''}~{step.order_id}"


def _address(fields: dict[str, str], **place: str) -> str:
    return f"{PATH}?{urlencode({k: v for k, v in {**fields, **place}.items() if v})}"
