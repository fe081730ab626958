"""Propose a warehouse and a carrier for an order, by stock, distance, area and price (`R33`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.protocol.problems import Problem
from sync.rules import proposal
from sync.rules.proposal import Destination, House, Ranked
from webapp.store.queries import orders, places
from webapp.store.queries import shop as shops
from webapp.store.queries import stock as ask
from webapp.store.stock_needs import lines_of
from webapp.store.unit import Session, lock_org, reading, transaction

AREAS = "areas"  # the setting: {postcode's beginning, town or state: [latitude, longitude]}
MOST_AREAS = 5000


@dataclass(frozen=True, slots=True)
class Proposal:
    """Warehouses and carriers for one order, the best first; empty where there are none. `is_located` on the map."""

    warehouses: list[Ranked]
    carriers: list[Ranked]
    is_located: bool


def propose(org_id: str, order_id: str) -> Proposal | None:
    """What to send this order by; None when the shop has no such order."""
    with reading() as session:
        page = orders.order_page(session, org_id, None, order_id)
        if page is None:
            return None
        lines = lines_of(session.connection(), org_id, [order_id]).get(order_id, {})
        shelves = ask.shelves_of(session, org_id, lines)
        houses = known_houses(session, org_id)
        known = known_carriers(session, org_id)
        areas = shops.settings(session, org_id).get(AREAS) or {}
    order = page.order
    to = Destination(order.postcode or "", order.city or "", order.state or "")
    at = proposal.locate(areas, to)
    return Proposal(
        proposal.warehouses(lines, shelves, houses, at), proposal.carriers(known, to), at is not None
    )


def known_houses(session: Session, org_id: str) -> list[House]:
    """The shop's warehouses."""
    return [
        House(place.id, place.name, _at(place.lat, place.lon))
        for place in places.list_places(session, org_id)
        if place.kind == "warehouse"
    ]


def known_carriers(session: Session, org_id: str) -> list[dict[str, Any]]:
    """The shop's carriers with where they deliver, and for how much."""
    return [
        {"code": carrier.code, "name": carrier.name, "areas": carrier.areas}
        for carrier in places.list_carriers(session, org_id)
    ]


def _at(lat: float | None, lon: float | None) -> tuple[float, float] | None:
    return None if lat is None or lon is None else (lat, lon)


def areas_text(org_id: str) -> str:
    """The areas as the office writes them: one a line, `area; latitude; longitude`."""
    with reading() as session:
        held: Mapping[str, list[float]] = shops.settings(session, org_id).get(AREAS) or {}
    return "\n".join(f"{name}; {lat}; {lon}" for name, (lat, lon) in held.items())


def save_areas(org_id: str, text: str) -> int:
    """Keep these areas instead of those before; gives how many. Problem `field-invalid` names the first bad line."""
    found: dict[str, list[float]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.replace("\t", ";").split(";")]
        try:
            name, lat, lon = parts[0][:128], float(parts[1]), float(parts[2])
        except (IndexError, ValueError) as error:
            told = f"Line {number}: write an area; its latitude; its longitude, as 101; 14.60; 120.98."
            raise Problem("field-invalid", told, field="areas") from error
        if not name or not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise Problem("field-invalid", f"Line {number}: there is no such place on earth.", field="areas")
        found[name] = [lat, lon]
    if len(found) > MOST_AREAS:
        raise Problem("field-invalid", f"Write up to {MOST_AREAS} areas.", field="areas")
    with transaction() as session:
        lock_org(session, org_id)
        shops.set_setting(session, org_id, AREAS, found or None)
    return len(found)
