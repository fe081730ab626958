"""Change a run that was made: what is on it, whose it is, whether it is open. Phones hear of it at their next pull."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sync.protocol.problems import Problem
from webapp.services.moving import UNKNOWN, Left
from webapp.services.run_members import Filled, family, handles, judge, put_on, send_out, worker
from webapp.store.models import Run
from webapp.store.queries import picking, run_members
from webapp.store.queries.picking import Choice
from webapp.store.unit import lock_org, transaction


def add_to_run(org_id: str, actor_id: str, run_id: str, words: Sequence[str], now: datetime) -> Filled:
    """Put parcels on a run by code, tracking number or order id. Problems `not-found`, `run-closed`."""
    with transaction() as session:
        number = lock_org(session, org_id)
        run = _open_run(session, org_id, run_id)
        found = picking.named(session, org_id, None, words)
        choice = Choice().only([code for codes in found.values() for code in codes])
        parcels = picking.pick(session, org_id, None, choice)
        busy = run_members.open_runs_of(session, org_id, choice.codes or (), family(run.kind))
        person = worker(session, org_id, run.kind, run.user_id)
        fits, left = judge(parcels, run, person, busy, named=True)
        left += [Left(word, "", UNKNOWN) for word, codes in found.items() if not codes]
        if fits:
            put_on(session, org_id, actor_id, run, fits, number, now)
    return Filled(run.id, run.title, len(fits), tuple(left), is_new=False)


def take_off_run(org_id: str, run_id: str, codes: Sequence[str], now: datetime) -> int:
    """Take parcels off a run; a scan made under the old list still fits. Problems `not-found`, `run-closed`."""
    with transaction() as session:
        number = lock_org(session, org_id)
        run = _open_run(session, org_id, run_id)
        gone = run_members.take_off(session, org_id, run.id, codes, now)
        if gone:
            run.changed = number
            run_members.mark_changed(session, org_id, gone, number)
    return len(gone)


def edit_run(
    org_id: str, actor_id: str, run_id: str, now: datetime, *, title: str, day: date, user_id: str | None
) -> None:
    """Give a run another name, day or person. Problems `not-found`, `run-closed`, `field-invalid`."""
    with transaction() as session:
        number = lock_org(session, org_id)
        run = _open_run(session, org_id, run_id)
        person = worker(session, org_id, run.kind, user_id)
        codes = run_members.codes_on(session, org_id, run_id)
        parcels = picking.pick(session, org_id, None, Choice().only(codes))
        if person is not None and not all(handles(person, p.seller) for p in parcels):
            raise Problem(
                "field-invalid", f"{person.name} sees only the parcels of their own shop.", field="user_id"
            )
        run.title, run.day, run.changed = title.strip()[:120] or run.title, day, number
        run.user_id = person.id if person else None
        run_members.mark_changed(session, org_id, codes, number)
        session.flush()
        send_out(session, org_id, actor_id, run, parcels, now)


def close_run(org_id: str, run_id: str) -> None:
    """Take a run off the phones' lists; what is on it stays written. Problem `not-found`."""
    _set_state(org_id, run_id, "closed")


def reopen_run(org_id: str, run_id: str) -> None:
    """Put a run back on its person's list. Problems `not-found`, `conflict` when a parcel got another run."""
    _set_state(org_id, run_id, "open")


def _set_state(org_id: str, run_id: str, state: str) -> None:
    with transaction() as session:
        number = lock_org(session, org_id)
        run = _run(session, org_id, run_id)
        if run.state == state:
            return
        codes = run_members.codes_on(session, org_id, run_id)
        if state == "open":
            busy = run_members.open_runs_of(session, org_id, codes, family(run.kind))
            if busy:
                titles = ", ".join(sorted({f"“{title}”" for _, title in busy.values()}))
                raise Problem(
                    "conflict",
                    f"{len(busy)} of its parcels are on {titles} by now. Take them off there first.",
                )
        run.state, run.changed = state, number
        run_members.mark_changed(session, org_id, codes, number)


def _run(session: Any, org_id: str, run_id: str) -> Run:
    run: Run | None = session.get(Run, (org_id, run_id))
    if run is None:
        raise Problem("not-found", "There is no such run in this shop.")
    return run


def _open_run(session: Any, org_id: str, run_id: str) -> Run:
    run = _run(session, org_id, run_id)
    if run.state != "open":
        raise Problem("run-closed", "Open the run again before you change it.")
    return run
