"""One letter and a mail server, good and bad: what surely did not arrive, what did, and what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.mail import MailServer
from webapp.services.notices.mail import Mailer
from webapp.services.notices.outcomes import SENT, Letter
from webapp.services.notices.words import Words


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


def letter(to: str = "olga@example.com", text: str = "Text.", subject: str = "Subject") -> Letter:
    at = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    words = Words(subject, text)
    return Letter(
        "id-1",
        "org",
        "email",
        to,
        "remind",
        "key",
        words,
        None,
        None,
        "Toko Maju",
        False,
        "o@toko.example",
        {},
        at,
    )


@pytest.mark.parametrize("stage", ["on_rcpt", "on_data", "on_end"])
@pytest.mark.parametrize("said", ["451 come back later", "421 too busy"])
def test_a_letter_put_off_may_be_sent_again(mail: MailServer, stage: str, said: str) -> None:
    getattr(mail, stage).append(said)
    with Mailer(mail.settings()) as mailer:
        outcome = mailer.send(letter())
        assert (outcome.state, outcome.is_trouble) == ("again", said.startswith("421"))
        assert said in outcome.said
        assert mailer.send(letter()) == SENT
    assert len(mail.letters) == 1


@pytest.mark.parametrize("stage", ["on_rcpt", "on_data", "on_end"])
def test_a_letter_refused_for_good_says_why_and_the_next_one_goes_by_the_same_connection(
    mail: MailServer, stage: str
) -> None:
    getattr(mail, stage).append("550 no such mailbox here")
    with Mailer(mail.settings()) as mailer:
        outcome = mailer.send(letter())
        assert (outcome.state, outcome.is_trouble) == ("refused", False)
        assert "550 no such mailbox here" in outcome.said
        assert mailer.send(letter()) == SENT
    assert (len(mail.letters), mail.connections) == (1, 1)


@pytest.mark.parametrize("fault", ["drop", "slow"])
@pytest.mark.parametrize("stage", ["on_rcpt", "on_data"])
def test_a_connection_lost_before_the_letter_was_whole_leaves_nothing_behind(
    mail: MailServer, stage: str, fault: str
) -> None:
    getattr(mail, stage).append(fault)
    with Mailer(mail.settings(timeout=2 if fault == "slow" else 20)) as mailer:
        outcome = mailer.send(letter())
        assert (outcome.state, outcome.is_trouble) == ("again", True)
        assert mail.letters == []
        assert mailer.send(letter()) == SENT


@pytest.mark.parametrize("fault", ["drop", "slow"])
def test_nobody_can_know_of_a_letter_that_was_never_answered(mail: MailServer, fault: str) -> None:
    mail.on_end.append(fault)
    with Mailer(mail.settings(timeout=2 if fault == "slow" else 20)) as mailer:
        outcome = mailer.send(letter())
    assert (outcome.state, len(mail.letters)) == ("maybe", 1)
    assert "may have arrived" in outcome.said


def test_a_server_that_is_away_is_trouble(mail: MailServer) -> None:
    mail.stop()
    with Mailer(mail.settings()) as mailer:
        outcome = mailer.send(letter())
    assert (outcome.state, outcome.is_trouble) == ("again", True)


def test_a_connection_that_was_kept_too_long_is_opened_again(mail: MailServer) -> None:
    with Mailer(mail.settings()) as mailer:
        assert mailer.send(letter()) == SENT
        mail.stop()
        mail.start()
        assert mailer.send(letter()) == SENT
    assert len(mail.letters) == 2


def test_a_server_without_tls_gets_neither_letter_nor_password(mail: MailServer) -> None:
    from dataclasses import replace

    smtp = replace(mail.settings(), security="starttls", user="baton", password="secret")
    with Mailer(smtp) as mailer:
        outcome = mailer.send(letter())
    assert (outcome.state, outcome.is_trouble, mail.letters) == ("again", True, [])
    assert "STARTTLS" in outcome.said


@pytest.mark.parametrize("to", ["", "no address", "a@b\r\nBcc: x@y.z", "é@example.com", "@", "a@", "<a@b>"])
def test_what_is_no_address_never_reaches_the_server(mail: MailServer, to: str) -> None:
    with Mailer(mail.settings()) as mailer:
        assert mailer.send(letter(to)).state == "refused"
    assert mail.connections == 0


def test_a_letter_arrives_as_it_was_written(mail: MailServer) -> None:
    text = ".\r\n..two dots\nคำสั่งซื้อ 578\n." + "x" * 3000
    with Mailer(mail.settings()) as mailer:
        assert mailer.send(letter("olga@bücher.example", text, "订单 578\r\nBcc: x@y.z")) == SENT
    [got] = mail.letters
    assert got["X-To"] == "olga@xn--bcher-kva.example"
    assert (got["Subject"], got["Bcc"]) == ("订单 578 Bcc: x@y.z", None)
    assert got["Message-ID"] == "<id-1@example.com>"
    assert got["Reply-To"] == "o@toko.example"
    assert got.get_content().replace("\r\n", "\n").startswith(text.replace("\r\n", "\n"))
