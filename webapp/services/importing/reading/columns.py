"""The export's columns: what they are called, in every spelling met so far, and which of them we need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync.protocol.problems import Problem

_NOT_A_LETTER = re.compile(r"[^0-9a-z#]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: our word for it, the export's own heading, other headings seen for it, whether we need it."""

    field: str
    heading: str
    aliases: tuple[str, ...] = ()
    is_needed: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("order_id", "Order ID", ("OrderID", "Order/Adjustment ID"), is_needed=True),
    Column("status", "Order Status", is_needed=True),
    Column("substatus", "Order Substatus", ("Order Sub Status", "Order Sub-Status")),
    Column("cancel_type", "Cancelation/Return Type", ("Cancellation/Return Type",)),
    Column("preorder", "Normal or Pre-order", ("Normal or Preorder",)),
    Column("sku_id", "SKU ID", ("SKUID",), is_needed=True),
    Column("seller_sku", "Seller SKU"),
    Column("product", "Product Name", is_needed=True),
    Column("variation", "Variation"),
    Column("quantity", "Quantity", ("Sku Quantity",), is_needed=True),
    Column("returned", "Sku Quantity of return", ("Quantity of return",)),
    Column("unit_price", "SKU Unit Original Price"),
    Column("amount", "Order Amount"),
    Column("refund", "Order Refund Amount"),
    Column("created_at", "Created Time", ("Order Created Time",), is_needed=True),
    Column("paid_at", "Paid Time"),
    Column("rts_at", "RTS Time", ("Ready to Ship Time",)),
    Column("shipped_at", "Shipped Time"),
    Column("delivered_at", "Delivered Time"),
    Column("cancelled_at", "Cancelled Time", ("Canceled Time",)),
    Column("cancel_by", "Cancel By", ("Cancelled By", "Canceled By")),
    Column("cancel_reason", "Cancel Reason"),
    Column("fulfillment_type", "Fulfillment Type", ("Fulfilment Type",)),
    Column("warehouse", "Warehouse Name"),
    Column("tracking", "Tracking ID", ("Tracking Number",)),
    Column("shipping_type", "Delivery Option Type"),
    Column("delivery_option", "Delivery Option"),
    Column("provider", "Shipping Provider Name", ("Shipping Provider",)),
    Column("buyer_message", "Buyer Message"),
    Column("buyer", "Buyer Username", ("Buyer Nickname",)),
    Column("recipient", "Recipient"),
    Column("phone", "Phone #", ("Phone", "Phone Number")),
    Column("country", "Country"),
    Column("state", "State/Province", ("Province", "State")),
    Column("city", "City/District", ("District", "City", "Regency and City")),
    Column("postcode", "Zipcode/Commune", ("Zipcode", "Zip Code", "Postcode", "Post Code", "Commune")),
    Column("address", "Detail Address"),
    Column("address_extra", "Additional address information"),
    Column("payment_method", "Payment Method"),
    Column("weight", "Weight(kg)"),
    Column("category", "Product Category"),
    Column("package_id", "Package ID"),
    Column("seller_note", "Seller Note"),
    # The marketplace's own deadlines for an order: no export of Seller Center has them yet, one made by the API may.
    Column("rts_sla_time", "RTS SLA Time"),
    Column("tts_sla_time", "TTS SLA Time"),
    Column("pick_up_cut_off_time", "Pick Up Cut Off Time"),
    Column("shipping_due_time", "Shipping Due Time"),
    Column("collection_due_time", "Collection Due Time"),
    Column("delivery_sla_time", "Delivery SLA Time"),
    Column("delivery_due_time", "Delivery Due Time"),
)
HEADINGS: Mapping[str, str] = {column.field: column.heading for column in COLUMNS}
TIMES = ("created_at", "paid_at", "rts_at", "shipped_at", "delivered_at", "cancelled_at")
OWN_TIMES = (
    "rts_sla_time",
    "tts_sla_time",
    "pick_up_cut_off_time",
    "shipping_due_time",
    "collection_due_time",
    "delivery_sla_time",
    "delivery_due_time",
)
IDS = ("order_id", "sku_id", "package_id", "tracking")
# Without these much of Baton still works; the preview says what will be missing.
WANTED: Mapping[str, str] = {
    "tracking": "parcels get no tracking number, so the barcode on the label is no key",
    "provider": "parcels get no carrier, so a scan cannot tell another carrier's parcel",
    "package_id": "each order becomes one parcel",
}


def _folded(heading: str) -> str:
    return _NOT_A_LETTER.sub("", heading.casefold())


# Own headings first: an alias never takes the place of a column that is there under its own name.
_OWN = {_folded(column.heading): column.field for column in COLUMNS}
_ALIASES = {_folded(alias): column.field for column in COLUMNS for alias in column.aliases}


def known_in(cells: Iterable[str]) -> int:
    """How many of these headings are ours: tells a separator, and whether a row is a header at all."""
    return sum(1 for cell in cells if _folded(cell) in _OWN or _folded(cell) in _ALIASES)


def map_header(cells: Sequence[object]) -> dict[str, int]:
    """Where each known column is: `{field: index}`; unknown ones are left out.

    Problem import-columns names every needed column that is missing, or one that is there twice.
    """
    headings = [_folded(cell) if isinstance(cell, str) else "" for cell in cells]
    found: dict[str, int] = {}
    for index, heading in enumerate(headings):
        field = _OWN.get(heading)
        if field is None:
            continue
        if field in found:
            raise Problem("import-columns", f"The column “{HEADINGS[field]}” is there twice.")
        found[field] = index
    for index, heading in enumerate(headings):
        field = _ALIASES.get(heading)
        if field is not None and field not in found:
            found[field] = index
    _refuse_missing(found)
    return found


def _refuse_missing(found: Mapping[str, int]) -> None:
    missing = [column.heading for column in COLUMNS if column.is_needed and column.field not in found]
    if not missing:
        return
    if not found:
        raise Problem(
            "import-columns",
            "The first row is not the header of an order export: it has none of its columns, "
            f"such as {', '.join(missing)}.",
            missing=missing,
        )
    listed = ", ".join(f"“{heading}”" for heading in missing)
    raise Problem("import-columns", f"The file lacks {_count(missing)}: {listed}.", missing=missing)


def _count(missing: Sequence[str]) -> str:
    return "a column that is needed" if len(missing) == 1 else f"{len(missing)} columns that are needed"


def missing_wanted(found: Mapping[str, int]) -> list[str]:
    """A sentence for each column that is missed but not needed."""
    return [
        f"There is no column “{HEADINGS[field]}”: {then}."
        for field, then in WANTED.items()
        if field not in found
    ]
