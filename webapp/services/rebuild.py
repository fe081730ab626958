"""Fold every parcel anew from its events and compare, or put right, what the tables say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync import ledger
from sync.rules.parcel import Flags, ParcelState
from webapp.services.deadlines import look, pack_of, stamp_of
from webapp.store import journal_writing
from webapp.store.journal import SqlJournal
from webapp.store.models import Parcel
from webapp.store.queries import deadlines, folded, quarantine, shop
from webapp.store.unit import Session, lock_org, reading, snapshot, transaction

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """A parcel whose row does not say what its events say: `{column: [said, should say]}`."""

    code: str
    columns: dict[str, list[Any]]


def refold(session: Session, org_id: str, codes: Sequence[str], head: int, now: datetime) -> None:
    """Fold these parcels again after the books changed (an import, a run), inside the caller's transaction."""
    states = ledger.refold(codes, SqlJournal(session, org_id, head, now))
    journal_writing.write_states(session.connection(), org_id, head, now, states)


def check(now: datetime) -> tuple[int, list[Difference]]:
    """How many parcels there are, and those whose row differs from the fold of their events, at one moment."""
    count = 0
    differing: list[Difference] = []
    with snapshot() as session:
        for org_id in shop.all_ids(session):
            for codes in _chunks(org_id, lambda: nullcontext(session)):
                states = ledger.refold(codes, SqlJournal(session, org_id, 0, now))
                differing.extend(_compare(session, org_id, states))
                differing.extend(_compare_deadlines(session, org_id, codes, now))
                session.expunge_all()  # a shop's rows are more than memory should hold at once
                count += len(codes)
            differing.extend(_compare_quarantine(session, org_id))
    return count, differing


def rebuild(now: datetime) -> int:
    """Write what the events say over what the tables say; gives how many parcels that was."""
    count = 0
    with reading() as session:
        org_ids = shop.all_ids(session)
    for org_id in org_ids:
        for codes in _chunks(org_id, reading):
            with transaction() as session:
                refold(session, org_id, codes, lock_org(session, org_id), now)
            count += len(codes)
        with transaction() as session:
            # Or what somebody decides between the two is overwritten by what was said before.
            lock_org(session, org_id, 0)
            quarantine.settle(session, org_id, quarantine.settlements(session, org_id))
            deadlines.move_cursor(session, org_id, (0, ""))  # the next sweep makes every deadline anew
    return count


def _chunks(org_id: str, read: Callable[[], AbstractContextManager[Session]]) -> Iterator[list[str]]:
    after = ""
    while True:
        with read() as session:
            codes = folded.codes_after(session, org_id, after, CHUNK)
        if not codes:
            return
        yield codes
        after = codes[-1]


def _compare(session: Session, org_id: str, states: Sequence[ParcelState]) -> Iterator[Difference]:
    codes = [state.code for state in states]
    rows = {row.code: row for row in folded.parcels(session, org_id, codes)}
    held: dict[str, set[tuple[str, ...]]] = {}
    for a in folded.anomalies(session, org_id, codes):
        held.setdefault(a.parcel, set()).add((a.code, a.event_id, a.detail, a.closed_by or ""))
    for state in states:
        columns = _differing(rows[state.code], state)
        meant = {(a.code, a.event_id, a.detail, a.closed_by or "") for a in state.anomalies}
        if held.get(state.code, set()) != meant:
            columns["anomalies"] = [sorted(held.get(state.code, set())), sorted(meant)]
        if columns:
            yield Difference(state.code, columns)


def _compare_deadlines(
    session: Session, org_id: str, codes: Sequence[str], now: datetime
) -> Iterator[Difference]:
    """Which rules are due when, and since when they are met, for parcels that the clock has looked at."""
    held = deadlines.shop_clock(session, org_id)
    if held.swept_by != stamp_of(held):
        return  # other terms hold since the clock looked
    swept = {row.code for row in folded.parcels(session, org_id, codes) if _is_swept(row, held.cursor)}
    said: dict[str, set[str]] = {}
    judged_by: dict[str, set[tuple[str, str, str]]] = {}
    unsettled: set[str] = set()
    for (parcel, rule), row in deadlines.held(session, org_id, swept).items():
        said.setdefault(parcel, set()).add(f"{rule} {row.due_at} {row.met_at}")
        judged_by.setdefault(parcel, set()).add((rule, row.number, row.pack))
        if row.state in deadlines.UNSETTLED:
            unsettled.add(parcel)
        if row.next_at is not None and row.next_at <= now:
            swept.discard(parcel)  # its time came while nobody looked
    orders = deadlines.orders_of(session, org_id, swept)
    for code, judged in look(session, org_id, swept, orders, pack_of(held.market), now).items():
        meant = {f"{d.rule} {d.due_at} {d.met_at}" for d in judged.deadlines}
        by = {(d.rule, d.number, d.pack) for d in judged.deadlines}
        if code not in unsettled and judged_by.get(code, by) != by:
            continue  # settled by the terms that held then: others since do not unsettle it
        if said.get(code, set()) != meant:
            yield Difference(code, {"deadlines": [sorted(said.get(code, set())), sorted(meant)]})


def _is_swept(row: Parcel, cursor: deadlines.Cursor) -> bool:
    return (row.changed, row.code) <= cursor


def _compare_quarantine(session: Session, org_id: str) -> Iterator[Difference]:
    """What the rows of the quarantine say became of them, against the ledger's word."""
    said = {it.sha256: (it.outcome, it.amend_id) for it in quarantine.settlements(session, org_id)}
    held = quarantine.outcomes(session, org_id)
    for sha256 in sorted(held.keys() & (said.keys() | {key for key, row in held.items() if row[0]})):
        meant = said.get(sha256, (None, None))
        if held[sha256] != meant:
            yield Difference(f"quarantine {sha256}", {"outcome": [str(held[sha256]), str(meant)]})


def _differing(row: Parcel, state: ParcelState) -> dict[str, list[Any]]:
    meant = journal_writing.state_columns(state)
    # A parcel that nothing happened to yet has the column defaults, which say the same.
    said = {name: getattr(row, name) for name in meant}
    said["flags"] = {**Flags().as_dict(), **said["flags"]}
    return {name: [str(said[name]), str(meant[name])] for name in meant if said[name] != meant[name]}
