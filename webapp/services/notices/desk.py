"""What the office does about notices: try again, tell by hand, set the channels, try one out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import uuid_utils

from sync.protocol.problems import Problem
from webapp.services.notices import hook, outgoing, words
from webapp.services.notices.addressing import make_ready
from webapp.services.notices.claiming import claim_of
from webapp.services.notices.delivering import mark
from webapp.services.notices.outcomes import Outcome
from webapp.services.notices.quiet import read_hours
from webapp.services.notices.raising import raise_notice, to_person
from webapp.services.notices.senders import Senders
from webapp.settings import Settings
from webapp.store.models import NoticeChoice
from webapp.store.queries import notice_views
from webapp.store.queries import notices as ask
from webapp.store.unit import lock_org, transaction

ENDED = ("maybe", "refused", "given_up")


def try_again(org_id: str, delivery_id: str, now: datetime) -> None:
    """Send what ended otherwise once more, with all its tries. Problems `not-found`, `conflict`."""
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = notice_views.delivery(session, org_id, delivery_id)
        if held is None:
            raise Problem("not-found", "There is no such delivery in this shop.")
        if held.state not in ENDED:
            raise Problem("conflict", "It is on its way already, or has arrived.")
        held.state, held.tries, held.next_try_at, held.lease = "waiting", 0, now, None
        session.flush()
        ask.reopen(session, org_id, held.notice_id)


def address_again(org_id: str, notice_id: str) -> None:
    """Look again for channels of a notice that had none. Problems `not-found`, `conflict`."""
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = ask.notice(session, org_id, notice_id)
        if held is None:
            raise Problem("not-found", "There is no such notice in this shop.")
        if held.state != "unsent":
            raise Problem("conflict", "It is on its way already.")
        held.state = "new"


def tell_by_hand(org_id: str, user_id: str, notice_ids: Sequence[str], now: datetime) -> int:
    """The office has told these itself; gives how many were still untold."""
    with transaction() as session:
        return notice_views.told_by_hand(session, org_id, notice_ids, user_id, now)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A shop's settings as its form says them; empty texts for none."""

    language: str
    quiet_from: str
    quiet_until: str
    by_email: bool
    by_push: bool
    reply_to: str
    webhook_url: str


def save_settings(settings: Settings, org_id: str, wanted: Wanted) -> None:
    """Keep them; a first webhook gets a secret. Problem `field-invalid` with the field."""
    _check(settings, wanted)
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = ask.shop_settings(session, org_id)
        held.language = wanted.language or None
        held.quiet_from, held.quiet_until = wanted.quiet_from or None, wanted.quiet_until or None
        held.by_email, held.by_push = wanted.by_email, wanted.by_push
        held.reply_to, held.webhook_url = wanted.reply_to or None, wanted.webhook_url or None
        if held.webhook_url and not held.webhook_secret:
            held.webhook_secret = hook.make_secret()
        session.add(held)


def renew_secret(org_id: str) -> None:
    """A new secret for the webhook; the old one signs nothing any more."""
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = ask.shop_settings(session, org_id)
        held.webhook_secret = hook.make_secret()
        session.add(held)


def save_choice(org_id: str, user_id: str, language: str, *, by_email: bool) -> None:
    """How one person wants to be told. Problem `field-invalid`."""
    if language and language not in words.languages():
        raise Problem("field-invalid", "Choose a language from the list.", field="own_language")
    with transaction() as session:
        lock_org(session, org_id, 0)
        held = session.get(NoticeChoice, (org_id, user_id)) or NoticeChoice(org_id=org_id, user_id=user_id)
        held.language, held.by_email = language or None, by_email
        session.add(held)


def send_test(settings: Settings, org_id: str, user_id: str, now: datetime) -> list[tuple[str, Outcome]]:
    """Tell this person something at once by every channel there is; what each of them answered."""
    with transaction() as session:
        key = f"test:{uuid_utils.uuid7()}"
        raise_notice(session, org_id, kind="test", key=key, to=to_person(user_id), params={}, now=now)
    make_ready(settings, now, only=(org_id, key))
    told = []
    with ExitStack() as stack:
        senders = Senders(settings, stack)
        while (claim := claim_of(settings, org_id, key, senders.now(), now)) is not None:
            outcome = senders.send(claim)
            mark(claim, outcome, now)
            told.append((claim.letter.channel, outcome))
    return told


def _check(settings: Settings, wanted: Wanted) -> None:
    if wanted.language and wanted.language not in words.languages():
        raise Problem("field-invalid", "Choose a language from the list.", field="language")
    for field, text in (("quiet_from", wanted.quiet_from), ("quiet_until", wanted.quiet_until)):
        try:
            if text:
                read_hours(text)
        except ValueError as error:
            raise Problem("field-invalid", "Write a time like 21:30.", field=field) from error
    if bool(wanted.quiet_from) != bool(wanted.quiet_until):
        raise Problem("field-invalid", "Write both times of the quiet hours, or none.", field="quiet_from")
    if wanted.reply_to and ("@" not in wanted.reply_to or any(c.isspace() for c in wanted.reply_to)):
        raise Problem("field-invalid", "Write one e-mail address.", field="reply_to")
    if len(wanted.webhook_url) > 1000 or len(wanted.reply_to) > 255:
        raise Problem("field-invalid", "The address is too long.", field="webhook_url")
    if wanted.webhook_url:
        _check_hook(settings, wanted.webhook_url)


def _check_hook(settings: Settings, url: str) -> None:
    try:
        outgoing.look_at(url, may_be_private=settings.private_targets)
    except outgoing.Unsafe as error:
        raise Problem("field-invalid", str(error), field="webhook_url") from error
    except OSError as error:
        text = "This name cannot be found on the internet just now. Check its spelling."
        raise Problem("field-invalid", text, field="webhook_url") from error
