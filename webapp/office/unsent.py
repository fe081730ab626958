"""Phones with unsent work: the oldest first, with what is missing, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import render_template

from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.office.phones import SKEW_MS
from webapp.store.queries import phones
from webapp.store.queries.phones import Phone
from webapp.store.unit import reading

SILENT_AFTER = timedelta(hours=12)
SENDING_WITHIN = timedelta(minutes=15)
LITTLE_ROOM_MB = 100


@blueprint.get("/phones/unsent")
@desk("office", "admin")
def phones_unsent() -> str:
    """The page."""
    with reading() as session:
        held = phones.list_phones(session, actor().org_id)
    away = sorted((phone for phone in held if is_away(phone)), key=lambda phone: _age(phone, moment()))
    return render_template(
        "office/phones_unsent.html",
        phones=[(phone, list(advice(phone, moment()))) for phone in away],
        skew_ms=SKEW_MS,
    )


def is_away(phone: Phone) -> bool:
    """Whether, by what is known, a phone holds something that is not here, may hold it, or numbers never came."""
    holds = phone.unsent or phone.unsent_blobs or phone.behind
    return bool(holds or phone.missing or phone.lost_stores)


def advice(phone: Phone, now: datetime) -> Iterator[str]:
    """What to do about one phone, the most urgent first, in plain words."""
    who = phone.person
    is_silent = phone.last_seen_at is None or now - phone.last_seen_at > SILENT_AFTER
    holds = bool(phone.unsent or phone.unsent_blobs or phone.behind)
    if phone.is_brought:
        yield (
            "Every record that it had sealed when it was last heard is here, or held in quarantine: somebody brought "
            "it. The phone does not know it yet."
        )
        if phone.unsent_blobs:
            yield "Its photos may be on it and nowhere else: do not clear it before its parcels show them."
    elif phone.revoked_at is not None and holds:
        yield (
            f"It is signed out and still holds work. Ask {who} for its rescue file (Outbox, Rescue file) and read it "
            "in here, or let it send: what it sends is kept in quarantine, to be taken in there."
        )
    elif holds and is_silent:
        yield (
            f"It has been silent for long. Ask {who} to open Baton where there is a network. If the phone is broken or "
            "lost, its unsent work is on it and nowhere else: keep it, and do not clear it."
        )
    elif holds and phone.last_seen_at is not None and now - phone.last_seen_at <= SENDING_WITHIN:
        yield "It was heard a moment ago and is probably sending. Look again in some minutes."
    elif phone.unsent == 0 and phone.unsent_blobs:
        yield "Its records are here, only photos are still on their way. They go by themselves, quickest on Wi-Fi."
    elif holds:
        yield f"Ask {who} to keep Baton open for a while where there is a network."
    if phone.missing and not phone.unsent and not phone.behind:
        yield (
            "It says it holds nothing more, but numbers of it never came: its storage may have been cleared. "
            f"Ask {who} what was done then, and for a rescue file if there is one."
        )
    if phone.lost_stores:
        yield (
            "An earlier store on it does not open, and may hold work that is nowhere else. The phone tries it again at "
            f"every start and sends what is in it. Ask {who} not to clear the browser’s data, and to restart the phone "
            "and open Baton where there is a network."
        )
    yield from _about_the_phone(phone, holds=holds)


def _about_the_phone(phone: Phone, *, holds: bool) -> Iterator[str]:
    if holds and phone.free_mb is not None and phone.free_mb < LITTLE_ROOM_MB:
        yield "It has hardly any room left for photos. Bring its work home before the next run."
    if holds and phone.storage and phone.storage.get("persisted") is not True:
        yield "Its browser may clear what it holds. Install Baton to the home screen after this is sent."
    if phone.clock_ms is not None and abs(phone.clock_ms) > SKEW_MS:
        yield "Its clock is wrong. Set date and time to automatic in the phone's settings."


def _age(phone: Phone, now: datetime) -> tuple[bool, datetime, str]:
    # What told no oldest item comes after those that did, by when it was last heard.
    return phone.oldest_unsent_at is None, phone.oldest_unsent_at or phone.last_seen_at or now, phone.id
