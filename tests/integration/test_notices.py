"""The table of notices on both databases: raised once, claimed by one server, given back by rule."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.shop import make_shop, make_user
from webapp.services.notices import Asked, pace, raise_notice, raise_notices, to_role
from webapp.services.notices.addressing import make_ready
from webapp.services.notices.claiming import LEASE, Claim, Post, claim_next
from webapp.services.notices.delivering import give_back, give_up, mark
from webapp.services.notices.outcomes import SENT, Outcome
from webapp.settings import Settings, Smtp
from webapp.store.models import Delivery, Notice, NoticeSettings
from webapp.store.queries import notices as ask
from webapp.store.unit import reading, transaction

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
POST = Post(("email", "webhook"))


@pytest.fixture
def org_id(app_on_both: Flask) -> str:
    made = make_shop()
    make_user(made, "office", "Olga Office", email="olga@example.com")
    return made


@pytest.fixture
def with_mail(settings_on_both: Settings) -> Settings:
    return replace(settings_on_both, smtp=Smtp("127.0.0.1", 9, "baton@example.com"))


def raised(org_id: str, key: str = "alarm:1") -> bool:
    with transaction() as session:
        params = {"what": "Something", "detail": "Look at it."}
        return raise_notice(
            session, org_id, kind="alarm", key=key, to=to_role("office"), params=params, now=NOW
        )


def claim(settings: Settings, now: datetime = NOW) -> Claim:
    made, _ = claim_next(settings, POST, now)
    assert made is not None
    return made


def told(org_id: str) -> list[tuple[str, str, str]]:
    """Notice's state, channel, delivery's state."""
    with reading() as session:
        query = (
            select(Notice.state, Delivery.channel, Delivery.state)
            .join(Delivery, (Delivery.org_id == Notice.org_id) & (Delivery.notice_id == Notice.id))
            .where(Notice.org_id == org_id, Delivery.org_id == org_id)
            .order_by(Delivery.channel)
        )
        return [tuple(row) for row in session.execute(query)]


def test_a_key_is_raised_once_in_a_shop_and_again_in_another(org_id: str) -> None:
    assert [raised(org_id), raised(org_id), raised(org_id, "alarm:2")] == [True, False, True]
    assert raised(make_shop("Another"))
    asked = [Asked("test", key, to_role("office"), {}) for key in ("alarm:2", "a", "b", "a")]
    with transaction() as session:
        assert raise_notices(session, org_id, asked, NOW) == 2


def test_a_notice_of_a_unit_that_fails_was_never_raised(org_id: str) -> None:
    def unit() -> None:
        with transaction() as session:
            raise_notice(session, org_id, kind="test", key="t", to=to_role("office"), params={}, now=NOW)
            raise_notice(session, org_id, kind="gossip", key="g", to=to_role("office"), params={}, now=NOW)

    with pytest.raises(ValueError, match="no kind"):
        unit()
    with reading() as session:
        assert session.execute(select(Notice.id).where(Notice.org_id == org_id)).all() == []


@pytest.mark.parametrize(
    ("kind", "key", "params"),
    [
        ("gossip", "k", {}),
        ("remind", "k", {"order": "1"}),
        ("remind", "k", {"order": "1", "until": "tomorrow"}),
        ("test", "", {}),
        ("test", "k" * 201, {}),
    ],
)
def test_a_mistake_of_the_caller_is_found_when_it_is_made(
    org_id: str, kind: str, key: str, params: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"notice|needs"), transaction() as session:
        raise_notice(session, org_id, kind=kind, key=key, to=to_role("office"), params=params, now=NOW)


def test_of_eight_servers_that_look_at_once_each_letter_is_claimed_by_one(
    app_on_both: Flask, org_id: str, with_mail: Settings
) -> None:
    for n in range(12):
        raised(org_id, f"alarm:{n}")
    start = Barrier(8)

    def server(_: int) -> list[str]:
        with app_on_both.app_context():
            start.wait()
            make_ready(with_mail, NOW)
            found = []
            while True:
                made, looked = claim_next(with_mail, POST, NOW)
                if made is None and not looked:
                    return found
                found += made.ids if made else []

    with ThreadPoolExecutor(8) as servers:
        claimed = [each for found in servers.map(server, range(8)) for each in found]
    assert len(claimed) == len(set(claimed))
    with reading() as session:
        made = session.execute(select(Delivery.id).where(Delivery.org_id == org_id)).scalars().all()
    assert sorted(made) == sorted(claimed)
    assert len(made) == 12


def test_an_abandoned_letter_is_the_offices_to_judge_and_an_abandoned_webhook_is_sent_again(
    org_id: str, with_mail: Settings
) -> None:
    with transaction() as session:
        session.add(NoticeSettings(org_id=org_id, webhook_url="https://example.com/", webhook_secret="s"))
    raised(org_id)
    make_ready(with_mail, NOW)
    first, second = claim(with_mail), claim(with_mail)
    give_back(NOW + LEASE)
    assert told(org_id) == [("waiting", "email", "sending"), ("waiting", "webhook", "sending")]
    give_back(NOW + LEASE + timedelta(seconds=1))
    assert told(org_id) == [("waiting", "email", "maybe"), ("waiting", "webhook", "waiting")]
    by_mail, by_webhook = sorted((first, second), key=lambda made: made.letter.channel)
    # Its sender was only slow, and comes back: what it knows of the letter is better than a guess.
    mark(by_mail, SENT, NOW)
    assert told(org_id)[0] == ("told", "email", "sent")
    # The webhook is somebody else's by now: a late answer must not end their try.
    again = claim(with_mail, NOW + timedelta(hours=1))
    assert again.ids == by_webhook.ids
    assert again.letter.id == by_webhook.letter.id
    mark(by_webhook, Outcome("refused", "410"), NOW)
    assert told(org_id)[1] == ("told", "webhook", "sending")
    mark(again, SENT, NOW)
    assert told(org_id)[1] == ("told", "webhook", "sent")


def test_what_nobody_can_send_is_given_up_after_three_days(org_id: str, with_mail: Settings) -> None:
    raised(org_id)
    make_ready(with_mail, NOW)
    give_up(Post(("webhook",)), NOW + timedelta(days=3))
    assert told(org_id) == [("waiting", "email", "waiting")]
    give_up(POST, NOW + timedelta(days=3, seconds=1))
    assert told(org_id) == [("waiting", "email", "waiting")], "this server can: it only was away"
    give_up(Post(("webhook",)), NOW + timedelta(days=3, seconds=1))
    assert told(org_id) == [("failed", "email", "given_up")]


def test_two_servers_that_end_the_last_deliveries_of_a_notice_at_once_leave_none_waiting(
    app_on_both: Flask, org_id: str, with_mail: Settings
) -> None:
    with transaction() as session:
        session.add(NoticeSettings(org_id=org_id, webhook_url="https://example.com/", webhook_secret="s"))
        is_alone = session.get_bind().dialect.name == "sqlite"  # there the second waits for the first anyway
    for n in range(6):
        raised(org_id, f"alarm:{n}")
    make_ready(with_mail, NOW)
    with transaction() as session:
        taken = {"state": "sending", "lease": "theirs", "leased_until": NOW + LEASE}
        session.execute(update(Delivery).where(Delivery.org_id == org_id).values(**taken))
    with reading() as session:
        query = select(Delivery).where(Delivery.org_id == org_id).order_by(Delivery.notice_id)
        made = list(session.execute(query).scalars())
    meet = Barrier(1 if is_alone else 2)

    def server(channel: str) -> None:
        with app_on_both.app_context():
            for each in made:
                if each.channel == channel:
                    with transaction() as session:
                        ask.mark(session, org_id, each.id, "theirs", {"state": "refused", "error": "No."})
                        meet.wait(60)
                        ask.settle(session, org_id, each.notice_id)

    with ThreadPoolExecutor(2) as servers:
        list(servers.map(server, ("email", "webhook")))
    assert {state for state, _, _ in told(org_id)} == {"failed"}


def test_what_was_spared_a_service_that_is_away_has_cost_it_no_try(org_id: str, with_mail: Settings) -> None:
    raised(org_id)
    make_ready(with_mail, NOW)
    for n in range(pace.TRIES + 5):
        now = NOW + timedelta(minutes=n)
        mark(claim(with_mail, now), Outcome("again", "away a moment ago", is_spared=True), now)
    assert told(org_id) == [("waiting", "email", "waiting")]
    with reading() as session:
        [delivery] = session.execute(select(Delivery).where(Delivery.org_id == org_id)).scalars()
    assert (delivery.tries, delivery.next_try_at) == (0, now + timedelta(seconds=pace.FIRST_S))
