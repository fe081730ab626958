"""One row of the export: read every cell we know, name every one that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

from webapp.services.importing.meaning import dates, values
from webapp.services.importing.meaning.rejections import Rejection
from webapp.services.importing.meaning.zones import to_utc
from webapp.services.importing.reading.columns import HEADINGS, OWN_TIMES, TIMES
from webapp.services.importing.reading.table import Cell

T = TypeVar("T")
_UNIX_TIME = re.compile(r"[1-9]\d{9}", re.ASCII)
Raw = Mapping[str, Cell]

# The longest text each field may keep; what is longer is cut with an ellipsis, not refused.
_LENGTHS: Mapping[str, int] = {
    "status": 64,
    "substatus": 64,
    "cancel_type": 64,
    "seller_sku": 255,
    "product": 2000,
    "variation": 1000,
    "cancel_by": 64,
    "cancel_reason": 1000,
    "fulfillment_type": 64,
    "warehouse": 128,
    "shipping_type": 64,
    "delivery_option": 128,
    "provider": 128,
    "buyer_message": 4000,
    "buyer": 255,
    "recipient": 255,
    "phone": 64,
    "country": 64,
    "state": 128,
    "city": 128,
    "postcode": 32,
    "address": 2000,
    "address_extra": 1000,
    "payment_method": 128,
    "category": 255,
    "seller_note": 4000,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU line, read. Times are aware UTC; text that was empty is None; `texts` holds the plain words.

    `own_times` are the marketplace's deadlines for the order, by its own names.
    """

    row: int
    order_id: str
    sku_id: str
    package_id: str | None
    tracking: str | None
    status: str
    quantity: int
    returned: int
    unit_price: Decimal | None
    amount: Decimal | None
    refund: Decimal | None
    weight: Decimal | None
    is_preorder: bool
    times: Mapping[str, datetime]
    texts: Mapping[str, str]
    own_times: Mapping[str, datetime] = field(default_factory=dict)

    def text(self, field: str) -> str | None:
        """The words of a field, None when it was empty."""
        return self.texts.get(field)

    def time(self, field: str) -> datetime | None:
        """One of the row's times in UTC, None when it was empty."""
        return self.times.get(field)

    @property
    def content(self) -> tuple[Any, ...]:
        """All but the row's number: two rows with equal content say the same thing twice."""
        return (
            self.order_id,
            self.sku_id,
            self.package_id,
            self.tracking,
            self.quantity,
            self.returned,
            self.unit_price,
            self.amount,
            self.refund,
            self.weight,
            self.is_preorder,
            tuple(sorted(self.times.items())),
            tuple(sorted(self.own_times.items())),
            tuple(sorted(self.texts.items())),
        )


class _Reader:
    """Reads the cells of one row and collects what cannot be read, so that all of it is named at once."""

    def __init__(self, row: int, raw: Raw) -> None:
        self.row, self.raw = row, raw
        self.bad: list[Rejection] = []

    def read(self, field: str, reader: Callable[[Cell], T], default: T) -> T:
        try:
            return reader(self.raw.get(field, ""))
        except values.Unreadable as error:
            self.refuse(field, error.code, error.message)
            return default

    def refuse(self, field: str, code: str, message: str) -> None:
        self.bad.append(Rejection(self.row, HEADINGS[field], code, message))

    def is_bad(self, field: str) -> bool:
        return any(bad.column == HEADINGS[field] for bad in self.bad)

    def time(self, field: str, order: dates.Order, zone: tzinfo) -> datetime | None:
        cell = self.raw.get(field)
        if cell is None:
            return None
        written = cell if isinstance(cell, datetime) else values.words(cell)
        if written in {"", "-", "/", "0"}:
            return None
        if isinstance(written, str) and _UNIX_TIME.fullmatch(written):
            return datetime.fromtimestamp(int(written), UTC)  # as the marketplace's API tells it
        try:
            return to_utc(dates.read_time(written, order), zone)
        except values.Unreadable as error:
            self.refuse(field, error.code, error.message)
            return None


def read_row(row: int, raw: Raw, order: dates.Order, zone: tzinfo) -> Line | list[Rejection]:
    """The line, or every reason why it cannot be one. `raw` has the known cells by field, clean, without empty ones."""
    reader = _Reader(row, raw)
    order_id = reader.read("order_id", values.marketplace_id, "")
    sku_id = reader.read("sku_id", values.marketplace_id, "")
    texts = {field: text for field, most in _LENGTHS.items() if (text := _text(raw, field, most))}
    if "status" not in texts:
        reader.refuse("status", "status_missing", "The order's status is empty.")
    times = {field: at for field in TIMES if (at := reader.time(field, order, zone)) is not None}
    if "created_at" not in times and not reader.is_bad("created_at"):
        reader.refuse("created_at", "date_missing", "The time the order was created is empty.")
    line = Line(
        row=row,
        order_id=order_id,
        sku_id=sku_id,
        package_id=reader.read("package_id", values.package_id, None),
        tracking=reader.read("tracking", values.tracking_number, None),
        status=texts.get("status", ""),
        quantity=reader.read("quantity", values.quantity, 0),
        returned=reader.read("returned", lambda cell: values.quantity(cell, 0), 0),
        unit_price=reader.read("unit_price", values.money, None),
        amount=reader.read("amount", values.money, None),
        refund=reader.read("refund", values.money, None),
        weight=reader.read("weight", values.weight, None),
        is_preorder="pre" in values.words(raw.get("preorder", "")).casefold(),
        times=times,
        texts=texts,
        own_times={name: at for name in OWN_TIMES if (at := reader.time(name, order, zone)) is not None},
    )
    return reader.bad or line


def _text(raw: Raw, field: str, most: int) -> str:
    cell = raw.get(field)
    if cell is None:
        return ""
    # What the scan has put on the stage is clean already.
    text = cell if isinstance(cell, str) else values.words(cell)
    return text if len(text) <= most else text[: most - 1] + "…"
