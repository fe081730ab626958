"""Take what carriers say of parcels: every report is kept, and what it did to one becomes an event (`R18`, `R19`).

A report whose parcel or word nobody knows waits, and is looked at again when an import or a translation may have told
(`settle_waiting`). The same report again, by whatever way, has no second effect: the feed's own event id is its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.ledger import Result
from sync.protocol.problems import Problem
from sync.rules.vocabulary import Word, meaning
from webapp.services.feeds.reports import Report
from webapp.services.record import Draft, record
from webapp.store.models import Carrier, CarrierReport
from webapp.store.queries import carrier_reports as ask
from webapp.store.queries import places
from webapp.store.unit import Session, lock_org, reading, transaction

PART = 200
WAITING = ("unknown_parcel", "unknown_status")
QUIET = frozenset({"told"})

Heard = Callable[[Session, int], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one report: an outcome of `CarrierReport`, or `duplicate`; `status` is the parcel's after it."""

    id: str
    outcome: str
    parcel: str | None = None
    status: str | None = None


def take_reports(
    org_id: str,
    carrier: str,
    actor_id: str,
    source: str,
    reports: Sequence[Report],
    now: datetime,
    heard: Heard | None = None,
) -> list[Taken]:
    """Take these, a few hundred a transaction; answers in their order. Problem `not-found` for no such carrier.

    `heard` is told in each transaction how many are taken then.
    """
    taken: list[Taken] = []
    for start in range(0, len(reports), PART):
        with transaction() as session:
            lock_org(session, org_id)
            whose = _carrier(session, org_id, carrier)
            taken += _take(session, whose, actor_id, source, reports[start : start + PART], now)
            if heard:
                heard(session, len(taken))
    return taken


def look_ahead(org_id: str, carrier: str, reports: Sequence[Report], now: datetime) -> list[Taken]:
    """What taking these would do now; nothing is kept, and what would go to the ledger counts as applied."""
    taken: list[Taken] = []
    with reading() as session:
        whose = _carrier(session, org_id, carrier)
        for start in range(0, len(reports), PART):
            slots = _sort_out(session, whose, "", "", reports[start : start + PART], now)
            taken += [
                slot if isinstance(slot, Taken) else Taken(slot.id, slot.outcome or "applied", slot.parcel)
                for slot in slots
            ]
    return taken


def settle_waiting(org_id: str, actor_id: str, now: datetime, carrier: str | None = None) -> int:
    """Look again at reports that wait for their parcel, or (those of `carrier`) for their word; how many go on."""
    gone_on, after = 0, None
    while True:
        with transaction() as session:
            lock_org(session, org_id)
            rows = ask.ready_to_settle(session, org_id, carrier, after, PART)
            carriers = {row.code: row for row in places.list_carriers(session, org_id)}
            known = ask.parcels_by_number(session, org_id, {row.tracking_number for row in rows})
            for row in rows:
                if row.carrier in carriers:
                    row.outcome = ""
                    _judge(row, carriers[row.carrier], known)
            _record(session, org_id, actor_id, rows, now)
        gone_on += sum(1 for row in rows if row.outcome not in WAITING)
        if len(rows) < PART:
            return gone_on
        after = (rows[-1].at, rows[-1].id)


def settle_everywhere(now: datetime) -> int:
    """The timer's round: every shop that has a report whose parcel has turned up."""
    with reading() as session:
        shops = ask.shops_to_settle(session)
    return sum(settle_waiting(org_id, org_id, now) for org_id in shops)


def _carrier(session: Session, org_id: str, code: str) -> Carrier:
    carrier = places.find_carrier(session, org_id, code)
    if carrier is None:
        raise Problem("not-found", "There is no such carrier in this shop.")
    return carrier


def _take(
    session: Session, carrier: Carrier, actor_id: str, source: str, reports: Sequence[Report], now: datetime
) -> list[Taken]:
    slots = _sort_out(session, carrier, actor_id, source, reports, now)
    rows = [slot for slot in slots if isinstance(slot, CarrierReport)]
    session.add_all(rows)
    status = _record(session, carrier.org_id, actor_id, rows, now)
    return [
        slot if isinstance(slot, Taken) else Taken(report.id, slot.outcome, slot.parcel, status.get(slot.id))
        for report, slot in zip(reports, slots, strict=True)
    ]


def _sort_out(
    session: Session, carrier: Carrier, actor_id: str, source: str, reports: Sequence[Report], now: datetime
) -> list[CarrierReport | Taken]:
    """For each report a new row, judged (one without an outcome is to be recorded), or the answer to an old one."""
    ids = {name for report in reports for name in (report.id, _beside(report))}
    seen = ask.held(session, carrier.org_id, carrier.code, ids)
    known = ask.parcels_by_number(session, carrier.org_id, {report.tracking_number for report in reports})
    slots: list[CarrierReport | Taken] = []
    for report in reports:
        before = seen.get(report.id)
        if before is not None and before.digest == report.digest:
            slots.append(Taken(report.id, "duplicate", before.parcel))
            continue
        if before is not None and _beside(report) in seen:
            slots.append(Taken(report.id, "conflict", before.parcel))
            continue
        row = _row(carrier, actor_id, source, report, now)
        if before is None:
            _judge(row, carrier, known)
        else:
            # Kept beside the first under a name of its own, for a person to compare.
            row.id, row.outcome, row.parcel = _beside(report), "conflict", before.parcel
        seen[row.id] = row
        slots.append(row)
    return slots


def _beside(report: Report) -> str:
    return f"{report.id}~{report.digest[:12]}"


def _row(carrier: Carrier, actor_id: str, source: str, report: Report, now: datetime) -> CarrierReport:
    return CarrierReport(
        org_id=carrier.org_id,
        carrier=carrier.code,
        id=report.id,
        digest=report.digest,
        source=source,
        tracking_number=report.tracking_number,
        word=report.word,
        finer=report.finer,
        vocabulary=report.vocabulary,
        at=report.at,
        place=report.place or None,
        note=report.note or None,
        received_at=now,
        made_by=actor_id,
        outcome="",
    )


def _judge(row: CarrierReport, carrier: Carrier, known: dict[str, str]) -> None:
    row.parcel = known.get(row.tracking_number)
    row.status = meaning(Word(row.word, row.finer), row.vocabulary, carrier.status_words)
    if row.status is None:
        row.outcome = "unknown_status"
    elif row.parcel is None:
        row.outcome = "unknown_parcel"
    elif row.status in QUIET:
        row.outcome = "told"


def _record(
    session: Session, org_id: str, actor_id: str, rows: Iterable[CarrierReport], now: datetime
) -> dict[str, str]:
    """Make an event of each row that is judged and has no outcome yet; gives the parcels' statuses by report id."""
    going = sorted((row for row in rows if not row.outcome), key=lambda row: row.at)
    results = record(session, org_id, actor_id, [_draft(row) for row in going], now)
    reached: dict[str, str] = {}
    for row, result in zip(going, results, strict=True):
        row.outcome, row.event_id = result.status, result.id
        reached[row.id] = _status(result)
    return reached


def _draft(row: CarrierReport) -> Draft:
    data: dict[str, Any] = {"source": "feed", "via": row.source, "report": row.id, "word": row.word}
    if row.finer:
        data["finer"] = row.finer
    if row.status != "scan":
        data["status"] = row.status
    if row.place:
        data["place"] = row.place
    return Draft("carrier_scan", [row.parcel or ""], note=row.note, carrier=row.carrier, at=row.at, data=data)


def _status(result: Result) -> str:
    return str(result.effects[0]["status"]) if result.effects else ""
