"""From the rows of an order to the order, its lines and its parcels.

Choices, each the one that cannot lose or double anything:
- A row that repeats another row of its order in every cell counts once (the export was pasted twice).
- The same SKU in two packages is one line with the sum of the quantities, and two parcels.
- The same SKU twice in one package with different content is refused (`row_conflict`): nobody can tell
  which of the two is true.
- A parcel is a Package ID; without one, a Tracking ID; without either, the order.
- The seller of an order is its Warehouse Name: it is the export's only word for whose goods they are. A user
  with the role `seller` sees the parcels whose warehouse is the one named on the user.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.protocol.times import format_time
from webapp.services.importing.meaning.platform import Stage, stage_of
from webapp.services.importing.meaning.rejections import Rejection
from webapp.services.importing.meaning.rows import Line


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One SKU of an order, as the table has it."""

    sku_id: str
    seller_sku: str | None
    product: str
    variation: str | None
    quantity: int
    returned: int
    unit_price: Decimal | None
    category: str | None


@dataclass(slots=True)
class ParcelDraft:
    """What the file says of one parcel; `orders` lists the ids it holds, first come first.

    `times` are the earliest of its rows'. `stage` is the furthest any of its rows got, `cancelled` only if
    all of them were. `key` is unique within the file.
    """

    key: str
    package_id: str | None
    tracking: str | None
    orders: list[str] = field(default_factory=list)
    provider: str | None = None
    seller: str | None = None
    items: int = 0
    note: str = ""
    stages: set[Stage] = field(default_factory=set)
    times: dict[str, datetime] = field(default_factory=dict)
    cancel_reason: str | None = None
    cancel_by: str | None = None
    is_cancel_asked: bool = False


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """One order as the file has it. `values` are the columns of the orders table; `digest` is of all of it."""

    order_id: str
    rows: tuple[int, ...]
    values: Mapping[str, Any]
    lines: tuple[LineDraft, ...]
    digest: str
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Orders that share packages, whole, with all of their parcels."""

    orders: tuple[OrderDraft, ...]
    parcels: tuple[ParcelDraft, ...]


def build_group(lines: Sequence[Line]) -> tuple[Group, list[Rejection]]:
    """Orders and parcels from the rows of some orders; conflicting rows take their whole order out."""
    by_order: dict[str, list[Line]] = {}
    for line in lines:
        by_order.setdefault(line.order_id, []).append(line)
    refused: list[Rejection] = []
    orders: list[OrderDraft] = []
    parcels: dict[str, ParcelDraft] = {}
    for order_id, its in by_order.items():
        kept, conflicts = _without_repeats(its)
        if conflicts:
            refused += conflicts
            refused += held_back(order_id, its, {bad.row for bad in conflicts})
            continue
        orders.append(_order(order_id, kept))
        for line in kept:
            _add_to_parcel(parcels, line)
    return Group(tuple(orders), tuple(parcels.values())), refused


def held_back(order_id: str, rows: Iterable[Line], bad: set[int]) -> list[Rejection]:
    """The good rows of an order that has a bad one: named too, because they are not imported."""
    return [
        Rejection(
            line.row,
            "",
            "order_held_back",
            f"Order {order_id} has a bad row ({', '.join(map(str, sorted(bad)))}), so all of it was left out.",
        )
        for line in rows
        if line.row not in bad
    ]


def _without_repeats(lines: Sequence[Line]) -> tuple[list[Line], list[Rejection]]:
    kept: dict[tuple[str, str | None], Line] = {}
    conflicts: list[Rejection] = []
    for line in lines:
        # Rows of one SKU without a package are told apart by their tracking number.
        key = (line.sku_id, line.package_id or line.tracking)
        first = kept.setdefault(key, line)
        if first is not line and first.content != line.content:
            conflicts.append(
                Rejection(
                    line.row,
                    "SKU ID",
                    "row_conflict",
                    f"Order {line.order_id}, SKU {line.sku_id} is in row {first.row} too, with different content.",
                )
            )
    return list(kept.values()), conflicts


def _order(order_id: str, lines: Sequence[Line]) -> OrderDraft:
    values = _order_values(lines)
    drafts = _line_drafts(lines)
    packages = sorted(
        {(line.package_id or "", line.tracking or "", line.sku_id, line.quantity) for line in lines}
    )
    # A column that the export lacks says nothing, so that it changes no order that is known without it.
    told = [(name, value) for name, value in sorted(values.items()) if name != "own_times" or value]
    said = repr((told, drafts, packages, _stages(lines)))
    newest_at = max(at for line in lines for at in line.times.values())
    return OrderDraft(
        order_id,
        tuple(line.row for line in lines),
        values,
        drafts,
        hashlib.sha256(said.encode()).hexdigest(),
        newest_at,
    )


def _stages(lines: Iterable[Line]) -> list[str]:
    return sorted(f"{line.sku_id}:{line.text('status')}:{line.text('substatus')}" for line in lines)


_PLAIN = {
    "substatus": "platform_substatus",
    "cancel_type": "cancel_type",
    "cancel_by": "cancel_by",
    "cancel_reason": "cancel_reason",
    "shipping_type": "shipping_type",
    "fulfillment_type": "fulfillment_type",
    "delivery_option": "delivery_option",
    "warehouse": "warehouse",
    "payment_method": "payment_method",
    "buyer": "buyer",
    "buyer_message": "buyer_message",
    "seller_note": "seller_note",
    "recipient": "recipient",
    "phone": "phone",
    "country": "country",
    "state": "state",
    "city": "city",
    "postcode": "postcode",
}


def _order_values(lines: Sequence[Line]) -> dict[str, Any]:
    """The order's own columns: the first row's word, or the first that has one.

    Shipped, delivered and cancelled are the order's only when they are all of its rows' (RULES section 2).
    """
    leading = _leading(lines)
    values: dict[str, Any] = {"platform_status": leading.status}
    for source, column in _PLAIN.items():
        values[column] = leading.texts.get(source) or _text(lines, source)
    values["seller"] = values["warehouse"]
    values["address"] = _address(lines)
    values["is_preorder"] = any(line.is_preorder for line in lines)
    values["amount"] = _first(line.amount for line in lines)
    values["refund_amount"] = _first(line.refund for line in lines)
    values["weight_kg"] = _first(line.weight for line in lines)
    for name in ("created_at", "paid_at", "rts_at"):
        values[name] = min((at for line in lines if (at := line.time(name))), default=None)
    for name in ("shipped_at", "delivered_at", "cancelled_at"):
        times = [line.time(name) for line in lines]
        values[name] = max(at for at in times if at) if all(times) else None
    values["own_times"] = _own_times(lines) or None
    return values


def _own_times(lines: Sequence[Line]) -> dict[str, str]:
    """The earliest of each of the marketplace's deadlines for the order, by its name there."""
    told: dict[str, datetime] = {}
    for line in lines:
        for name, at in line.own_times.items():
            told[name] = min(at, told.get(name, at))
    return {name: format_time(at) for name, at in sorted(told.items())}


def _leading(lines: Sequence[Line]) -> Line:
    """The row that speaks for the order: one that is not cancelled, the least far of those."""
    return min(lines, key=lambda line: stage_of(line.status, line.text("substatus"), line.times).rank)


def _first(values: Iterable[Decimal | None]) -> Decimal | None:
    return next((value for value in values if value is not None), None)


def _address(lines: Sequence[Line]) -> str | None:
    parts = [_text(lines, "address"), _text(lines, "address_extra")]
    return ", ".join(part for part in parts if part) or None


def _text(lines: Sequence[Line], name: str) -> str | None:
    for line in lines:
        if name in line.texts:
            return line.texts[name]
    return None


def _line_drafts(lines: Sequence[Line]) -> tuple[LineDraft, ...]:
    by_sku: dict[str, list[Line]] = {}
    for line in lines:
        by_sku.setdefault(line.sku_id, []).append(line)
    return tuple(
        LineDraft(
            sku_id=sku_id,
            seller_sku=_text(its, "seller_sku"),
            product=_text(its, "product") or "",
            variation=_text(its, "variation"),
            quantity=sum(line.quantity for line in its),
            returned=sum(line.returned for line in its),
            unit_price=_first(line.unit_price for line in its),
            category=_text(its, "category"),
        )
        for sku_id, its in by_sku.items()
    )


def parcel_key(order_id: str, package: str | None, tracking: str | None) -> str:
    """What makes rows of a file one parcel: the package, else the tracking number, else the order."""
    if package:
        return f"package {package}"
    return f"tracking {tracking}" if tracking else f"order {order_id}"


def _add_to_parcel(parcels: dict[str, ParcelDraft], line: Line) -> None:
    key = parcel_key(line.order_id, line.package_id, line.tracking)
    parcel = parcels.setdefault(key, ParcelDraft(key, line.package_id, line.tracking))
    if line.order_id not in parcel.orders:
        parcel.orders.append(line.order_id)
    parcel.items += line.quantity
    parcel.tracking = parcel.tracking or line.tracking
    parcel.provider = parcel.provider or line.text("provider")
    parcel.seller = parcel.seller or line.text("warehouse")
    parcel.cancel_reason = parcel.cancel_reason or line.text("cancel_reason")
    parcel.cancel_by = parcel.cancel_by or line.text("cancel_by")
    parcel.note = f"{parcel.note}\n{line.text('seller_note') or ''}".strip()
    stage = stage_of(line.status, line.text("substatus"), line.times)
    parcel.stages.add(stage)
    parcel.is_cancel_asked = parcel.is_cancel_asked or (
        not stage.is_cancelled and (line.text("cancel_type") or "").casefold().startswith("cancel")
    )
    for name, at in line.times.items():
        parcel.times[name] = min(at, parcel.times.get(name, at))
