"""Judge a proof once all of its pictures that are home have been looked at, and tell the ledger what was found.

The findings come into the ledger as a `check` event of the server's, so that the anomalies on the parcels are rebuilt
from events like everything else. Nothing is said when nothing is wrong, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sync.evidence.judge import PATIENCE, UNCHECKED, Judgement, Shot, doubt_of, judge
from sync.evidence.limits import VERSION
from sync.evidence.strokes import of_strokes
from sync.evidence.telling import portions
from sync.protocol.codes import key_of
from webapp.services.checking.accept import accept_by_rule
from webapp.services.record import Draft, record
from webapp.store.models import BlobRef, Event, ProofCheck
from webapp.store.queries import deletions
from webapp.store.queries import evidence as ask
from webapp.store.unit import Session

ACTOR = "checks"
_UNSEEN: Mapping[str, Any] = {}


def conclude(session: Session, org_id: str, event_id: str, now: datetime) -> None:
    """Judge this proof inside the caller's transaction, unless a picture that is home waits for a look.

    A picture that is overdue (`PATIENCE`) is a finding too; it falls when the picture has come and was looked at.
    """
    event = session.get(Event, (org_id, event_id))
    refs = ask.refs_of(session, org_id, event_id)
    if event is None or any(is_held and not ref.is_checked for ref, _, is_held in refs):
        return
    claimed = ask.claims(session, org_id, event_id)
    away = [ref.sha256 for ref, _, is_held in refs if not is_held]
    gone = deletions.gone(session, org_id, away)
    shots = [
        _shot(ref, claimed, done.result or {}, ((done.result or {}).get("twin") or {}).get("said", ""))
        for ref, done, _ in refs
        if done is not None
    ]
    missing = _missing(
        event, [ref for ref, _, is_held in refs if not is_held and ref.sha256 not in gone], now
    )
    read = {key for shot in shots for key in shot.keys}
    judgement = judge(
        {code: {key_of(text) for text in (code, number) if text} for code, number in claimed.items()},
        shots,
        ask.parcels_of_keys(session, org_id, read),
        of_strokes(event.data or {}),
        [_shot(ref, claimed) for ref in missing],
    )
    _tell(session, event, judgement, now)
    is_whole = bool(refs) and gone >= set(away)
    said = {finding.code for finding in judgement.findings}
    # What the phone said of itself, that it has lost a picture, is not among them and weighs too.
    rest = [code for code in ask.open_anomalies_at(session, org_id, event_id) if code not in said]
    doubt = judgement.weight + doubt_of(rest)
    ask.set_doubt(session, org_id, event_id, doubt if is_whole else doubt + UNCHECKED)
    accept_by_rule(session, event, now)


def _shot(
    ref: BlobRef, claimed: Collection[str], result: Mapping[str, Any] = _UNSEEN, twin: str = ""
) -> Shot:
    return Shot(ref.sha256, ref.role, ref.parcel if ref.parcel in claimed else "", result, twin)


def _missing(event: Event, away: Sequence[BlobRef], now: datetime) -> list[BlobRef]:
    """Those of the pictures away that are awaited and overdue; each is looked at (anew) once it comes."""
    if now < event.received_at + PATIENCE:
        return []
    missing = [ref for ref in away if ref.is_awaited]
    for ref in missing:
        ref.is_checked = False  # or its coming home would be nothing to look at, and this stood for good
    return missing


def _tell(session: Session, event: Event, judgement: Judgement, now: datetime) -> None:
    """Put it down; into the ledger too when it says something new about a parcel."""
    row = ask.judged(session, event.org_id, event.id)
    findings = [finding.as_dict() for finding in judgement.findings]
    told = row.findings if row is not None else []
    if row is None:
        row = ProofCheck(org_id=event.org_id, event_id=event.id)
        session.add(row)
    row.judged_at, row.findings = now, findings
    row.seen, row.unseen, row.others = list(judgement.seen), list(judgement.unseen), list(judgement.others)
    if findings != told:
        concerned = sorted({code for finding in (*findings, *told) for code in finding["parcels"]})
        row.check_event_id = _record(session, event, concerned, findings, now)
    session.flush()


def _record(
    session: Session, event: Event, parcels: list[str], findings: list[dict[str, Any]], now: datetime
) -> str | None:
    drafts = [
        Draft("check", codes, ref=event.id, data={"v": VERSION, "findings": said})
        for codes, said in portions(parcels, findings)
    ]
    return record(session, event.org_id, ACTOR, drafts, now)[0].id
