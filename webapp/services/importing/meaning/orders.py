"""From the rows of an order to the order, its lines and its parcels.

Choices, each the one that cannot lose or double anything:
- A row that repeats another row of its order in every cell counts once (the export was pasted twice).
- The same SKU in two packages is one line with the sum of the quantities, and two parcels.
- The same SKU twice in one package with different content is refused (`row_conflict`): nobody can tell
  which of the two is true.
- A line that was cancelled while something of its order, or of what travels with it, goes on counts as none
  (R1, R29): it is not packed, kept back or taken off a shelf. Where all is cancelled the quantities stay in sight.
- A parcel is a Package ID; without one, a Tracking ID; without either, the order.
- The seller of an order is its Warehouse Name: it is the export's only word for whose goods they are. A user
  with the role `seller` sees the parcels whose warehouse is the one named on the user.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.protocol.times import format_time
from webapp.services.importing.meaning.parcels import ParcelDraft, build_parcels, key_of, stage_of_line
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
    good: dict[str, list[Line]] = {}
    for order_id, its in by_order.items():
        kept, conflicts = _without_repeats(its)
        if conflicts:
            refused += conflicts
            refused += held_back(order_id, its, {bad.row for bad in conflicts})
            continue
        good[order_id] = kept
    parcels = build_parcels(line for kept in good.values() for line in _travelling(kept))
    orders = [_order(order_id, _counted(kept, parcels)) for order_id, kept in good.items()]
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


def _travelling(lines: Sequence[Line]) -> Iterator[Line]:
    """Without those of an order in packages that were called off before they were put in one: no parcel has them."""
    is_packaged = any(line.package_id or line.tracking for line in lines)
    for line in lines:
        if line.package_id or line.tracking or not (is_packaged and stage_of_line(line).is_cancelled):
            yield line


def _counted(lines: Sequence[Line], parcels: Mapping[str, ParcelDraft]) -> Sequence[Line]:
    """An order's lines, those that were called off with none of their pieces if any of its parcels goes on."""
    its = {key_of(line) for line in lines}.intersection(parcels)
    if all(parcels[key].is_called_off for key in its):
        return lines
    return [replace(line, quantity=0) if stage_of_line(line).is_cancelled else line for line in lines]


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
    return min(lines, key=lambda line: stage_of_line(line).rank)


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
