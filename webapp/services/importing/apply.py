"""Bring an export into the books: chunk by chunk, each its own transaction, and run the imports that wait.

An import that dies is run again from the start: what is in the books already is found unchanged, and no event
is made twice, because each chunk's rows and events are committed together.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import structlog

from sync.protocol import codes
from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_PARCELS
from sync.rules.fragile import fragile_words
from sync.rules.pack import zone_of
from webapp import clock
from webapp.services.importing import files
from webapp.services.importing.carriers import CarrierBook
from webapp.services.importing.export import Export, open_export, refuse_too_many
from webapp.services.importing.meaning.dates import Order
from webapp.services.importing.meaning.facts import Wanted
from webapp.services.importing.meaning.orders import Group, OrderDraft
from webapp.services.importing.meaning.rejections import Rejection
from webapp.services.importing.plan import ChunkPlan, Rules, plan_chunk
from webapp.services.importing.reading.limits import MAX_BAD_ROWS
from webapp.services.mark_products import mark_imported
from webapp.services.notices import raise_notice, to_role
from webapp.services.rebuild import refold
from webapp.services.record import Draft, record
from webapp.store import import_writing, stock_writing
from webapp.store.queries import importing as ask
from webapp.store.queries import places
from webapp.store.unit import lock_org, reading, transaction

log = structlog.get_logger()

CHUNK_ORDERS = 400

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Outcome:
    """What an import did, or would do. `counts` adds up the chunks' plans; `changes` holds the first few."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    carriers: list[str] = field(default_factory=list)
    as_of: datetime | None = None
    dates: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The command line's answer: `{orders, parcels, unchanged, rejected, …}`."""
        counts = self.counts
        return {
            "orders": counts["new"] + counts["updated"],
            "parcels": counts["parcels_new"] + counts["parcels_changed"],
            "unchanged": counts["same"] + counts["older"],
            "rejected": [rejection.as_dict() for rejection in self.rejected],
            "rows": self.rows,
            "new": counts["new"],
            "updated": counts["updated"],
            "older": counts["older"],
            "carriers": self.carriers,
            "notes": self.notes,
        }


def import_file(
    org_id: str,
    actor_id: str,
    path: Path,
    now: datetime,
    *,
    dates: Order | None = None,
    file_id: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Read a file and write all that is good of it. Problems `import-…`, before anything is changed.

    `progress` hears (rows done, rows in all); `file_id` names the row that shows it to others.
    """
    with reading() as session:
        shop = ask.shop_rules(session, org_id)
    zone = shop_zone(shop)
    with open_export(path, zone, now, dates, files.still_reading(org_id, file_id)) as export:
        refuse_hopeless(export)
        outcome = Outcome(export.rows, notes=list(export.notes), as_of=export.as_of, dates=export.order)
        done = 0
        short: dict[str, dict[str, int]] = {}
        for groups, rejected in chunked(export.groups()):
            outcome.rejected += rejected
            done += sum(len(order.rows) for group in groups for order in group.orders) + len(
                {rejection.row for rejection in rejected}
            )
            with transaction() as session:
                plan = write_chunk(session, org_id, actor_id, groups, export.as_of, shop, now)
                files.beat(session, org_id, file_id, min(done, export.rows), export.rows, clock.now())
            add_up(outcome, plan)
            short |= plan.short
            if progress:
                progress(min(done, export.rows), export.rows)
    _tell_of_shorts(org_id, short, export.as_of, now)
    outcome.rejected.sort(key=lambda rejection: rejection.row)
    return outcome


def shop_zone(shop: ask.ShopRules) -> tzinfo:
    """The zone of the shop's exports and feeds: its market's (`importing.meaning.zones`)."""
    return zone_of(shop.market)


def refuse_hopeless(export: Export) -> None:
    """Before the first row of a large file is written, look at all: Problem import-too-bad when too many are bad."""
    if export.rows <= MAX_BAD_ROWS:
        return
    bad = 0
    for _, rejected in export.groups():
        bad += len({rejection.row for rejection in rejected})
        refuse_too_many(bad)


def chunked(
    groups: Iterable[tuple[Group, list[Rejection]]],
) -> Iterator[tuple[list[Group], list[Rejection]]]:
    """Groups by the few hundred orders, with the refusals met on the way."""
    chunk: list[Group] = []
    refused: list[Rejection] = []
    orders = 0
    for group, rejected in groups:
        refused += rejected
        if group.orders:
            chunk.append(group)
            orders += len(group.orders)
        if orders >= CHUNK_ORDERS or len(refused) >= 5000:
            yield chunk, refused
            chunk, refused, orders = [], [], 0
    if chunk or refused:
        yield chunk, refused


def plan_for(
    session: Any,
    org_id: str,
    groups: Sequence[Group],
    as_of: datetime,
    shop: ask.ShopRules,
    now: datetime,
    carriers: CarrierBook,
) -> ChunkPlan:
    """What these orders would change, by the books as this unit sees them."""
    orders = [order.order_id for group in groups for order in group.orders]
    packages = {parcel.package_id for group in groups for parcel in group.parcels if parcel.package_id}
    numbers = {parcel.tracking for group in groups for parcel in group.parcels if parcel.tracking}
    books = ask.open_books(session, org_id, orders, packages, numbers)
    rules = Rules(
        now=now,
        as_of=as_of,
        carriers=carriers,
        draw_code=lambda: codes.new_code(secrets.randbelow),
        places=shop.places,
        fragile_words=fragile_words(shop.settings),
    )
    return plan_chunk(groups, books, rules)


def write_chunk(
    session: Any,
    org_id: str,
    actor_id: str,
    groups: Sequence[Group],
    as_of: datetime,
    shop: ask.ShopRules,
    now: datetime,
) -> ChunkPlan:
    """Plan and write one chunk inside the caller's transaction: books first, then the facts on them."""
    if not groups:
        return ChunkPlan()
    head = lock_org(session, org_id)
    carriers = CarrierBook(places.list_carriers(session, org_id))
    plan = plan_for(session, org_id, groups, as_of, shop, now, carriers)
    plan.made_carriers = carriers.take_made()
    import_writing.add_carriers(session, org_id, plan.made_carriers)
    import_writing.put_orders(
        session, org_id, [_order_row(order, as_of) for order in plan.orders], list(_line_rows(plan.orders))
    )
    import_writing.touch_orders(session, org_id, plan.seen, as_of)
    import_writing.add_parcels(session, org_id, head, now, plan.new_parcels)
    for source, into in plan.merges:
        import_writing.merge_parcel(session, org_id, source, into)
    import_writing.change_parcels(session, org_id, head, now, plan.changed_parcels)
    import_writing.link_orders(session, org_id, plan.links)
    import_writing.part_orders(session, org_id, plan.unlinks)
    changed = [order.order_id for order in plan.orders]
    import_writing.mark_parcels_of(session, org_id, head, changed)
    record(session, org_id, actor_id, _drafts(plan), now)
    # What the books now say otherwise of: a parcel that became known, got a carrier, took a scan over.
    refold(session, org_id, sorted(plan.refold), head, now)
    plan.short = stock_writing.follow_orders(session.connection(), org_id, now, actor_id, changed)
    left = [code for code, _ in plan.unlinks]
    mark_imported(session, org_id, changed, left, head, now)
    return plan


def _tell_of_shorts(
    org_id: str, short: Mapping[str, Mapping[str, int]], as_of: datetime, now: datetime
) -> None:
    """Confirmed orders outgrew the shelves (`R1`): one alarm an export, that counts them and names the first few."""
    if not short:
        return
    named = [
        f"{codes.pretty(code)}: "
        + ", ".join(f"{number} × {sku}" for sku, number in sorted(lacks.items())[:3])
        for code, lacks in sorted(short.items())[:5]
    ]
    more = [f"+ {len(short) - len(named)}"] if len(short) > len(named) else []
    with transaction() as session:
        lock_org(session, org_id, 0)
        raise_notice(
            session,
            org_id,
            kind="alarm",
            key=f"stock_short:{as_of:%Y%m%dT%H%M%S}",
            to=to_role("office"),
            params={"what": "stock_short", "detail": "; ".join([*named, *more])},
            now=now,
            path=f"/office/parcels/{next(iter(short))}" if len(short) == 1 else "/office/stock",
        )


def _order_row(order: OrderDraft, as_of: datetime) -> dict[str, Any]:
    return {"order_id": order.order_id, **order.values, "seen_at": as_of, "digest": order.digest}


def _line_rows(orders: Iterable[OrderDraft]) -> Iterator[dict[str, Any]]:
    for order in orders:
        for line in order.lines:
            yield {
                "order_id": order.order_id,
                "sku_id": line.sku_id,
                "seller_sku": line.seller_sku,
                "product": line.product,
                "variation": line.variation,
                "quantity": line.quantity,
                "returned": line.returned,
                "unit_price": line.unit_price,
                "category": line.category,
            }


def _drafts(plan: ChunkPlan) -> list[Draft]:
    """Events for the facts, in the order they happened: parcels of one seller that share everything share one."""
    together: dict[str, tuple[Wanted, list[str]]] = {}
    for code, seller, fact in plan.facts:
        together.setdefault(f"{seller}\0{fact!r}", (fact, []))[1].append(code)
    return [
        Draft(
            fact.kind,
            tuple(parcels[start : start + MAX_PARCELS]),
            reason=fact.reason,
            note=fact.note,
            at=fact.at,
            data=fact.data,
        )
        for fact, parcels in sorted(together.values(), key=lambda pair: pair[0].at)
        for start in range(0, len(parcels), MAX_PARCELS)
    ]


def add_up(outcome: Outcome, plan: ChunkPlan, most_changes: int = 20) -> None:
    """Add one chunk's plan to the outcome."""
    outcome.counts += plan.counts
    outcome.changes += plan.changes[: max(0, most_changes - len(outcome.changes))]
    outcome.carriers += [name for name in plan.made_carriers.values() if name not in outcome.carriers]


# -- the imports that wait in the queue


LEASE = timedelta(minutes=2)


def left_lying(now: datetime) -> list[tuple[str, str]]:
    """(shop, file) of every import that should be running and has not been heard of for two minutes."""
    with reading() as session:
        waiting = ask.unfinished_files(session, files.WAITING)
        return [(file.org_id, file.id) for file in waiting if files.last_heard(file) < now - LEASE]


def run_import(org_id: str, file_id: str) -> None:
    """The job: make the preview of a file, or apply it, whichever its row waits for. Safe to run twice."""
    from webapp.services.importing import preview, tables  # noqa: PLC0415 (both use what is here)

    task = files.take(org_id, file_id, clock.now(), LEASE)
    if task is None:
        return
    try:
        with files.fetched(org_id, file_id) as path:
            if task.kind != "orders":
                tables.run(org_id, file_id, path, task)
                return
            if task.state == "reading":
                preview.make_preview(org_id, file_id, path, clock.now(), task.dates)
                return
            outcome = import_file(org_id, task.actor_id, path, clock.now(), dates=task.dates, file_id=file_id)
        files.finish(org_id, file_id, outcome, clock.now())
        files.forget_bytes(org_id, file_id)
    except Problem as problem:
        # Busy means: not now. The row keeps waiting, the clockwork hands it in again.
        if problem.code not in {"busy", "storage-full"}:
            files.refuse(org_id, file_id, problem, clock.now())
        else:
            files.not_now(org_id, file_id)
    except Exception:
        log.exception("an import failed", org_id=org_id, file_id=file_id)
        fault = Problem(
            "server-fault", "The import stopped because of a fault of ours. What was written before is kept."
        )
        files.refuse(org_id, file_id, fault, clock.now())
