"""Ship by Seller (`R11`): orders that were handed over and are to be marked as shipped on the marketplace.

A parcel is due from our handover until a newer export says "Shipped" or a person says that it is done there. What a
carrier's feed or our own driver says of it does not mark it: the marketplace hears nothing of that.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import datetime, timedelta

from webapp.services.importing.meaning.facts import SOURCE as IMPORTED
from webapp.services.importing.meaning.platform import IN_TRANSIT, stage_of
from webapp.services.moving import Moved, move_by
from webapp.services.record import Draft
from webapp.store.queries import shipping
from webapp.store.queries.picking import Choice, Picked
from webapp.store.queries.shipping import Due
from webapp.store.unit import reading

HEADINGS = ("Order ID", "Tracking ID", "Shipping Provider Name")
SOURCE = "marked_shipped"
# Handed over longer ago, an order is older than that too: what nobody marked in 15 days the marketplace cancels (R25).
DELIVERED_WITHIN = timedelta(days=15)


def due_to_mark(org_id: str, own_seller: str | None, now: datetime) -> list[Due]:
    """What is due, longest handed over first."""
    with reading() as session:
        held = shipping.due_to_mark(session, org_id, own_seller, now - DELIVERED_WITHIN, (SOURCE, IMPORTED))
    return [each for each in held if stage_of(each.status, each.substatus, {}) < IN_TRANSIT]


def digest_of(due: Sequence[Due]) -> str:
    """What a page showed, so that a press on all of it means these and no others."""
    return hashlib.sha256("\n".join(sorted(each.code for each in due)).encode()).hexdigest()


def for_the_file(due: Sequence[Due]) -> tuple[list[Due], list[Due]]:
    """What the bulk file can say, and what has to be entered by hand: an order in several parcels, or no number."""
    parcels: dict[str, int] = {}
    for each in due:
        parcels[each.order_id] = max(each.parcels, parcels.get(each.order_id, 0))
    fits: list[Due] = []
    by_hand: list[Due] = []
    for each in due:
        is_plain = bool(each.tracking_number) and parcels[each.order_id] == 1
        (fits if is_plain else by_hand).append(each)
    return fits, by_hand


def as_csv(due: Sequence[Due]) -> bytes:
    """The bulk file as CSV in UTF-8."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(HEADINGS)
    lines.writerows(_cells(each) for each in due)
    return ("\ufeff" + out.getvalue()).encode()


def as_xlsx(due: Sequence[Due]) -> bytes:
    """The bulk file as a workbook; ids are text, so that no spreadsheet rounds them."""
    import xlsxwriter  # noqa: PLC0415 (most processes never write one)

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("Orders")
    sheet.set_column(0, 2, 24)
    for number, cells in enumerate([HEADINGS, *map(_cells, due)]):
        for at, text in enumerate(cells):
            sheet.write_string(number, at, text)
    book.close()
    return out.getvalue()


def _cells(due: Due) -> tuple[str, str, str]:
    return due.order_id, _harmless(due.tracking_number or ""), _harmless(due.provider or "")


def _harmless(text: str) -> str:
    # What begins like this, a spreadsheet runs as a formula.
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text


def confirm_shipped(
    org_id: str, actor_id: str, own_seller: str | None, codes: Sequence[str], now: datetime
) -> Moved:
    """Somebody has marked these as shipped on the marketplace: they are on their way; the rest is told why not.

    What a carrier has moved on already stays where it is, and is marked all the same.
    """
    due = {each.code for each in due_to_mark(org_id, own_seller, now)}

    def plan(parcel: Picked) -> tuple[str, ...] | str:
        return ("carrier_scan",) if parcel.code in due else "It is not due to be marked"

    return move_by(org_id, actor_id, own_seller, Choice().only(codes), now, plan, _drafts, may_stay=True)


def _drafts(going: Sequence[Picked]) -> list[Draft]:
    by_seller: dict[str | None, list[str]] = {}
    for parcel in going:
        by_seller.setdefault(parcel.seller, []).append(parcel.code)
    return [Draft("carrier_scan", codes, data={"source": SOURCE}) for codes in by_seller.values()]
