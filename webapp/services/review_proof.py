"""Judge one proof: accept it, reject it, or ask the phone's person for a new photo.

The verdict is an event in the ledger; the mark on the proof and the phone's task follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services.notices import raise_notice, to_person
from webapp.services.record import Draft, record
from webapp.store.models import Event, Task
from webapp.store.queries import people, review
from webapp.store.queries.event_views import voids
from webapp.store.unit import Session, lock_org, transaction

VERDICTS = ("accept", "reject", "retake")
# What is wrong with a proof: a stable code, the words for the desk, the words for the phone's person.
REASONS: dict[str, tuple[str, str]] = {
    "photo_blurred": (
        "Photo blurred or dark",
        "The photo is blurred or too dark. Take it again, close and still.",
    ),
    "tag_unreadable": (
        "Tag or label not readable",
        "The tag cannot be read. Take the photo with the tag in full.",
    ),
    "parcel_not_shown": (
        "Not all parcels in the photo",
        "Not all parcels are in the photo. Show every one of them.",
    ),
    "signature_missing": (
        "Signature missing or not theirs",
        "The signature is missing or not that person's.",
    ),
    "count_wrong": ("Count does not fit", "The number of parcels does not fit the list. Count them again."),
    "wrong_parcel": (
        "Another parcel is shown",
        "The photo shows another parcel. Take one of the right parcel.",
    ),
    "other": ("Something else", ""),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it; `task_for` is who was asked for a retake."""

    event_id: str
    verdict: str
    task_for: str | None


def review_proof(
    org_id: str,
    actor_id: str,
    event_id: str,
    verdict: str,
    now: datetime,
    *,
    reason: str | None = None,
    note: str | None = None,
    seen: str = "waiting",
) -> Judged:
    """Record a verdict on a proof that still stands as the reviewer saw it (`seen`).

    Accepting the answer to a retake accepts the proof it answers as well, and rejecting it ends what waited for it.
    Problems: `not-found` (not this shop's, or nothing to review), `conflict` (somebody was quicker; the detail says who
    and what), `field-invalid` (no such verdict; no reason where one is due; nobody to ask for a retake).
    """
    _check(verdict, reason, note)
    with transaction() as session:
        head = lock_org(session, org_id)
        event = _reviewable(session, org_id, event_id, seen)
        drafts = [_draft(session, event, verdict, reason, note)]
        if verdict != "retake":
            drafts += [_after(session, it, verdict, note) for it in _answered(session, event, verdict)]
        record(session, org_id, actor_id, drafts, now)
        for draft in drafts:
            _close_task(session, org_id, draft.ref or "", head, now)
        person = _ask(session, event, _for_phone(reason, note), head, now) if verdict == "retake" else None
        return Judged(event_id, verdict, person)


def _check(verdict: str, reason: str | None, note: str | None) -> None:
    if verdict not in VERDICTS:
        raise Problem("field-invalid", "A proof is accepted, rejected, or asked for again.")
    if reason is not None and reason not in REASONS:
        raise Problem("field-invalid", "Choose a reason from the list.")
    if verdict != "accept" and (reason is None or (reason == "other" and not note)):
        raise Problem("field-invalid", "Say why: choose a reason, or write it in your own words.")


def _reviewable(session: Session, org_id: str, event_id: str, seen: str) -> Event:
    event = session.get(Event, (org_id, event_id))
    if event is None or event.review_state is None:
        raise Problem("not-found", "There is no such proof in this shop.")
    if event.review_state != seen:
        raise Problem("conflict", _who_was_quicker(session, org_id, event_id))
    return event


def _who_was_quicker(session: Session, org_id: str, event_id: str) -> str:
    held = review.verdicts(session, org_id, event_id)
    if not held:
        return "This proof was judged meanwhile. Your verdict was not kept."
    did = {"accept": "accepted it", "reject": "rejected it", "retake": "asked for it again"}
    return f"{held[-1].by} {did.get(held[-1].verdict, 'judged it')} meanwhile. Your verdict was not kept."


def _draft(session: Session, event: Event, verdict: str, reason: str | None, note: str | None) -> Draft:
    codes = review.scanned_codes(session, event.org_id, event.id)
    return Draft("review", codes, reason=reason, note=note or None, ref=event.id, data={"verdict": verdict})


def _answered(session: Session, event: Event, verdict: str) -> list[Event]:
    """What an answer to a retake is the last word on: the proof it was asked for, what that one answered, and so on."""
    chain, older = {event.id: event}, event
    while (
        older.reason == "retake"
        and older.ref
        and older.ref not in chain
        and not voids(session, event.org_id, [older.id])
    ):
        found = session.get(Event, (event.org_id, older.ref))
        if found is None or found.review_state is None:
            break
        chain[found.id] = older = found
    # An accepted answer is good for all of it; a rejected one ends what only waited for it.
    ended = {"waiting", "reject", "retake"} if verdict == "accept" else {"retake"}
    return [
        it
        for it in chain.values()
        if it is not event
        and it.review_state in ended
        # Asked for anew, it waits for another answer than this.
        and (verdict == "accept" or review.open_retake(session, event.org_id, it.id) is None)
    ]


def _after(session: Session, event: Event, verdict: str, note: str | None) -> Draft:
    """What was wrong with the answer is no word on what it answers."""
    said = note if verdict == "accept" else "What was sent for it, as asked, was rejected."
    return _draft(session, event, verdict, None, said)


def _for_phone(reason: str | None, note: str | None) -> str:
    words = REASONS[reason][1] if reason else ""
    return " ".join(part for part in (words, note or "") if part)


def _close_task(session: Session, org_id: str, event_id: str, head: int, now: datetime) -> None:
    for task in review.open_tasks(session, org_id, [event_id]):
        task.done_at, task.changed = now, head
    session.flush()


def _ask(session: Session, event: Event, reason: str, head: int, now: datetime) -> str:
    person = people.person(session, event.org_id, event.actor_id)
    if person is None or not person.active:
        raise Problem(
            "field-invalid", "Nobody can be asked for it: this was not recorded by a person of the shop."
        )
    task = Task(
        org_id=event.org_id,
        id=str(uuid_utils.uuid7()),
        kind="retake",
        user_id=person.id,
        event_id=event.id,
        parcels=review.scanned_codes(session, event.org_id, event.id),
        reason=reason,
        picture=review.picture(session, event.org_id, event.id),
        created_at=now,
        changed=head,
    )
    session.add(task)
    raise_notice(
        session,
        event.org_id,
        kind="retake",
        key=f"retake:{task.id}",
        to=to_person(person.id),
        params={"reason": reason, "count": len(task.parcels)},
        now=now,
    )
    return person.name
