"""Count stock in, correct it with a reason, and read a whole count from a file (`R1`, `R33`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sync.protocol.problems import Problem
from webapp import clock
from webapp.services.importing import files
from webapp.services.importing.meaning.rejections import Rejection, shown
from webapp.services.importing.reading.columns import Column
from webapp.services.importing.reading.simple import Row, opened
from webapp.services.importing.tables import TableOutcome
from webapp.services.moving import ALL_STOCK
from webapp.store.models import Stock
from webapp.store.queries import places
from webapp.store.queries import shop as shops
from webapp.store.queries import stock as ask
from webapp.store.stock_book import Book
from webapp.store.unit import Session, lock_org, reading, transaction

MOST = 10_000_000
AGAIN = timedelta(seconds=10)
PART = 500
COLUMNS = (
    Column("sku", "SKU", ("Seller SKU", "SKU ID"), is_needed=True),
    Column("on_hand", "On hand", ("Quantity", "Stock", "Available"), is_needed=True),
    Column("warehouse", "Warehouse", ("Warehouse Name", "Place")),
    Column("product", "Product", ("Product Name", "Name")),
    Column("low_at", "Low at", ("Reorder at", "Minimum")),
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a SKU are in a warehouse, as somebody counted; None leaves what is written beside it."""

    sku: str
    place_id: str
    on_hand: int
    product: str | None = None
    low_at: int | None = None


def adjust(org_id: str, actor_id: str, sku: str, place_id: str, by: int, reason: str, now: datetime) -> int:
    """Change what is on hand by so many, with a reason; gives how many there are then.

    The same by the same person within AGAIN is a form sent twice, and counts once.

    Problems `field-invalid` (with `field`), `not-found`, `conflict` when more are reserved than would be left.
    """
    why = reason.strip()
    if not why or len(why) > 500:
        raise Problem("field-invalid", "Say why, in up to 500 characters.", field="reason")
    if not by or abs(by) > MOST:
        raise Problem("field-invalid", "Write by how many, as 5 or -5.", field="by")
    with transaction() as session:
        lock_org(session, org_id)
        shelf = session.get(Stock, (org_id, sku, place_id))
        if shelf is None:
            raise Problem("not-found", "No such stock is kept here.")
        if ask.is_adjusted(session, shelf, actor_id, by, why, now - AGAIN):
            return shelf.on_hand
        _refuse_short(shelf.on_hand + by, shelf.reserved)
        book = Book(session.connection(), org_id, now, actor_id)
        book.open([sku])
        book.move("adjust", sku, place_id, by, 0, reason=why)
        book.close()
        return shelf.on_hand + by


def _refuse_short(left: int, reserved: int) -> None:
    if left < 0:
        raise Problem("conflict", "There are not so many.", field="by")
    if left < reserved:
        text = f"{reserved} are reserved for confirmed parcels; {left} would be left. Cancel those parcels first."
        raise Problem("conflict", text, field="by")
    if left > MOST:
        raise Problem("field-invalid", f"A shelf holds up to {MOST}.", field="by")


def demand_all(org_id: str, is_on: bool) -> None:
    """Whether parcels with a SKU of which no stock is kept may be confirmed."""
    with transaction() as session:
        lock_org(session, org_id)
        shops.set_setting(session, org_id, ALL_STOCK, True if is_on else None)


def count_in(
    session: Session, org_id: str, actor_id: str, counts: Sequence[Count], now: datetime
) -> list[str]:
    """Put these counts on the shelves; what is so already is no movement. Gives `changed`, `same` or `short`."""
    for count in counts:
        if session.get(Stock, (org_id, count.sku, count.place_id)) is None:
            session.add(Stock(org_id=org_id, sku=count.sku, place_id=count.place_id, updated_at=now))
    session.flush()
    book = Book(session.connection(), org_id, now, actor_id)
    book.open({count.sku for count in counts})
    shelves = book.of({count.sku for count in counts})
    told: list[str] = []
    for count in counts:
        shelf = shelves[count.sku, count.place_id]
        if count.on_hand < shelf.reserved:
            told.append("short")
            continue
        off = count.on_hand - shelf.on_hand
        if off:
            book.move("import", count.sku, count.place_id, off, 0)
        held = session.get_one(Stock, (org_id, count.sku, count.place_id))
        held.product = count.product or held.product
        held.low_at = held.low_at if count.low_at is None else count.low_at
        told.append("changed" if off else "same")
    session.flush()
    session.expire_all()
    book.close()
    return told


def read_stock(
    org_id: str,
    actor_id: str,
    path: Path,
    _about: Mapping[str, Any],
    now: datetime,
    is_for_good: bool,
    file_id: str | None = None,
) -> TableOutcome:
    """Read a count of stock from a file, and put it on the shelves. Problems import-…

    Of a file with a row (`file_id`) each count is put once, however often it is run: what was sold since stays sold.
    """
    outcome = TableOutcome()
    with reading() as session:
        houses = {
            place.name.strip().casefold(): place.id
            for place in places.list_places(session, org_id)
            if place.kind == "warehouse"
        }
    if not houses:
        raise Problem("import-format", "There is no warehouse yet: add one under Places, of kind Warehouse.")
    counts = list(_counts(path, houses, outcome))
    if not outcome.rows:
        raise Problem("import-empty", "There is no row below the header.")
    told: list[str] = []
    for start in range(0, len(counts), PART):
        part = counts[start : start + PART]
        if is_for_good:
            with transaction() as session:
                lock_org(session, org_id)
                taken = files.rows_taken(session, org_id, file_id)
                left = [each.count for each in part if each.position > taken]
                told += ["before"] * (len(part) - len(left))
                told += count_in(session, org_id, actor_id, left, now)
                files.beat(session, org_id, file_id, max(taken, part[-1].position), outcome.rows, clock.now())
        else:
            with reading() as session:
                told += _foresee(session, org_id, [each.count for each in part])
    _sum_up(outcome, counts, told)
    return outcome


def _foresee(session: Session, org_id: str, counts: Sequence[Count]) -> list[str]:
    held = ask.shelves(session, org_id, {count.sku for count in counts})
    told = []
    for count in counts:
        on_hand, reserved = held.get((count.sku, count.place_id), (0, 0))
        told.append(
            "short" if count.on_hand < reserved else "changed" if count.on_hand != on_hand else "same"
        )
    return told


def _counts(path: Path, houses: Mapping[str, str], outcome: TableOutcome) -> Iterator[_Counted]:
    seen: set[tuple[str, str]] = set()
    with opened(path, COLUMNS) as rows:
        for row in rows:
            outcome.rows += 1
            try:
                count = _count(row, houses, seen)
            except _Bad as bad:
                outcome.rejected.append(Rejection(row.number, bad.column, bad.code, str(bad)))
                continue
            seen.add((count.sku, count.place_id))
            yield _Counted(row.number, outcome.rows, count)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A count with its row's number in the file, and which one it is of the rows below the header."""

    number: int
    position: int
    count: Count


class _Bad(ValueError):
    """A row that cannot be used."""

    def __init__(self, column: str, code: str, text: str) -> None:
        super().__init__(text)
        self.column, self.code = column, code


def _count(row: Row, houses: Mapping[str, str], seen: Collection[tuple[str, str]]) -> Count:
    sku, name = row.get("sku"), row.get("warehouse")
    if not sku or len(sku) > 255:
        raise _Bad("SKU", "id_missing", "A SKU has 1 to 255 characters.")
    place_id = houses.get(name.casefold()) if name else None
    if not name and len(houses) == 1:
        place_id = next(iter(houses.values()))
    if place_id is None:
        told = f"There is no warehouse “{shown(name)}”" if name else "Say in which warehouse"
        raise _Bad("Warehouse", "text_invalid", f"{told}; there are {', '.join(sorted(houses))[:200]}.")
    if (sku, place_id) in seen:
        raise _Bad("SKU", "row_conflict", "This SKU is counted twice in this warehouse.")
    on_hand = _number(row.get("on_hand"), "On hand")
    low_at = _number(row.get("low_at"), "Low at") if row.get("low_at") else None
    return Count(sku, place_id, on_hand, row.get("product")[:500] or None, low_at)


def _number(text: str, column: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= MOST):
        raise _Bad(column, "quantity_invalid", f"“{shown(text)}” is not a whole number of pieces.")
    return int(text)


def _sum_up(outcome: TableOutcome, counts: Sequence[_Counted], told: Sequence[str]) -> None:
    for counted, each in zip(counts, told, strict=True):
        number, count = counted.number, counted.count
        if each == "short":
            text = f"More than {count.on_hand} are reserved for confirmed parcels."
            outcome.rejected.append(Rejection(number, "On hand", "quantity_invalid", text))
        elif len(outcome.changes) < 20:
            outcome.changes.append((count.sku, f"{count.on_hand} on hand", each))
    outcome.rejected.sort(key=lambda rejection: rejection.row)
    outcome.counts = Counter(told)
    bad = len({rejection.row for rejection in outcome.rejected})
    outcome.figures = [
        (outcome.counts["changed"], "shelves changed", "safe"),
        (outcome.counts["same"], "as they were", "sealed"),
        (bad, "rows refused", "stop"),
    ]
    if outcome.counts["before"]:
        outcome.figures.insert(2, (outcome.counts["before"], "taken before it was interrupted", "sealed"))
