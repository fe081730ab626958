"""Send what is due. Our side tries until it knows; nobody is told twice for it.

A delivery is claimed in a transaction of its own (`sending`, with a lease) before a byte leaves, and marked with what
came of it after. Of two servers one has the claim. If the server dies between the two, the lease runs out, and then:

- e-mail becomes `maybe`. A mail server cannot tell a second sending from a second letter, so it is not sent again by
  itself: the office sees it, and decides. Better a letter that the office must look after than two of it.
- a webhook is sent again with the same `webhook-id` (and Idempotency-Key), by which its receiver knows it.
- a push is sent again with the same Topic and tag: the push service and the browser each replace the first by it.

The same goes for an answer that never came. Whatever surely did not arrive is tried again with full jitter, for most
of a day; what is refused for good, or given up, says why and is in sight of the office.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import structlog

from webapp import clock
from webapp.services.notices import pace
from webapp.services.notices.addressing import AT_ONCE, make_ready
from webapp.services.notices.claiming import Claim, Post, claim_next
from webapp.services.notices.outcomes import Outcome
from webapp.services.notices.senders import Senders
from webapp.settings import Settings
from webapp.store.models import Delivery
from webapp.store.queries import notices as ask
from webapp.store.queries import push
from webapp.store.unit import Session, transaction

log = structlog.get_logger()

BUDGET_S = 40.0
_draw = SystemRandom().random


def deliver_due(settings: Settings, now: datetime, budget_s: float = BUDGET_S) -> Counter[str]:
    """One round: make ready what is new, give back what was abandoned, send what is due, give up what nobody can send;

    counts by outcome.

    Ends after `budget_s` seconds with work left: the next round goes on.
    """
    end = clock.ticks() + budget_s
    while make_ready(settings, now) == AT_ONCE and clock.ticks() < end:
        pass
    give_back(now)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        post = Senders(settings, stack)
        able = post.now()
        while clock.ticks() < end:
            claim, looked = claim_next(settings, post.now(), now)
            if claim is None and not looked:
                break
            if claim is None:
                continue
            outcome = post.send(claim)
            mark(claim, outcome, now)
            counts[outcome.state] += len(claim.ids)
    give_up(able, now)
    if counts:
        log.info("notices", **counts)
    return counts


def mark(claim: Claim, outcome: Outcome, now: datetime) -> None:
    """Write down what came of a claim, on every delivery it was for."""
    drawn = _draw()  # one for all, so that those of as many tries go together again
    with transaction() as session:
        org_id = claim.letter.org_id
        for delivery_id in claim.ids:
            values = _values(claim.tries[delivery_id], outcome, drawn, now)
            ask.mark(session, org_id, delivery_id, claim.lease, values)
        # In the order of their ids: two servers that settle the same ones wait for each other, and never both.
        for notice_id in sorted(set(claim.notice_ids)):
            ask.settle(session, org_id, notice_id)
        if outcome.is_gone and claim.browser is not None:
            push.end(session, org_id, claim.browser.endpoint_sha256, outcome.said, now)


def _values(tries: int, outcome: Outcome, drawn: float, now: datetime) -> dict[str, Any]:
    state, at_last = outcome.state, tries >= pace.TRIES
    if outcome.is_spared:
        later = now + timedelta(seconds=pace.FIRST_S)
        told = {"state": "waiting", "error": outcome.said, "next_try_at": later, "lease": None}
        return {**told, "tries": tries - 1}
    if state == "again" and at_last:
        return {"state": "given_up", "error": f"Given up after {tries} tries. {outcome.said}"}
    if state == "again":
        later = now + pace.wait(tries, lambda: drawn, outcome.after_s)
        return {"state": "waiting", "error": outcome.said, "next_try_at": later, "lease": None}
    if state == "sent":
        return {"state": "sent", "error": "", "delivered_at": now}
    return {"state": state, "error": outcome.said}


def give_back(now: datetime) -> None:
    """What a sender took and never came back for, by the rule above."""
    with transaction() as session:
        lost = ask.abandoned(session, now, AT_ONCE)
        for delivery in lost:
            _give_back(delivery, now)
        session.flush()
        _settle_all(session, lost)


def give_up(able: Post, now: datetime) -> None:
    """What nobody could even try in three days: not what this server is `able` to send, however long it was away."""
    with transaction() as session:
        stale = ask.never_tried(session, now, now - pace.ASIDE, able.channels, able.push_key, AT_ONCE)
        for delivery in stale:
            delivery.state = "given_up"
            delivery.error = "In three days no server was able to send by this channel."
        session.flush()
        _settle_all(session, stale)


def _settle_all(session: Session, deliveries: Sequence[Delivery]) -> None:
    for org_id, notice_id in sorted({(each.org_id, each.notice_id) for each in deliveries}):
        ask.settle(session, org_id, notice_id)


def _give_back(delivery: Delivery, now: datetime) -> None:
    if delivery.channel == "email":
        delivery.state = "maybe"
        delivery.error = (
            "The server stopped while it sent this. It may have arrived; send it again only if it did not."
        )
        return
    delivery.state, delivery.lease = "waiting", None
    delivery.next_try_at = now
    delivery.error = "The server stopped while it sent this; the receiver knows a second sending by its id."
