"""Keep the stock in step with the parcels and their orders: reserved, released, taken or given back by difference.

Called wherever parcels' states are written (`journal_writing.write_states`), so that no way of moving a parcel can
forget it, and where an import changes what is ordered; the caller holds the shop's row. A shop without stock pays one
look for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from sync.rules import stock as rules
from sync.rules.parcel import ParcelState
from sync.rules.stock import NONE, RELEASED, RESERVED, TAKEN, Portion, Short
from webapp.store.models import ParcelOrder, Stock
from webapp.store.stock_book import Book, parts
from webapp.store.stock_needs import Becomes, Held, Need, needs, shorts


def keep_in_step(connection: Connection, org_id: str, now: datetime, states: Sequence[ParcelState]) -> None:
    """Let these parcels hold what they are to hold by what they have become, before their rows say so."""
    if keeps_stock(connection, org_id):
        becomes = {
            state.code: (state.status, not rules.LEFT.isdisjoint(state.milestones)) for state in states
        }
        _follow(Book(connection, org_id, now), needs(connection, org_id, becomes.keys(), becomes))


def follow_orders(
    connection: Connection, org_id: str, now: datetime, actor_id: str, order_ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Let the parcels of these orders hold what the orders say now: other quantities, lines, packages.

    Gives by code what confirmed ones lack, because the shelves have no more.
    """
    if not order_ids or not keeps_stock(connection, org_id):
        return {}
    codes: set[str] = set()
    for part in parts(sorted(order_ids)):
        query = select(ParcelOrder.code).where(ParcelOrder.org_id == org_id, ParcelOrder.order_id.in_(part))
        codes.update(connection.execute(query).scalars())
    found = needs(connection, org_id, codes, {})
    _follow(Book(connection, org_id, now, actor_id), found)
    return shorts(connection, org_id, found)


def reserve(
    connection: Connection,
    org_id: str,
    now: datetime,
    actor_id: str,
    homes: Mapping[str, str | None],
    *,
    is_strict: bool,
) -> dict[str, list[Short]]:
    """Reserve what these parcels need, in this order; gives what is short for those that cannot be, by code.

    `homes` has the warehouse that was chosen for each, None for the one it is planned for.
    """
    if not is_strict and not keeps_stock(connection, org_id):
        return {}
    book = Book(connection, org_id, now, actor_id)
    becomes: Becomes = dict.fromkeys(homes, ("confirmed", False))
    found = needs(connection, org_id, homes, becomes)
    book.open({sku for need in found.values() for sku in need.asked or {}})
    short: dict[str, list[Short]] = {}
    # Who answers for an order goes first: where it is short, none of its other packages is confirmed without goods.
    for code, home in sorted(homes.items(), key=lambda it: not (it[0] in found and found[it[0]].asked)):
        need = found.get(code)
        if need is None or need.asked is None:
            continue
        if (lacking := next((it for it in need.siblings if it in short), None)) is not None:
            short[code] = short[lacking]
            continue
        lacks = rules.lacking(need.asked, [(it.sku, it.quantity) for it in need.in_state(RESERVED)])
        allotted = rules.allocate(lacks, book.of(lacks), home or _home(need), is_strict=is_strict)
        if missing := [each for each in allotted if isinstance(each, Short)]:
            short[code] = missing  # and nothing of it is held back from others meanwhile
            continue
        _take_in(book, code, need, [each for each in allotted if isinstance(each, Portion)])
    book.close()
    return short


def keeps_stock(connection: Connection, org_id: str) -> bool:
    """Whether this shop keeps any stock here."""
    return connection.execute(select(Stock.sku).where(Stock.org_id == org_id).limit(1)).first() is not None


def _follow(book: Book, found: dict[str, Need]) -> None:
    """Release first: what one parcel lets go, another of the same order may need."""
    book.open({it.sku for need in found.values() for it in need.held})
    book.open({sku for need in found.values() for sku in need.asked or {}})
    for code, need in found.items():
        _let_go(book, code, need)
    for code, need in found.items():
        if need.want != NONE:
            _hold(book, code, need)
    book.close()


def _let_go(book: Book, code: str, need: Need) -> None:
    """What it is not to hold, or not so many of; what came back to it is reserved again."""
    for it in need.held:
        if it.state == RELEASED:
            continue
        if need.want == NONE or (need.want == RESERVED and it.state == TAKEN):
            _bring(book, code, it, RELEASED if need.want == NONE else RESERVED)
    if need.asked is None or need.want == NONE or need.in_state(TAKEN):
        return
    for sku, over in rules.lacking(_sums(need), list(need.asked.items())).items():
        left = over
        for it in reversed([it for it in need.in_state(RESERVED) if it.sku == sku]):
            less = min(left, it.quantity)
            _resize(book, code, it, it.quantity - less)
            left -= less


def _hold(book: Book, code: str, need: Need) -> None:
    """What it lacks of what it is to hold, as far as it is there; once it left, what it held is taken."""
    has_left = need.was_gone or bool(need.in_state(TAKEN))
    # What had left before is not on the shelf that was counted since, however often it is folded anew.
    if need.asked is not None and not has_left:
        lacks = rules.lacking(need.asked, list(_sums(need).items()))
        if need.in_state(RESERVED) or need.want == TAKEN:  # all of it has left, so what is there is gone
            _top_up(book, code, need, lacks)
        else:
            allotted = rules.allocate(lacks, book.of(lacks), need.place_id, is_strict=False)
            _take_in(book, code, need, [each for each in allotted if isinstance(each, Portion)])
    if need.want == TAKEN:
        for it in need.in_state(RESERVED):
            _bring(book, code, it, TAKEN)


def _top_up(book: Book, code: str, need: Need, lacks: dict[str, int]) -> None:
    """More of an order that is confirmed already, or all of one that left: from its home on, as many as there are."""
    for sku, missing in lacks.items():
        left = missing
        for place_id, free in rules.places_for(sku, book.of([sku]), _home(need)):
            more = min(left, free)
            if more <= 0:
                continue
            left -= more
            there = next((it for it in need.held if (it.sku, it.place_id) == (sku, place_id)), None)
            if there is not None and there.state == RESERVED:
                _resize(book, code, there, there.quantity + more)
            else:
                _take_in(book, code, need, [Portion(sku, place_id, more)])


def _take_in(book: Book, code: str, need: Need, portions: Sequence[Portion]) -> None:
    for portion in portions:
        key = (portion.sku, portion.place_id)
        there = next((it for it in need.held if (it.sku, it.place_id) == key), None)
        if there is not None and there.state == RESERVED:
            _resize(book, code, there, there.quantity + portion.quantity)
        elif there is not None:
            there.quantity = portion.quantity
            _bring(book, code, there, RESERVED)
        elif book.bring(code, portion, NONE, RESERVED):
            need.held.append(Held(portion.sku, portion.place_id, portion.quantity, RESERVED))


def _bring(book: Book, code: str, it: Held, to: str) -> None:
    if book.bring(code, Portion(it.sku, it.place_id, it.quantity), it.state, to):
        it.state = to


def _resize(book: Book, code: str, it: Held, to: int) -> None:
    it.quantity = book.resize(code, Portion(it.sku, it.place_id, it.quantity), to)
    it.state = RESERVED if to > 0 else RELEASED


def _sums(need: Need) -> dict[str, int]:
    """How many it reserves, by SKU."""
    found: dict[str, int] = {}
    for it in need.in_state(RESERVED):
        found[it.sku] = found.get(it.sku, 0) + it.quantity
    return found


def _home(need: Need) -> str | None:
    """Where most of its goods are already, else the warehouse it is planned for."""
    held = need.in_state(RESERVED)
    return max(held, key=lambda it: it.quantity).place_id if held else need.place_id
