"""Take what is due, for this server alone: a claim is committed before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils

from sync.protocol.times import format_time
from sync.rules.pack import zone_of
from webapp.services.notices import words
from webapp.services.notices.kinds import KINDS, PATHS
from webapp.services.notices.outcomes import Letter
from webapp.services.notices.quiet import quiet_until
from webapp.services.notices.web_push import Browser
from webapp.settings import Settings
from webapp.store.models import Delivery, Notice, NoticeSettings, Organisation
from webapp.store.queries import notices as ask
from webapp.store.queries import push
from webapp.store.queries.notices import Reader
from webapp.store.queries.shop import zone_setting
from webapp.store.unit import Session, transaction

LEASE = timedelta(minutes=5)
LOOK_AT = 50
MOST_TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What one attempt sends: a letter, and the deliveries it settles. `secret` is the webhook's, `browser` the push's.

    `tries` says which try this is of each delivery: what goes in one letter need not have waited for the same time.
    `why_not`: there is nothing to be sent any more, and why.
    """

    letter: Letter
    ids: tuple[str, ...]
    notice_ids: tuple[str, ...]
    tries: Mapping[str, int]
    lease: str
    secret: str | None = None
    browser: Browser | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What this server sends by just now: its channels, its key for push, and shops whose webhook is in trouble."""

    channels: Sequence[str]
    push_key: str = ""
    spared: frozenset[str] = frozenset()


def claim_next(settings: Settings, post: Post, now: datetime) -> tuple[Claim | None, int]:
    """The longest waiting letter that may go now, claimed; and how many deliveries were looked at.

    What lies in its shop's quiet hours is held until they are over. None and a number: look again.
    """
    with transaction() as session:
        due = ask.due(session, now, post.channels, post.push_key, post.spared, LOOK_AT)
        for first in due:
            notice = ask.notice(session, first.org_id, first.notice_id)
            if notice is None:
                raise RuntimeError(f"delivery {first.id} has no notice")
            shop = ask.shop_settings(session, first.org_id)
            org = ask.organisation(session, first.org_id)
            if _is_held(first, notice, shop, org, now):
                session.flush()
                continue
            return _claim(session, settings, first, notice, shop, org, now), len(due)
    return None, len(due)


def claim_of(settings: Settings, org_id: str, key: str, post: Post, now: datetime) -> Claim | None:
    """A letter of this one notice that was never tried, claimed now: somebody waits for the answer."""
    with transaction() as session:
        first = ask.waiting_of(session, org_id, key, post.channels)
        notice = ask.notice(session, org_id, first.notice_id) if first else None
        if first is None or notice is None:
            return None
        shop, org = ask.shop_settings(session, org_id), ask.organisation(session, org_id)
        return _claim(session, settings, first, notice, shop, org, now)


def _is_held(
    delivery: Delivery, notice: Notice, shop: NoticeSettings, org: Organisation, now: datetime
) -> bool:
    if KINDS[notice.kind].urgent or delivery.channel == "webhook":  # a machine does not sleep
        return False
    until = quiet_until(
        now, shop.quiet_from, shop.quiet_until, zone_of(org.market, zone_setting(org.settings))
    )
    if until is None:
        return False
    delivery.next_try_at = delivery.held_until = until
    return True


def _claim(
    session: Session,
    settings: Settings,
    first: Delivery,
    notice: Notice,
    shop: NoticeSettings,
    org: Organisation,
    now: datetime,
) -> Claim:
    kind = KINDS[notice.kind]
    is_together = kind.together and first.channel == "email"
    group = (ask.alike(session, first, notice.kind, now, MOST_TOGETHER) if is_together else [first]) or [
        first
    ]
    lease, tries = str(uuid_utils.uuid7()), {each.id: each.tries + 1 for each in group}
    values = {"lease": lease, "leased_until": now + LEASE, "tried_at": now, "held_until": None}
    ours = [each for each in group if ask.claim(session, each.org_id, each.id, values)]
    told = [ask.notice(session, each.org_id, each.notice_id) for each in ours]
    held = [each for each in told if each is not None]
    person = _person(session, first)
    browser = _browser(session, first, person)
    return Claim(
        _letter(settings, ours[0], held, person, shop, org, now),
        tuple(each.id for each in ours),
        tuple(each.id for each in held),
        tries,
        lease,
        shop.webhook_secret if first.channel == "webhook" else None,
        browser,
        _why_not(first, person, browser, shop),
    )


def _person(session: Session, delivery: Delivery) -> Reader | None:
    if delivery.user_id is None:
        return None
    found = ask.readers(session, delivery.org_id, "person", delivery.user_id)
    return found[0] if found else None


def _browser(session: Session, delivery: Delivery, person: Reader | None) -> Browser | None:
    if delivery.channel != "push" or person is None:
        return None
    held = push.find(session, delivery.org_id, delivery.target)
    if held is None or held.ended_at is not None:
        return None
    return Browser(held.endpoint, held.endpoint_sha256, held.p256dh, held.auth, person.name)


def _why_not(
    delivery: Delivery, person: Reader | None, browser: Browser | None, shop: NoticeSettings
) -> str | None:
    if delivery.user_id is not None and person is None:
        return "This person no longer works here."
    if delivery.channel == "push" and browser is None:
        return "This browser takes no more notices, or its phone was signed out."
    if delivery.channel == "webhook" and not (shop.webhook_url and shop.webhook_secret):
        return "The shop has no webhook any more."
    return None


def _letter(
    settings: Settings,
    delivery: Delivery,
    notices: Sequence[Notice],
    person: Reader | None,
    shop: NoticeSettings,
    org: Organisation,
    now: datetime,
) -> Letter:
    first = notices[0]
    language = words.language_of(org.market, person.language if person else None, shop.language)
    zone = zone_of(org.market, zone_setting(org.settings))
    each = [words.fill(n.kind, n.params, language, shop=org.name, zone=zone) for n in notices]
    path = first.params.get("path") or PATHS.get(first.kind)
    link = f"{settings.public_url}{path}" if path and first.to_kind != "address" else None
    return Letter(
        id=delivery.id,
        org_id=delivery.org_id,
        channel=delivery.channel,
        target=(shop.webhook_url or "") if delivery.channel == "webhook" else delivery.target,
        kind=first.kind,
        key=first.key,
        words=words.fill_many(first.kind, each, language),
        link=link if len(notices) == 1 else None,
        link_path=path,
        shop=org.name,
        is_urgent=KINDS[first.kind].urgent or first.kind == "retake",
        reply_to=shop.reply_to,
        body=_body(first, each[0], language),
        at=now,
    )


def _body(notice: Notice, filled: words.Words, language: str) -> dict[str, object]:
    return {
        "id": notice.id,
        "key": notice.key,
        "kind": notice.kind,
        "to": {"kind": notice.to_kind, "value": notice.to},
        "params": notice.params,
        "created_at": format_time(notice.created_at),
        "language": language,
        "subject": filled.subject,
        "text": filled.text,
    }
