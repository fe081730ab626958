"""The steps of a case: each is written down by who did it, and the case is what they add up to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.protocol.problems import Problem
from sync.rules.cases import DONE, EXPECTED, FAULTS, NONE, OUTCOMES, REFUNDS, next_look
from webapp.services.cases.incident import record_incident
from webapp.services.cases.refund import ask_buyers, call_off
from webapp.services.cases.writing import write_down
from webapp.services.importing.meaning.values import Unreadable, money
from webapp.store.models import Case
from webapp.store.queries import cases as ask
from webapp.store.unit import Session, lock_org, transaction

LONGEST = 8000


def held(session: Session, org_id: str, case_id: str) -> Case:
    """The case, its shop's row locked. Problem `not-found`."""
    lock_org(session, org_id, 0)
    case = ask.find(session, org_id, case_id)
    if case is None:
        raise Problem("not-found", "There is no such case.")
    return case


def add_note(org_id: str, actor_id: str, case_id: str, words: str, now: datetime) -> None:
    """Something somebody wants kept."""
    with transaction() as session:
        write_down(session, held(session, org_id, case_id), actor_id, "note", now, _said(words, "note"))


def set_fault(org_id: str, actor_id: str, case_id: str, fault: str, words: str, now: datetime) -> None:
    """Whose fault it is (`R9`: a bad label is the seller's), with a reason."""
    if fault not in FAULTS:
        raise Problem("field-invalid", "Choose whose fault it is.", field="fault")
    with transaction() as session:
        case = held(session, org_id, case_id)
        case.fault = fault
        write_down(session, case, actor_id, "fault", now, _said(words, "fault_words"), {"fault": fault})


def set_due(
    org_id: str, actor_id: str, case_id: str, due_at: datetime | None, words: str, now: datetime
) -> None:
    """Another deadline, with a reason: the marketplace gave more time, or less."""
    with transaction() as session:
        case = held(session, org_id, case_id)
        before = case.due_at.isoformat() if case.due_at else None
        case.due_at = due_at
        if case.next_at is None or case.next_at > now:  # else the clock is about to look, at what is over too
            case.next_at = next_look(now, due_at, case.ends_at) if case.state == "open" else None
        data = {"due_at": due_at.isoformat() if due_at else None, "before": before}
        write_down(session, case, actor_id, "due", now, _said(words, "due_words"), data)


def set_money(
    org_id: str, actor_id: str, case_id: str, state: str, amount: str, words: str, now: datetime
) -> None:
    """What became of the money (`R26`): expected, done, or none after all.

    With none after all no buyer asks for it: requests that nobody has sent are called off. Problem `conflict` when the
    case is closed.
    """
    if state not in REFUNDS:
        raise Problem("field-invalid", "Choose what became of the money.", field="refund")
    with transaction() as session:
        case = held(session, org_id, case_id)
        if case.state == "closed":
            raise Problem("conflict", "Somebody has closed it meanwhile: open it again first.")
        said = (
            _said(words, "money_words") if state == NONE and case.refund != NONE else words.strip()[:LONGEST]
        )
        case.refund_amount = _amount(amount) if state in (EXPECTED, DONE) else None
        case.refund = state
        told = None if case.refund_amount is None else str(case.refund_amount)
        data: dict[str, Any] = {"refund": state, "amount": told}
        if state == NONE and (count := call_off(session, case)):
            data["called_off"] = count
        write_down(session, case, actor_id, "money", now, said, data)
        if state == EXPECTED:
            ask_buyers(session, case, actor_id, now)


def close_case(org_id: str, actor_id: str, case_id: str, outcome: str, words: str, now: datetime) -> None:
    """Settle it: how it ended, and why. Problem `conflict` when it is closed, or money is still expected."""
    if outcome not in OUTCOMES:
        raise Problem("field-invalid", "Choose how it ended.", field="outcome")
    with transaction() as session:
        case = held(session, org_id, case_id)
        if case.state == "closed":
            raise Problem("conflict", "Somebody has closed it meanwhile.")
        if case.refund == EXPECTED:
            raise Problem("conflict", "Money is still expected: say first that it came, or that none will.")
        case.state, case.closed_at, case.outcome = "closed", now, outcome
        case.next_at = None
        write_down(
            session, case, actor_id, "closed", now, _said(words, "outcome_words"), {"outcome": outcome}
        )
        record_incident(session, case, actor_id, _paused(session, case), now, on=False)


def reopen_case(org_id: str, actor_id: str, case_id: str, words: str, now: datetime) -> None:
    """Take it up again, with a reason; how it had ended stays in its history."""
    with transaction() as session:
        case = held(session, org_id, case_id)
        if case.state != "closed":
            raise Problem("conflict", "It is open already.")
        case.state, case.closed_at, case.outcome = "open", None, None
        case.next_at = next_look(now, case.due_at, case.ends_at)
        write_down(session, case, actor_id, "reopened", now, _said(words, "reopen_words"))
        record_incident(session, case, actor_id, _paused(session, case), now, on=True)


def set_period(
    org_id: str,
    actor_id: str,
    case_id: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    words: str,
    now: datetime,
) -> None:
    """Say anew from when until when force majeure lasts; its parcels' deadlines follow. Problem `field-invalid`."""
    if starts_at is None or (ends_at is not None and ends_at <= starts_at):
        raise Problem("field-invalid", "Say since when it lasts; it cannot end before.", field="starts_at")
    with transaction() as session:
        case = held(session, org_id, case_id)
        if case.kind != "force_majeure" or case.state == "closed":
            raise Problem("conflict", "This case has no period to change.")
        case.starts_at, case.ends_at = starts_at, ends_at
        case.next_at = next_look(now, case.due_at, ends_at)
        data = {"from": starts_at.isoformat(), "until": ends_at.isoformat() if ends_at else None}
        write_down(session, case, actor_id, "period", now, _said(words, "period_words"), data)
        record_incident(session, case, actor_id, _paused(session, case), now, on=True)


def _paused(session: Session, case: Case) -> list[str]:
    """The parcels whose deadlines stand still by this case."""
    return ask.codes_of(session, case.org_id, case.id) if case.kind == "force_majeure" else []


def _said(words: str, field: str) -> str:
    kept = words.strip()
    if not kept:
        raise Problem("field-invalid", "Say it in words: they stay in the case's history.", field=field)
    if len(kept) > LONGEST:
        raise Problem("field-invalid", f"At most {LONGEST} characters.", field=field)
    return kept


def _amount(text: str) -> Decimal | None:
    """As the markets write it: 54.80, 54,80, Rp 150.000, 1,054.80."""
    try:
        amount = money(text)
    except Unreadable as error:
        raise Problem("field-invalid", "Write the amount as 54.80.", field="amount") from error
    if amount is not None and not 0 <= amount < Decimal(10) ** 12:
        raise Problem("field-invalid", "Write the amount as 54.80.", field="amount")
    return amount
