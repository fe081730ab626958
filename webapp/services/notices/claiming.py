"""Take what is due, for this server alone: a claim is committed before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils

from sync.protocol.times import format_time
from webapp.services.importing.meaning.zones import zone_of
from webapp.services.notices import words
from webapp.services.notices.kinds import KINDS, PATHS
from webapp.services.notices.outcomes import Letter
from webapp.services.notices.quiet import quiet_until
from webapp.settings import Settings
from webapp.store.models import Delivery, Notice, NoticeSettings, Organisation
from webapp.store.queries import notices as ask
from webapp.store.unit import Session, transaction

LEASE = timedelta(minutes=5)
LOOK_AT = 50
MOST_TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What one attempt sends: a letter, and the deliveries it settles. `secret` is the webhook's."""

    letter: Letter
    ids: tuple[str, ...]
    notice_ids: tuple[str, ...]
    tries: int
    lease: str
    secret: str | None = None


def claim_next(settings: Settings, channels: Sequence[str], now: datetime) -> tuple[Claim | None, int]:
    """The longest waiting letter that may go now, claimed; and how many deliveries were looked at.

    What lies in its shop's quiet hours is held until they are over. None and a number: look again.
    """
    with transaction() as session:
        due = ask.due(session, now, channels, LOOK_AT)
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


def _is_held(
    delivery: Delivery, notice: Notice, shop: NoticeSettings, org: Organisation, now: datetime
) -> bool:
    if KINDS[notice.kind].urgent or delivery.channel == "webhook":  # a machine does not sleep
        return False
    until = quiet_until(now, shop.quiet_from, shop.quiet_until, zone_of(org.market, _own_zone(org)))
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
    lease, tries = str(uuid_utils.uuid7()), 1 + max(each.tries for each in group)
    values = {"lease": lease, "leased_until": now + LEASE, "tried_at": now, "held_until": None}
    ours = [each for each in group if ask.claim(session, each.org_id, each.id, values)]
    told = [ask.notice(session, each.org_id, each.notice_id) for each in ours]
    held = [each for each in told if each is not None]
    letter = _letter(session, settings, ours[0], held, shop, org, now)
    return Claim(
        letter,
        tuple(each.id for each in ours),
        tuple(each.id for each in held),
        tries,
        lease,
        shop.webhook_secret if first.channel == "webhook" else None,
    )


def _letter(
    session: Session,
    settings: Settings,
    delivery: Delivery,
    notices: Sequence[Notice],
    shop: NoticeSettings,
    org: Organisation,
    now: datetime,
) -> Letter:
    first = notices[0]
    language = words.language_of(org.market, _chosen(session, delivery), shop.language)
    zone = zone_of(org.market, _own_zone(org))
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


def _chosen(session: Session, delivery: Delivery) -> str | None:
    if delivery.user_id is None:
        return None
    found = ask.readers(session, delivery.org_id, "person", delivery.user_id)
    return found[0].language if found else None


def _own_zone(org: Organisation) -> str | None:
    zone = (org.settings or {}).get("time_zone")
    return str(zone) if zone else None
