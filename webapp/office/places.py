"""Places: where parcels change hands."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.asking import need_tick
from webapp.services.keep_places import PlaceFacts, remove_place, save_place
from webapp.services.propose import areas_text, save_areas
from webapp.store.queries import places
from webapp.store.unit import reading

SHOWN_INLINE = frozenset({409, 422})
KIND_WORDS = [
    ("pickup", "Pickup point"),
    ("drop_off", "Drop-off counter"),
    ("warehouse", "Warehouse"),
    ("hub", "Hub"),
]


@blueprint.get("/places")
@desk("office", "admin")
def places_list() -> str:
    """The shop's places."""
    return _list()


@blueprint.route("/places/new", methods=["GET", "POST"], defaults={"place_id": None})
@blueprint.route("/places/<place_id>", methods=["GET", "POST"])
@desk("office", "admin")
def place_form(place_id: str | None) -> ResponseReturnValue:
    """Add a place, or change one."""
    if request.method == "GET":
        return _place_form(place_id, _place_values(place_id))
    try:
        save_place(actor().org_id, place_id, _place_facts(request.form))
    except Problem as problem:
        return _place_form(place_id, request.form, problem), problem.status
    flash("Saved.")
    return redirect(url_for("office.places_list"))


@blueprint.post("/places/<place_id>/remove")
@desk("office", "admin")
def place_remove(place_id: str) -> ResponseReturnValue:
    """Forget a place that nothing names."""
    try:
        need_tick()
        remove_place(actor().org_id, place_id)
    except Problem as problem:
        return _place_form(place_id, _place_values(place_id), problem), problem.status
    flash("Removed.")
    return redirect(url_for("office.places_list"))


@blueprint.post("/places/areas")
@desk("office", "admin")
def place_areas() -> ResponseReturnValue:
    """Keep where areas lie."""
    try:
        kept = save_areas(actor().org_id, request.form.get("areas", ""))
    except Problem as problem:
        return _list(problem), problem.status
    flash(f"{kept} areas are on the map.")
    return redirect(url_for("office.places_list"), 303)


def _list(problem: Problem | None = None) -> str:
    with reading() as session:
        held = places.list_places(session, actor().org_id)
    areas = request.form.get("areas") if problem else areas_text(actor().org_id)
    return render_template(
        "office/places.html", places=held, kinds=dict(KIND_WORDS), problem=problem, areas=areas
    )


def _place_facts(form: MultiDict[str, str]) -> PlaceFacts:
    lat, lon = form.get("lat", "").strip(), form.get("lon", "").strip()
    try:
        position = (float(lat), float(lon)) if lat or lon else None
    except ValueError as error:
        text = "Write latitude and longitude as 14.5995 and 120.9842, or leave both empty."
        raise Problem("field-invalid", text, field="lat") from error
    return PlaceFacts(form.get("name", ""), form.get("kind", ""), form.get("address", ""), position)


def _place_values(place_id: str | None) -> dict[str, Any]:
    if place_id is None:
        return {"kind": "pickup"}
    with reading() as session:
        place = places.find_place(session, actor().org_id, place_id)
    if place is None:
        abort(404)
    return {
        "name": place.name,
        "kind": place.kind,
        "address": place.address,
        "lat": place.lat,
        "lon": place.lon,
    }


def _place_form(place_id: str | None, values: Any, problem: Problem | None = None) -> str:
    if problem is not None and problem.status not in SHOWN_INLINE:
        raise problem
    return render_template(
        "office/place_form.html", place_id=place_id, values=values, problem=problem, kinds=KIND_WORDS
    )
