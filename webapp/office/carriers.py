"""Carriers: who takes parcels from us, what their numbers and words look like, and what their feeds tell."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from sync.protocol.problems import Problem
from sync.rules import carriers as table
from sync.rules.vocabulary import MEANINGS
from webapp.access import actor, desk
from webapp.office import asking, blueprint
from webapp.office.asking import need_tick
from webapp.office.context import moment
from webapp.services.feeds.take import settle_waiting
from webapp.services.keep_carriers import CarrierFacts, facts_from_table, remove_carrier, save_carrier
from webapp.store.models import Carrier
from webapp.store.queries import carrier_reports, places
from webapp.store.unit import reading

SHOWN_INLINE = frozenset({409, 422})
MEANING_WORDS = {
    "told": "The carrier only knows of it",
    "scan": "On its way",
    "out_for_delivery": "Out for delivery",
    "attempt": "Delivery tried in vain",
    "delivered": "Delivered",
    "returning": "On its way back",
    "returned": "Back at the seller",
    "lost": "Lost",
    "damaged": "Damaged",
}
CHECK_WORDS = {"s10": "Postal S10 (the 11th of 13 characters)"}


@blueprint.get("/carriers")
@desk("office", "admin")
def carriers_list() -> str:
    """The shop's carriers, and those of the public table it could begin with."""
    org_id = actor().org_id
    with reading() as session:
        held = places.list_carriers(session, org_id)
        untranslated = carrier_reports.untranslated(session, org_id)
        heard = carrier_reports.last_received(session, org_id)
    own = {carrier.built_in for carrier in held}
    return render_template(
        "office/carriers.html",
        carriers=held,
        untranslated=untranslated,
        heard=heard,
        known=[carrier for carrier in table.TABLE if carrier.code not in own],
        names={carrier.code: carrier.name for carrier in table.TABLE},
        today=asking.today(),
    )


@blueprint.route("/carriers/new", methods=["GET", "POST"], defaults={"code": None})
@blueprint.route("/carriers/<code>", methods=["GET", "POST"])
@desk("office", "admin")
def carrier_form(code: str | None) -> ResponseReturnValue:
    """Add a carrier, or change one."""
    if request.method == "GET":
        values = _values(code) if code else _begun(request.args.get("like", ""))
        return _form(code, values)
    form = request.form
    try:
        save_carrier(
            actor().org_id, code or form.get("code", "").strip(), facts_from(form), is_new=code is None
        )
    except Problem as problem:
        return _form(code, form, problem), problem.status
    settled = settle_waiting(actor().org_id, actor().user_id, moment(), code) if code else 0
    flash("Saved. Phones get the new rules when they next reach the server.")
    if settled:
        flash(f"{settled} reports that had waited for a word went on.")
    return redirect(url_for("office.carriers_list"))


@blueprint.post("/carriers/<code>/remove")
@desk("office", "admin")
def carrier_remove(code: str) -> ResponseReturnValue:
    """Forget a carrier that nothing names."""
    try:
        need_tick()
        remove_carrier(actor().org_id, code)
    except Problem as problem:
        return _form(code, _values(code), problem), problem.status
    flash("Removed.")
    return redirect(url_for("office.carriers_list"))


def facts_from(form: MultiDict[str, str]) -> CarrierFacts:
    """What the form says. Problem `field-invalid`."""
    return CarrierFacts(
        form.get("name", ""),
        tuple(form.get("names", "").splitlines()),
        form.get("tracking_pattern", ""),
        form.get("provider_id", "").strip(),
        check=form.get("check", ""),
        built_in=form.get("built_in", ""),
        contract_ref=form.get("contract_ref", ""),
        contract_until=_day(form.get("contract_until", "")),
        status_words=_words(form.get("status_words", "")),
        areas=_areas(form.get("areas", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Problem(
            "field-invalid", "Write the day as 2026-12-31, or leave it empty.", field="contract_until"
        ) from error


def _words(text: str) -> dict[str, str]:
    """One a line, `their word = our word`."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, equals, its = line.rpartition("=")
        its = its.strip().lower()
        if not equals or its not in MEANINGS:
            told = f"“{line[:60]}”: write a word, = and one of {', '.join(MEANINGS)}."
            raise Problem("field-invalid", told, field="status_words")
        found[word.strip()] = its
    return found


def _areas(text: str) -> list[dict[str, Any]]:
    """One a line, `area; price; days`: a postcode's beginning, a town or a state; `*` is everywhere."""
    found: list[dict[str, Any]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = [part.strip() for part in line.split(";")] + ["", ""]
        area = "" if parts[0] == "*" else parts[0][:128]
        try:
            price = _price(parts[1])
            days = int(parts[2]) if parts[2] else None
        except (InvalidOperation, ValueError) as error:
            told = f"“{line[:60]}”: write an area; a price; days, as 10110; 45.00; 2."
            raise Problem("field-invalid", told, field="areas") from error
        if (price and not 0 <= Decimal(price) < 10**9) or (days is not None and not 0 <= days < 1000):
            raise Problem("field-invalid", f"“{line[:60]}”: such a price or time cannot be.", field="areas")
        found.append({"area": area, "price": price, "days": days})
    return found


def _price(text: str) -> str | None:
    """An amount as it was written; ValueError for what is none, such as NaN."""
    if not text:
        return None
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(text)
    return str(amount)


def find(code: str) -> Carrier:
    """A carrier of this shop, or 404."""
    with reading() as session:
        carrier = places.find_carrier(session, actor().org_id, code)
    if carrier is None:
        abort(404)
    return carrier


def _begun(like: str) -> dict[str, Any]:
    """The form's first values: empty, or those of a carrier of the public table."""
    if not like:
        return {}
    try:
        facts = facts_from_table(like)
    except Problem:
        abort(404)
    return {
        "code": like,
        "name": facts.name,
        "names": "\n".join(facts.names),
        "tracking_pattern": facts.tracking_pattern,
        "check": facts.check,
        "built_in": facts.built_in,
    }


def _values(code: str) -> dict[str, Any]:
    carrier = find(code)
    words, areas = carrier.status_words or {}, carrier.areas or []
    return {
        "code": carrier.code,
        "name": carrier.name,
        "names": "\n".join(carrier.names or ()),
        "built_in": carrier.built_in or "",
        "tracking_pattern": carrier.tracking_pattern,
        "check": carrier.check_digit or "",
        "provider_id": carrier.provider_id,
        "contract_ref": carrier.contract_ref,
        "contract_until": carrier.contract_until.isoformat() if carrier.contract_until else "",
        "status_words": "\n".join(f"{word} = {its}" for word, its in words.items()),
        "areas": "\n".join(_area_line(area) for area in areas),
    }


def _area_line(area: dict[str, Any]) -> str:
    price, days = area.get("price"), area.get("days")
    return "; ".join((area["area"] or "*", price or "", "" if days is None else str(days))).rstrip("; ")


def _form(code: str | None, values: Any, problem: Problem | None = None) -> str:
    if problem is not None and problem.status not in SHOWN_INLINE:
        raise problem
    with reading() as session:
        waiting = carrier_reports.unknown_words(session, actor().org_id, code) if code else []
    return render_template(
        "office/carrier_form.html",
        code=code,
        values=values,
        problem=problem,
        waiting=waiting,
        meanings=[(name, MEANING_WORDS[name]) for name in MEANINGS],
        checks=[(name, CHECK_WORDS[name]) for name in table.CHECKS],
        known=[(carrier.code, carrier.name) for carrier in table.TABLE],
        sources=sorted({form.source for form in table.BY_CODE[values["built_in"]].patterns})
        if values.get("built_in") in table.BY_CODE
        else [],
    )
