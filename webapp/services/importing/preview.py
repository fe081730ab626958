"""Say what an import would change, without changing anything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sync.protocol.problems import Problem
from webapp import clock
from webapp.services.importing import files
from webapp.services.importing.apply import Outcome, add_up, chunked, plan_for, shop_zone
from webapp.services.importing.carriers import CarrierBook
from webapp.services.importing.export import open_export, refuse_too_many
from webapp.services.importing.meaning.dates import Order
from webapp.store.queries import importing as ask
from webapp.store.queries import places
from webapp.store.unit import reading, transaction


def look_ahead(
    org_id: str, path: Path, now: datetime, dates: Order | None = None, file_id: str | None = None
) -> Outcome:
    """The outcome an import of this file would have now. Problems `import-…`; one with `ask` wants `dates`."""
    with reading() as session:
        shop = ask.shop_rules(session, org_id)
        carriers = CarrierBook(places.list_carriers(session, org_id))
    with open_export(path, shop_zone(shop), now, dates, files.still_reading(org_id, file_id)) as export:
        outcome = Outcome(export.rows, notes=list(export.notes), as_of=export.as_of, dates=export.order)
        done = bad = 0
        for groups, rejected in chunked(export.groups()):
            outcome.rejected += rejected
            bad += len({rejection.row for rejection in rejected})
            refuse_too_many(bad)
            done += sum(len(order.rows) for group in groups for order in group.orders)
            with reading() as session:
                plan = plan_for(session, org_id, groups, export.as_of, shop, now, carriers)
            plan.made_carriers = carriers.take_made()
            add_up(outcome, plan)
            if file_id:
                with transaction() as session:
                    files.beat(session, org_id, file_id, done, export.rows, clock.now())
    outcome.rejected.sort(key=lambda rejection: rejection.row)
    return outcome


def make_preview(org_id: str, file_id: str, path: Path, now: datetime, dates: Order | None) -> None:
    """Put the preview on the file's row; ask for the order of day and month when no row tells it."""
    try:
        outcome = look_ahead(org_id, path, now, dates, file_id)
    except Problem as problem:
        asked = problem.members.get("ask")
        if asked is None:
            raise
        files.ask_dates(org_id, file_id, problem.detail, asked, clock.now())
        return
    files.show(org_id, file_id, outcome, clock.now())
