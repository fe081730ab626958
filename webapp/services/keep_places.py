"""Keep the shop's places: where parcels change hands."""

from __future__ import annotations

from dataclasses import dataclass

import uuid_utils

from sync.protocol.problems import Problem
from webapp.store.models import Place
from webapp.store.queries import places, run_members
from webapp.store.unit import Session, lock_org, transaction

KINDS = ("pickup", "drop_off", "warehouse", "hub")


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """A place as the office writes it down; `position` in decimal degrees, both or none."""

    name: str
    kind: str = "pickup"
    address: str = ""
    position: tuple[float, float] | None = None


def save_place(org_id: str, place_id: str | None, facts: PlaceFacts) -> str:
    """Add a place (`place_id` None) or change one; gives its id. Problems `field-invalid`, `not-found`.

    Phones show a place by name on runs and parcels, so those are given a new change number.
    """
    _check(facts)
    with transaction() as session:
        number = lock_org(session, org_id)
        if place_id is None:
            place = Place(org_id=org_id, id=str(uuid_utils.uuid7()), name="")
            session.add(place)
        else:
            held = places.find_place(session, org_id, place_id)
            if held is None:
                raise Problem("not-found", "There is no such place in this shop.")
            place = held
            if place.kind == "warehouse" != facts.kind:
                _refuse_stocked(session, org_id, place_id, "it can be no other kind of place")
            runs, codes = places.shown_at_place(session, org_id, place_id)
            for run in runs:
                run.changed = number
            run_members.mark_changed(session, org_id, codes, number)
        place.name, place.kind = facts.name.strip(), facts.kind
        place.address = facts.address.strip() or None
        place.lat, place.lon = facts.position or (None, None)
    return place.id


def remove_place(org_id: str, place_id: str) -> None:
    """Forget a place that nothing names. Problems `not-found`, `still-used`."""
    with transaction() as session:
        lock_org(session, org_id)
        place = places.find_place(session, org_id, place_id)
        if place is None:
            raise Problem("not-found", "There is no such place in this shop.")
        parcels, runs = places.uses_of_place(session, org_id, place_id)
        if parcels or runs:
            raise Problem("still-used", f"{parcels} parcels and {runs} runs name this place.")
        _refuse_stocked(session, org_id, place_id, "it cannot be removed")
        session.delete(place)


def _refuse_stocked(session: Session, org_id: str, place_id: str, what: str) -> None:
    on_hand, reserved = places.stock_at(session, org_id, place_id)
    if on_hand or reserved:
        stays = (
            f"{on_hand} pieces are on hand here and {reserved} reserved, so {what}. Count them to 0 first."
        )
        raise Problem("still-used", stays)


def _check(facts: PlaceFacts) -> None:
    if not 1 <= len(facts.name.strip()) <= 120:
        raise Problem("field-invalid", "Give the place a name of up to 120 characters.", field="name")
    if facts.kind not in KINDS:
        raise Problem("field-invalid", "Choose what kind of place it is.", field="kind")
    if facts.position and not (-90 <= facts.position[0] <= 90 and -180 <= facts.position[1] <= 180):
        raise Problem("field-invalid", "A latitude is within ±90, a longitude within ±180.", field="lat")
