"""Any interleaving of raising, sending, dying, coming back late and waiting: nobody is told twice for our side."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.support.shop import make_shop, make_user
from webapp.services.notices import desk as notices_desk
from webapp.services.notices import raise_notice, to_role
from webapp.services.notices.addressing import make_ready
from webapp.services.notices.claiming import Claim, Post, claim_next
from webapp.services.notices.delivering import give_back, give_up, mark
from webapp.services.notices.outcomes import Outcome
from webapp.settings import Settings, Smtp
from webapp.store.models import Delivery, Notice, NoticeSettings
from webapp.store.unit import reading, transaction

START = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
POST = Post(("email", "webhook"))
STEPS = st.one_of(
    st.tuples(st.just("raise"), st.integers(0, 1)),
    st.tuples(st.just("ready"), st.none()),
    st.tuples(st.just("claim"), st.none()),
    st.tuples(st.just("end"), st.sampled_from(["sent", "again", "refused", "maybe"])),
    st.tuples(st.just("die"), st.booleans()),  # after the other side took it, or before
    st.tuples(st.just("die and wait"), st.booleans()),
    st.tuples(st.just("late"), st.none()),  # one that was thought dead comes back with its answer
    st.tuples(st.just("wait"), st.sampled_from([1, 6, 24 * 60])),
)

# What a search of this size does not meet every time: a sender dies with the letter taken, and others look after it.
DIED_AND_WAS_TRIED_AGAIN: list[tuple[str, object]] = [
    ("claim", None),
    ("claim", None),
    ("die and wait", True),
    ("die and wait", True),
    ("claim", None),
    ("claim", None),
    ("end", "sent"),
    ("end", "sent"),
]


class World:
    """Two servers, a mail server and a webhook's receiver; `taken` counts what each of them took, by delivery."""

    def __init__(self, with_mail: Settings, org_id: str) -> None:
        self.settings, self.org_id, self.now = with_mail, org_id, START
        self.taken: Counter[str] = Counter()
        self.in_hand: list[Claim] = []
        self.dead: list[tuple[Claim, bool]] = []

    def do(self, step: str, value: object) -> None:
        getattr(self, "do_" + step.replace(" ", "_"))(value)

    def do_raise(self, n: object) -> None:
        with transaction() as session:
            params = {"order": f"57{n}", "until": START + timedelta(days=9)}
            key = f"remind:{n}:2026-11-26"
            raise_notice(
                session,
                self.org_id,
                kind="remind",
                key=key,
                to=to_role("office"),
                params=params,
                now=self.now,
            )

    def do_ready(self, _: object) -> None:
        make_ready(self.settings, self.now)

    def do_claim(self, _: object) -> None:
        claim, _looked = claim_next(self.settings, POST, self.now)
        if claim is not None:
            self.in_hand.append(claim)

    def do_end(self, state: object) -> None:
        if self.in_hand:
            claim = self.in_hand.pop(0)
            self._take(claim, state in {"sent", "maybe"})
            mark(claim, Outcome(str(state), "said"), self.now)

    def do_die(self, took: object) -> None:
        if self.in_hand:
            claim = self.in_hand.pop()
            self._take(claim, bool(took))
            self.dead.append((claim, bool(took)))

    def do_die_and_wait(self, took: object) -> None:
        self.do_die(took)
        self.do_wait(6)

    def do_late(self, _: object) -> None:
        if self.dead:
            claim, took = self.dead.pop(0)
            mark(claim, Outcome("sent" if took else "again", "late"), self.now)

    def do_wait(self, minutes: object) -> None:
        self.now += timedelta(minutes=int(str(minutes)))
        give_back(self.now)
        give_up(POST, self.now)

    def _take(self, claim: Claim, took: bool) -> None:
        if took:
            self.taken.update(claim.ids)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=DIED_AND_WAS_TRIED_AGAIN)
@given(steps=st.lists(STEPS, max_size=40, min_size=10))
def test_each_key_is_told_at_most_once_by_each_channel(
    app_on_both: Flask, settings_on_both: Settings, steps: list[tuple[str, object]]
) -> None:
    with transaction() as session:  # what the example before left behind is none of this one's
        session.execute(update(Delivery).values(state="given_up"))
        session.execute(update(Notice).values(state="failed"))
    org_id = make_shop()
    make_user(org_id, "office", "Olga", email=f"olga@{org_id[-6:]}.example")
    with transaction() as session:
        session.add(NoticeSettings(org_id=org_id, webhook_url="https://example.com/", webhook_secret="s"))
    world = World(replace(settings_on_both, smtp=Smtp("127.0.0.1", 9, "baton@example.com")), org_id)
    for step, value in (("raise", 0), ("ready", None), *steps):
        world.do(step, value)
    with reading() as session:
        made = list(session.execute(select(Delivery).where(Delivery.org_id == org_id)).scalars())
        keys = session.execute(select(Notice.key).where(Notice.org_id == org_id)).scalars().all()
    assert len(keys) == len(set(keys)) <= 2
    # One delivery for each notice and channel: a webhook's receiver knows a second sending by its id.
    assert len({(each.notice_id, each.channel) for each in made}) == len(made)
    for each in made:
        if each.channel == "email":  # a mail server knows nothing: there must be no second sending
            assert world.taken[each.id] <= 1, each.state
        if each.state == "sent":
            assert world.taken[each.id] >= 1


def test_the_office_alone_decides_to_send_again_what_may_have_arrived(
    app_on_both: Flask, settings_on_both: Settings
) -> None:
    org_id = make_shop()
    make_user(org_id, "office", "Olga", email="olga@example.com")
    world = World(replace(settings_on_both, smtp=Smtp("127.0.0.1", 9, "baton@example.com")), org_id)
    for step, value in (("raise", 1), ("ready", None), ("claim", None), ("end", "maybe"), ("wait", 1440)):
        world.do(step, value)
    world.do_claim(None)
    assert world.in_hand == []
    notices_desk.try_again(org_id, next(iter(world.taken)), world.now)
    world.do_claim(None)
    assert [list(claim.ids) for claim in world.in_hand] == [list(world.taken)]
