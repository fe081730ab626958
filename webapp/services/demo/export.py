"""A Seller Center export that nobody exported: made up, dated around now, as hard to read as a real one.

It has the byte order mark, the row of descriptions, the tabs behind ids, quoted commas and line breaks, one
package with two orders, one order in two packages, and every stage an order can be in.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from webapp.services.importing.reading.columns import HEADINGS

CARRIERS = (("Demo Express", "DXE"), ("Demo Van", "DVN"), ("Demo Post", "DPO"))
WAREHOUSE = "Demo warehouse"
OTHER_WAREHOUSE = "Demo partner shop"

# How many orders of each stage, and what the two status columns say.
STAGES = (
    ("unpaid", 2, "Unpaid", "Unpaid"),
    ("awaiting_shipment", 9, "To ship", "Awaiting shipment"),
    ("awaiting_collection", 34, "To ship", "Awaiting collection"),
    ("in_transit", 8, "Shipped", "In transit"),
    ("delivered", 4, "Completed", "Completed"),
    ("cancelled", 3, "Canceled", "Canceled"),
)
ORDERS = sum(count for _, count, _, _ in STAGES)

_GOODS = (
    ("Batik shirt, long sleeve", "Blue, L", "Fashion", "49.90", "0.350"),
    ("Teapot, hand painted", "White", "Home", "89.00", "1.200"),
    ('Notebook "A5", 3 pieces', "Plain", "Stationery", "12.50", "0.400"),
    ("Coffee beans 1 kg", "Dark roast", "Food", "38.00", "1.050"),
    ("Phone stand", "Bamboo", "Electronics", "25.90", "0.220"),
)
_AHEAD_OF_LABEL = timedelta(hours=2)


def write_export(path: Path, now: datetime, zone: tzinfo) -> None:
    """Write the demo shop's export as of `now`; its times are local to `zone`, days first."""
    # Made up, but the same every time: the order ids must not change from one start to the next.
    chance = random.Random(20261122)  # noqa: S311 (nothing here is a secret)
    local = now.astimezone(zone).replace(microsecond=0)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, list(HEADINGS.values()))
        out.writeheader()
        descriptions = {heading: f"About: {heading.lower()}." for heading in HEADINGS.values()}
        out.writerow({**descriptions, HEADINGS["order_id"]: "Platform unique order ID."})
        for row in _rows(local, chance):
            out.writerow({HEADINGS[field]: value for field, value in row.items()})


def _rows(now: datetime, chance: random.Random) -> Iterator[dict[str, str]]:
    number = 0
    for stage, count, status, substatus in STAGES:
        for nth in range(count):
            order = _order(number, stage, now, chance) | {"status": status, "substatus": substatus}
            yield from _lines(order, number, nth, stage)
            number += 1


def _order(number: int, stage: str, now: datetime, chance: random.Random) -> dict[str, str]:
    created = now - timedelta(hours=_AGE[stage] + chance.randint(0, 20), minutes=chance.randint(0, 59))
    provider, _ = CARRIERS[number % 3]
    return {
        "order_id": f"{999_000_000_000_000_000 + 7_919_013 * (number + 1)}\t",
        "preorder": "Normal",
        "amount": f"MYR {chance.randint(20, 180)}.90",
        "refund": "MYR 0.00",
        "fulfillment_type": "Fulfillment by seller",
        "warehouse": WAREHOUSE if number % 6 else OTHER_WAREHOUSE,
        "shipping_type": "Ship by TikTok",
        "delivery_option": "Standard shipping",
        "provider": provider if stage != "unpaid" else "",
        "buyer": f"demo_buyer_{number:02d}",
        "recipient": f"Demo Recipient {number:02d}",
        "phone": f"(+60)00-000 00{number:02d}",
        "country": "Malaysia",
        "state": "Selangor",
        "city": "Demo City",
        "postcode": "40000",
        "address": f"{number + 1} Demo Street\nDemo Garden",
        "payment_method": "Cash on delivery" if number % 7 == 0 else "Online banking",
        "seller_note": "FRAGILE, this side up" if number % 8 == 1 else "",
        **_times(stage, created, now),
    }


_AGE = {
    "unpaid": 1,
    "awaiting_shipment": 3,
    "awaiting_collection": 8,
    "in_transit": 40,
    "delivered": 120,
    "cancelled": 30,
}


def _times(stage: str, created: datetime, now: datetime) -> dict[str, str]:
    times = {"created_at": created}
    if stage != "unpaid":
        times["paid_at"] = created + timedelta(minutes=4)
    if stage in {"awaiting_collection", "in_transit", "delivered"}:
        times["rts_at"] = created + _AHEAD_OF_LABEL
    if stage in {"in_transit", "delivered"}:
        times["shipped_at"] = created + timedelta(hours=20)
    if stage == "delivered":
        times["delivered_at"] = created + timedelta(hours=90)
    if stage == "cancelled":
        times["cancelled_at"] = created + timedelta(hours=5)
    return {name: min(at, now).strftime("%d/%m/%Y %H:%M:%S") + "\t" for name, at in times.items()}


def _lines(order: dict[str, str], number: int, nth: int, stage: str) -> Iterator[dict[str, str]]:
    has_label = stage in {"awaiting_collection", "in_transit", "delivered"}
    pieces = 2 if number % 5 == 2 else 1
    for piece in range(pieces):
        product, variation, category, price, weight = _GOODS[(number + piece) % len(_GOODS)]
        line = {
            "sku_id": f"{9_991_000_000_000_000_000 + 10 * number + piece}\t",
            "seller_sku": f"DEMO-{number % 5}-{piece}",
            "product": product,
            "variation": variation,
            "category": category,
            "quantity": str(1 + (number + piece) % 3),
            "returned": "0",
            "unit_price": f"MYR {price}",
            "weight": weight,
        }
        if stage == "cancelled":
            line |= {"cancel_type": "Cancel", "cancel_by": "Buyer", "cancel_reason": "No longer needed"}
        yield order | line | (_package(number, nth, piece, stage) if has_label else {})


def _package(number: int, nth: int, piece: int, stage: str) -> dict[str, str]:
    """One package an order; the fifth and sixth that wait share one with the same carrier, the eighth has two."""
    shared = number
    if stage == "awaiting_collection" and nth == 6:
        shared = number - 3
    split = 500 if stage == "awaiting_collection" and number % 5 == 2 and nth < 10 and piece else 0
    _, prefix = CARRIERS[shared % 3]
    return {
        "package_id": f"{9_992_000_000_000_000_000 + shared + split}\t",
        "tracking": f"{prefix}{1_000_000_000 + 7_919 * (shared + split)}\t",
    }
