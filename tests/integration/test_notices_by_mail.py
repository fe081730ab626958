"""Notices by e-mail through a real mail server, good and bad: each letter once, and every outcome said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.mail import MailServer
from tests.support.shop import make_shop, make_user
from webapp.services.notices import pace, raise_notice, to_address, to_person, to_role, to_seller
from webapp.services.notices.addressing import make_ready
from webapp.services.notices.delivering import deliver_due
from webapp.settings import Settings
from webapp.store.models import Delivery, Notice, NoticeChoice, NoticeSettings, Organisation
from webapp.store.unit import reading, transaction

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)  # noon in Manila
UNTIL = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop("Toko Maju")


@pytest.fixture
def olga(org_id: str) -> str:
    return make_user(org_id, "office", "Olga Office", email="olga@example.com")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def settings_with_mail(settings: Settings, mail: MailServer) -> Settings:
    return replace(settings, smtp=mail.settings())


def remind(org_id: str, order: str = "578", key: str | None = None, to: object = None) -> bool:
    with transaction() as session:
        return raise_notice(
            session,
            org_id,
            kind="remind",
            key=key or f"remind:{order}:2026-11-26",
            to=to or to_role("office"),  # type: ignore[arg-type]
            params={"order": order, "until": UNTIL},
            now=NOW,
        )


def deliveries(org_id: str) -> list[Delivery]:
    with reading() as session:
        query = select(Delivery).where(Delivery.org_id == org_id).order_by(Delivery.id)
        return list(session.execute(query).scalars())


def delivery(org_id: str) -> Delivery:
    [one] = deliveries(org_id)
    return one


def states(org_id: str) -> list[str]:
    with reading() as session:
        query = select(Notice.state).where(Notice.org_id == org_id).order_by(Notice.id)
        return list(session.execute(query).scalars())


def test_a_letter_says_what_is_to_be_done_and_where(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    remind(org_id)
    assert deliver_due(settings_with_mail, NOW) == {"sent": 1}
    [letter] = mail.letters
    assert letter["To"] == letter["X-To"] == "olga@example.com"
    assert letter["From"] == "Toko Maju <baton@example.com>"
    assert letter["Subject"] == "Order 578: no tracking update"
    assert "2026-11-28 12:00" in letter.get_content()  # Manila's time
    assert letter["Message-ID"] == f"<{delivery(org_id).id}@example.com>"
    assert (states(org_id), delivery(org_id).delivered_at) == (["told"], NOW)


def test_nothing_is_sent_a_second_time(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    for _ in range(3):
        remind(org_id)
        deliver_due(settings_with_mail, NOW)
    assert len(mail.letters) == 1


def test_several_of_a_kind_go_as_one_letter(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    for order in ("578", "579", "580"):
        remind(org_id, order)
    assert deliver_due(settings_with_mail, NOW) == {"sent": 3}
    [letter] = mail.letters
    assert letter["Subject"] == "3 orders have had no tracking update"
    assert all(order in letter.get_content() for order in ("578", "579", "580"))
    assert states(org_id) == ["told"] * 3


def test_one_refusal_does_not_stop_the_others(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    make_user(org_id, "admin", "Ada Admin", email="ada@example.com")
    mail.on_rcpt.append("550 no such mailbox here")
    remind(org_id)
    assert deliver_due(settings_with_mail, NOW) == {"refused": 1, "sent": 1}
    assert (len(mail.letters), states(org_id), mail.connections) == (1, ["told"], 1)


def test_a_letter_without_an_answer_is_not_sent_again_but_shown(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    mail.on_end.append("drop")
    remind(org_id)
    assert deliver_due(settings_with_mail, NOW) == {"maybe": 1}
    assert len(mail.letters) == 1  # the server had it: a second sending would have been a second letter
    assert "may have arrived" in delivery(org_id).error
    assert deliver_due(settings_with_mail, NOW + timedelta(days=2)) == {}
    assert (len(mail.letters), states(org_id)) == (1, ["failed"])


def test_a_server_that_is_away_is_asked_once_a_round_and_for_most_of_a_day(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    mail.stop()
    for order in ("578", "579"):
        remind(org_id, order, to=to_address(f"{order}@example.com"))
    assert deliver_due(settings_with_mail, NOW) == {"again": 1}  # the second was spared
    assert sorted(each.tries for each in deliveries(org_id)) == [0, 1]
    with transaction() as session:
        session.execute(update(Delivery).where(Delivery.org_id == org_id).values(tries=pace.TRIES - 1))
    for hours in (3, 6):
        deliver_due(settings_with_mail, NOW + timedelta(hours=hours))
    ended = deliveries(org_id)
    assert [(each.state, each.tries) for each in ended] == [("given_up", 20)] * 2
    assert all("Given up after 20 tries" in each.error for each in ended)
    assert states(org_id) == ["failed", "failed"]


def test_an_old_reminder_that_is_given_up_takes_no_new_one_along(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    """`R13`, `R27`: they go as one letter, and each has tries of its own."""
    mail.stop()
    remind(org_id, "578")
    make_ready(settings_with_mail, NOW)
    with transaction() as session:
        session.execute(update(Delivery).where(Delivery.org_id == org_id).values(tries=pace.TRIES - 1))
    remind(org_id, "579")
    assert deliver_due(settings_with_mail, NOW) == {"again": 2}
    (old, new) = sorted(deliveries(org_id), key=lambda each: -each.tries)
    assert [(each.state, each.tries) for each in (old, new)] == [("given_up", 20), ("waiting", 1)]
    assert new.next_try_at <= NOW + timedelta(seconds=pace.FIRST_S), "as after its own first try"


def test_what_waited_while_the_machine_was_off_for_days_is_sent_and_not_given_up(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    remind(org_id)
    make_ready(settings_with_mail, NOW)
    assert deliver_due(settings_with_mail, NOW + timedelta(days=5)) == {"sent": 1}
    assert (len(mail.letters), states(org_id)) == (1, ["told"])


def test_quiet_hours_hold_and_do_not_lose(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    with transaction() as session:
        session.add(NoticeSettings(org_id=org_id, quiet_from="21:00", quiet_until="07:00"))
    night = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)  # 23:30 in Manila
    remind(org_id)
    with transaction() as session:
        fire = {"what": "Handed over after it was cancelled", "detail": "Parcel 0000"}
        raise_notice(session, org_id, kind="alarm", key="a", to=to_role("office"), params=fire, now=NOW)
    assert deliver_due(settings_with_mail, night) == {"sent": 1}
    assert mail.letters[0]["Subject"] == "Attention: Handed over after it was cancelled"
    seven = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)
    assert deliver_due(settings_with_mail, seven - timedelta(seconds=1)) == {}
    assert deliver_due(settings_with_mail, seven) == {"sent": 1}
    assert len(mail.letters) == 2


@pytest.mark.parametrize(
    ("market", "shops", "own", "subject"),
    [
        ("guide", None, None, "Order 578: no tracking update"),
        ("VN", None, None, "Đơn hàng 578: chưa có cập nhật vận chuyển"),
        ("VN", "zh", None, "订单 578：没有物流更新"),
        ("VN", "zh", "th", "คำสั่งซื้อ 578: ไม่มีการอัปเดตสถานะการติดตาม"),
    ],
)
def test_a_letter_is_in_the_readers_language(
    settings_with_mail: Settings,
    mail: MailServer,
    org_id: str,
    olga: str,
    market: str,
    shops: str | None,
    own: str | None,
    subject: str,
) -> None:
    with transaction() as session:
        session.get_one(Organisation, org_id).market = market
        session.add(NoticeSettings(org_id=org_id, language=shops))
        session.add(NoticeChoice(org_id=org_id, user_id=olga, language=own))
    remind(org_id)
    deliver_due(settings_with_mail, NOW)
    assert mail.letters[0]["Subject"] == subject


def test_a_seller_is_told_of_their_own_and_the_office_when_nobody_is_there(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    make_user(org_id, "seller", "Sri", email="sri@example.com", seller="Shop A")
    make_user(org_id, "seller", "Siti", email="siti@example.com", seller="Shop B")
    for seller in ("Shop A", "Shop Z", None):
        remind(org_id, f"of {seller}", to=to_seller(seller))
    deliver_due(settings_with_mail, NOW)
    assert sorted(letter["X-To"] for letter in mail.letters) == ["olga@example.com", "sri@example.com"]


def test_who_left_or_wants_no_letters_gets_none_and_the_notice_is_unsent(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    gone = make_user(org_id, "office", "Gone", email="gone@example.com", active=False)
    with transaction() as session:
        session.add(NoticeChoice(org_id=org_id, user_id=olga, by_email=False))
    remind(org_id, "1", to=to_person(gone))
    remind(org_id, "2", to=to_person(olga))
    remind(org_id, "3", to=to_address(""))
    assert deliver_due(settings_with_mail, NOW) == {}
    assert (states(org_id), mail.letters) == (["unsent"] * 3, [])


def test_a_letter_put_off_comes_later_and_one_refused_ends_there(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    mail.on_rcpt.extend(["451 come back later"])
    remind(org_id)
    assert deliver_due(settings_with_mail, NOW) == {"again": 1}
    held = delivery(org_id)
    assert (held.state, held.lease, mail.letters) == ("waiting", None, [])
    assert "451 come back later" in held.error
    mail.on_rcpt.append("550 no such mailbox here")
    assert deliver_due(settings_with_mail, NOW + timedelta(minutes=1)) == {"refused": 1}
    assert "550 no such mailbox here" in delivery(org_id).error
    assert states(org_id) == ["failed"]
    assert deliver_due(settings_with_mail, NOW + timedelta(days=1)) == {}
    assert mail.letters == []


def test_a_subject_cannot_carry_a_header_of_its_own(
    settings_with_mail: Settings, mail: MailServer, org_id: str, olga: str
) -> None:
    remind(org_id, "578\r\nBcc: x@y.z\r\n\r\n.\r\n{shop}")
    deliver_due(settings_with_mail, NOW)
    [letter] = mail.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Order 578 Bcc: x@y.z . (shop): no tracking update"
