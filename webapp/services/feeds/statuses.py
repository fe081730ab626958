"""A carrier's statuses from a file (CSV or XLSX): every bad row is named, the rest is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from sync.protocol.problems import Problem
from webapp import clock
from webapp.services.feeds.reports import Report, Unusable, report_from
from webapp.services.feeds.take import Taken, look_ahead, take_reports
from webapp.services.importing import files
from webapp.services.importing.apply import shop_zone
from webapp.services.importing.meaning.rejections import Rejection, shown
from webapp.services.importing.meaning.zones import to_utc
from webapp.services.importing.reading.columns import Column
from webapp.services.importing.reading.simple import Row, opened
from webapp.services.importing.tables import TableOutcome
from webapp.store.queries import importing as ask
from webapp.store.unit import Session, reading

COLUMNS = (
    Column(
        "tracking_number", "Tracking ID", ("Tracking Number", "Waybill", "AWB", "Consignment"), is_needed=True
    ),
    Column("status", "Status", ("Tag", "Tracking Status", "bizStep"), is_needed=True),
    Column("substatus", "Substatus", ("Sub-status", "Subtag", "disposition", "Reason")),
    Column(
        "at", "Time", ("Status Time", "Event Time", "Date", "Timestamp", "Checkpoint Time"), is_needed=True
    ),
    Column("id", "Event ID", ("ID", "EventID")),
    Column("place", "Place", ("Location", "City")),
    Column("note", "Note", ("Message", "Description", "Remark")),
)
_HEADINGS = {column.field: column.heading for column in COLUMNS}
_FIGURES = (
    ("applied", "parcels move on", "safe"),
    ("recorded", "said again in another way, nothing moves", "sent"),
    ("told", "only known to the carrier yet", "sealed"),
    ("duplicate", "told before", "sealed"),
    ("unknown_parcel", "of parcels not known here: they wait", "attention"),
    ("unknown_status", "with a word nobody has translated: they wait", "attention"),
    ("conflict", "say something else under an id told before", "stop"),
)


def read_statuses(
    org_id: str,
    actor_id: str,
    path: Path,
    about: Mapping[str, Any],
    now: datetime,
    is_for_good: bool,
    file_id: str | None = None,
) -> TableOutcome:
    """Read a carrier's file, and take what it says; `about` names the `carrier` and, if known, the `vocabulary`.

    Problems import-… for the file as a whole, `not-found` for no such carrier.
    """
    carrier = str(about.get("carrier", ""))
    outcome = TableOutcome()
    reports = _read(org_id, path, str(about.get("vocabulary", "")), now, outcome)

    def heard(session: Session, taken: int) -> None:
        files.beat(session, org_id, file_id, taken, outcome.rows, clock.now())

    if is_for_good:
        source = str(about.get("source", "csv"))
        taken = take_reports(org_id, carrier, actor_id, source, reports, now, heard)
    else:
        taken = look_ahead(org_id, carrier, reports, now)
    _sum_up(outcome, reports, taken, is_for_good=is_for_good)
    return outcome


def _read(org_id: str, path: Path, vocabulary: str, now: datetime, outcome: TableOutcome) -> list[Report]:
    with reading() as session:
        zone = shop_zone(ask.shop_rules(session, org_id))
    reports: list[Report] = []
    with opened(path, COLUMNS) as rows:
        for row in rows:
            outcome.rows += 1
            try:
                reports.append(_report(row, vocabulary, zone, now))
            except Unusable as bad:
                code = "date_invalid" if bad.field == "at" else "text_invalid"
                heading = _HEADINGS.get(bad.field, "")
                outcome.rejected.append(Rejection(row.number, heading, code, str(bad)))
    if not outcome.rows:
        raise Problem("import-empty", "There is no row below the header.")
    return reports


def _report(row: Row, vocabulary: str, zone: tzinfo, now: datetime) -> Report:
    said = {**row.cells, "vocabulary": vocabulary}
    return report_from(said, now, _time(row.get("at"), zone))


def _time(text: str, zone: tzinfo) -> datetime:
    """A time as a file has it: ISO, with its zone or else in the shop's own."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else to_utc(at, zone)
    except (ValueError, OverflowError) as error:
        hint = "write it year first, as 2026-11-22 07:15"
        raise Unusable("at", f"“{shown(text)}” cannot be read as a time: {hint}.") from error


def _sum_up(
    outcome: TableOutcome, reports: Sequence[Report], taken: Sequence[Taken], *, is_for_good: bool
) -> None:
    outcome.counts = Counter(each.outcome for each in taken)
    figures = [(outcome.counts[name], words, tone) for name, words, tone in _FIGURES]
    if not is_for_good:
        # Whether a parcel moves, only the ledger can tell.
        figures[:2] = [(outcome.counts["applied"], "go to the ledger", "safe")]
    bad = len({rejection.row for rejection in outcome.rejected})
    outcome.figures = [figure for figure in figures if figure[0]] + [(bad, "rows refused", "stop")]
    outcome.changes = [
        (report.tracking_number, " ".join(filter(None, (report.word, report.finer))), each.outcome)
        for report, each in list(zip(reports, taken, strict=True))[:20]
    ]
