"""The stock of a shop as tests read it: its shelves, movements, what parcels hold, and whether all agree."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from webapp.store.models import Parcel, Reservation, Stock, StockMove
from webapp.store.unit import reading

HOLDING = frozenset({"confirmed", "packed", "ready"})


def shelves(org_id: str) -> dict[str, tuple[int, int]]:
    """(on hand, reserved) by SKU, all warehouses together."""
    on_hand, reserved = Counter[str](), Counter[str]()
    with reading() as session:
        for row in session.execute(select(Stock).where(Stock.org_id == org_id)).scalars():
            assert 0 <= row.reserved <= row.on_hand
            on_hand[row.sku] += row.on_hand
            reserved[row.sku] += row.reserved
    return {sku: (on_hand[sku], reserved[sku]) for sku in on_hand}


def held(org_id: str, state: str = "reserved") -> dict[str, dict[str, int]]:
    """How many of each SKU each parcel holds in this state, by code."""
    found: dict[str, dict[str, int]] = {}
    with reading() as session:
        query = select(Reservation).where(Reservation.org_id == org_id, Reservation.state == state)
        for row in session.execute(query).scalars():
            its = found.setdefault(row.parcel, {})
            its[row.sku] = its.get(row.sku, 0) + row.quantity
    return found


def is_sound(org_id: str) -> bool:
    """Nothing below nothing, nothing promised twice or to nobody, and every piece accounted for by its movements."""
    kinds, on_hand, reserved = Counter[tuple[str, bool]](), Counter[str](), Counter[str]()
    with reading() as session:
        moves = select(StockMove).where(StockMove.org_id == org_id).order_by(StockMove.id)
        for move in session.execute(moves).scalars():
            kinds[move.sku, move.kind in {"import", "adjust"}] += move.on_hand
            on_hand[move.sku] += move.on_hand
            reserved[move.sku] += move.reserved
            assert 0 <= reserved[move.sku] <= on_hand[move.sku]
        rows = session.execute(select(Parcel.code, Parcel.status).where(Parcel.org_id == org_id))
        statuses = dict(map(tuple, rows))
    promised, taken = held(org_id), held(org_id, "taken")
    assert {statuses[code] for code in promised} <= HOLDING
    for sku, (there, spoken_for) in shelves(org_id).items():
        assert (on_hand[sku], reserved[sku]) == (there, spoken_for)
        assert sum(its.get(sku, 0) for its in promised.values()) == spoken_for
        assert kinds[sku, True] == there + sum(its.get(sku, 0) for its in taken.values())
    return True
