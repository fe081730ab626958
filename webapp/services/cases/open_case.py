"""Open a case about parcels: its number and deadline, the money to come back (and that buyers are told to ask for

it), and for force majeure the pause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils

from sync.protocol.problems import Problem
from sync.rules.cases import EXPECTED, FAULTS, KINDS, due_at, next_look, refund_of
from webapp.services.cases.incident import record_incident
from webapp.services.cases.refund import ask_buyers
from webapp.services.cases.writing import write_down
from webapp.store.models import Case, CaseParcel
from webapp.store.queries import cases as ask
from webapp.store.queries import picking
from webapp.store.unit import Session, lock_org, reading, transaction

MOST_PARCELS = 5000
LONGEST_TITLE = 160
LONGEST_WORDS = 4000
AGAIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a case is to be about. `named` are codes, tracking numbers or order ids; `place_id`: all not yet handed
    over there. `starts_at` and `ends_at` are the period of force majeure, `due_at` replaces the rule's deadline.
    """

    kind: str
    title: str
    words: str
    named: tuple[str, ...] = ()
    place_id: str = ""
    fault: str = ""
    due_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    places: str = ""


def open_case(org_id: str, actor_id: str, wanted: Wanted, now: datetime) -> str:
    """Gives the case's id. Problem `field-invalid` with the field that is wrong; nothing is kept then.

    The same case by the same person within AGAIN is a form sent twice: the one that is open is given.
    """
    _check(wanted)
    with reading() as session:
        codes = _parcels(session, org_id, wanted)
        refund = refund_of(wanted.kind, ask.paid(session, org_id, codes))
    until = wanted.due_at or due_at(wanted.kind, now)
    with transaction() as session:
        lock_org(session, org_id, 0)
        twin = ask.opened_since(
            session, org_id, actor_id, wanted.kind, wanted.title.strip(), codes, now - AGAIN
        )
        if twin is not None:
            return twin
        case = Case(
            org_id=org_id,
            id=str(uuid_utils.uuid7()),
            number=ask.next_number(session, org_id),
            kind=wanted.kind,
            title=wanted.title.strip(),
            fault=wanted.fault or None,
            state="open",
            opened_by=actor_id,
            opened_at=now,
            due_at=until,
            refund=refund.state,
            refund_amount=refund.amount,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            places=wanted.places.strip() or None,
            next_at=next_look(now, until, wanted.ends_at),
        )
        session.add(case)
        session.add_all(CaseParcel(org_id=org_id, case_id=case.id, code=code) for code in codes)
        session.flush()
        data = {"parcels": len(codes), "refund": refund.state, "why": refund.why}
        write_down(session, case, actor_id, "opened", now, wanted.words.strip(), data)
        if refund.state == EXPECTED:
            ask_buyers(session, case, actor_id, now)
        if wanted.kind == "force_majeure":
            record_incident(session, case, actor_id, codes, now, on=True)
    return case.id


def _check(wanted: Wanted) -> None:
    if wanted.kind not in KINDS:
        raise Problem("field-invalid", "Choose what kind of case it is.", field="kind")
    if not wanted.title.strip() or len(wanted.title) > LONGEST_TITLE:
        raise Problem(
            "field-invalid", f"Say in 1 to {LONGEST_TITLE} characters what it is about.", field="title"
        )
    if len(wanted.words) > LONGEST_WORDS:
        raise Problem("field-invalid", f"At most {LONGEST_WORDS} characters.", field="words")
    if wanted.fault and wanted.fault not in FAULTS:
        raise Problem("field-invalid", "There is no such fault.", field="fault")
    if wanted.kind == "force_majeure":
        if wanted.starts_at is None:
            raise Problem("field-invalid", "Say since when it lasts.", field="starts_at")
        if wanted.ends_at is not None and wanted.ends_at <= wanted.starts_at:
            raise Problem("field-invalid", "It cannot end before it begins.", field="ends_at")


def _parcels(session: Session, org_id: str, wanted: Wanted) -> list[str]:
    found: dict[str, None] = {}
    unknown: list[str] = []
    named = picking.named(session, org_id, None, wanted.named, also_scanned=True) if wanted.named else {}
    for word, codes in named.items():
        if not codes:
            unknown.append(word)
        found.update(dict.fromkeys(codes))
    if unknown:
        raise Problem(
            "field-invalid", f"No parcel or order is called {', '.join(unknown[:5])}.", field="parcels"
        )
    if wanted.place_id:
        choice = picking.Choice(
            statuses=("expected", "confirmed", "packed", "ready"), place_id=wanted.place_id
        )
        picked = picking.pick(session, org_id, None, choice, limit=MOST_PARCELS + 1)
        found.update(dict.fromkeys(parcel.code for parcel in picked))
    if not found:
        raise Problem("field-invalid", "Name at least one parcel or order.", field="parcels")
    if len(found) > MOST_PARCELS:
        raise Problem(
            "field-invalid",
            f"A case is about at most {MOST_PARCELS} parcels; open another for the rest.",
            field="parcels",
        )
    return sorted(found)
