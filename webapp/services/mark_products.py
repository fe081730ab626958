"""Mark products as delicate or dangerous (`R4`, `R28`): every parcel that holds one carries it from then on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.protocol.problems import Problem
from sync.rules.fragile import fragile_words, is_fragile
from webapp.services.rebuild import refold
from webapp.services.record import Draft, record
from webapp.store.models import Parcel, ProductMark
from webapp.store.queries import goods
from webapp.store.queries import shop as shops
from webapp.store.unit import Session, lock_org, reading, transaction

# Phones wait while a unit holds the shop's row.
PART = 500
LONGEST_NOTE = 500

Marks = tuple[bool, bool]
"""(fragile, dangerous)"""


def mark_product(
    org_id: str, actor_id: str, sku_id: str, now: datetime, *, fragile: bool, dangerous: bool, note: str = ""
) -> int:
    """Keep the marks of a product, and put them on what it is in and not yet delivered; gives how many parcels.

    Of many parcels, those that get a mark have it before the product does, and lose it after: whatever breaks between,
    none is without the mark of what it holds. Marking again goes through all of them again.
    Problems: `not-found` for a product that no order has, `field-invalid` for too long a note.
    """
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        raise Problem("field-invalid", f"A note has at most {LONGEST_NOTE} characters.", field="note")
    with reading() as session:
        if goods.find_product(session, org_id, sku_id) is None:
            raise Problem("not-found", "No order has a product with this SKU.")
        codes = goods.open_parcels_with(session, org_id, sku_id)
    are_many, wanted = len(codes) > PART, (fragile, dangerous)
    if are_many and any(wanted):
        _put_in_parts(org_id, codes, now, wanted)
    with transaction() as session:
        head = lock_org(session, org_id)
        mark = session.get(ProductMark, (org_id, sku_id)) or ProductMark(org_id=org_id, sku_id=sku_id)
        is_less = bool(mark.fragile and not fragile) or bool(mark.dangerous and not dangerous)
        mark.fragile, mark.dangerous, mark.note = fragile, dangerous, note
        mark.made_by, mark.changed_at = actor_id, now
        session.add(mark)
        session.flush()
        # Imports went on meanwhile.
        codes = goods.open_parcels_with(session, org_id, sku_id)
        left = goods.unmarked_among(session, org_id, codes, *wanted) if are_many else codes
        if left:
            put_marks(session, org_id, left, head, now)
    if are_many and (is_less or not any(wanted)):
        _put_in_parts(org_id, codes, now)
    return len(codes)


def _put_in_parts(org_id: str, codes: Sequence[str], now: datetime, also: Marks = (False, False)) -> None:
    for start in range(0, len(codes), PART):
        with transaction() as session:
            head = lock_org(session, org_id)
            put_marks(session, org_id, codes[start : start + PART], head, now, also)


def put_marks(
    session: Session,
    org_id: str,
    codes: Sequence[str],
    head: int,
    now: datetime,
    also: Marks = (False, False),
) -> None:
    """Write on these parcels what their products and their sellers' notes say, and fold them anew.

    `also` are marks that each of them gets besides.
    """
    words = fragile_words(shops.settings(session, org_id))
    notes = goods.seller_notes(session, org_id, codes)
    by_marks = goods.marked(session, org_id, codes)
    alike: dict[tuple[bool, bool], list[str]] = {}
    for code in codes:
        fragile, dangerous = by_marks.get(code, (False, False))
        said = any(is_fragile(note, words) for note in notes.get(code, ()))
        alike.setdefault((fragile or said or also[0], dangerous or also[1]), []).append(code)
    for (fragile, dangerous), those in alike.items():
        goods.write_marks(session, org_id, head, those, fragile=fragile, dangerous=dangerous)
    refold(session, org_id, sorted(codes), head, now)


def mark_imported(
    session: Session, org_id: str, order_ids: Sequence[str], left: Sequence[str], head: int, now: datetime
) -> None:
    """The same for the parcels of orders that an import just wrote, and those that one has left, in its transaction."""
    if goods.has_marks(session, org_id):
        codes = sorted({*goods.parcels_of_orders(session, org_id, order_ids), *left})
        if codes:
            put_marks(session, org_id, codes, head, now)


def let_go(org_id: str, actor_id: str, code: str, reason: str, now: datetime, *, stop: bool = False) -> None:
    """Let a parcel with dangerous goods be packed and handed over, or stop it again; signed into the ledger.

    Problems: `field-invalid` without a reason, `conflict` when nothing in it is marked dangerous.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Problem("field-invalid", "Say why: it stays on the parcel's timeline.", field="reason")
    with transaction() as session:
        parcel = session.get(Parcel, (org_id, code))
        if parcel is None:
            raise Problem("not-found", "There is no such parcel.")
        if not parcel.dangerous:
            raise Problem("conflict", "Nothing in this parcel is marked as dangerous goods any more.")
        data = {"dangerous": "stopped" if stop else "cleared"}
        record(session, org_id, actor_id, [Draft("amend", [code], note=reason, data=data)], now)
