"""The office's notices: what went to whom and why not, told by hand, exported, and a test that says the real result."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from tests.support.desk import make_desk_user, post, signed_in
from tests.support.mail import MailServer
from tests.support.receiver import Receiver
from tests.support.shop import make_shop
from webapp import clock
from webapp.services.notices import To, raise_notice, to_address, to_role
from webapp.services.notices.addressing import make_ready
from webapp.services.notices.delivering import deliver_due
from webapp.settings import Settings
from webapp.store.models import Notice, NoticeSettings
from webapp.store.unit import reading, transaction

LIST, SETTINGS = "/office/notices", "/office/notices/settings"


@pytest.fixture
def org_id(app: Flask) -> str:
    return make_shop("Toko Maju")


@pytest.fixture
def ada(org_id: str) -> str:
    return make_desk_user(org_id, "admin", "Ada Admin")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


def remind(org_id: str, order: str, to: To) -> None:
    now = clock.now()
    with transaction() as session:
        params = {"order": order, "until": now + timedelta(days=1)}
        raise_notice(
            session, org_id, kind="remind", key=f"remind:{order}", to=to, params=params, now=now,
            path=f"/office/orders/{order}",
        )  # fmt: skip


def state(org_id: str) -> list[str]:
    with reading() as session:
        return [row.state for row in session.query(Notice).where(Notice.org_id == org_id).order_by(Notice.id)]


def test_nothing_yet_says_what_will_stand_here(app: Flask, ada: str) -> None:
    assert "Nobody was told anything yet" in signed_in(app, ada).get(LIST).text


def test_what_only_waits_is_not_said_to_have_no_channel(
    app: Flask, settings: Settings, org_id: str, ada: str
) -> None:
    remind(org_id, "579", to_address("buyer@example.com"))
    client = signed_in(app, ada)
    page = client.get(LIST).text
    assert "Waiting</span>" in page
    assert "No channel" not in page
    make_ready(settings, clock.now())
    assert "No channel" in client.get(LIST).text


def test_all_that_nobody_was_told_is_in_the_file_however_much_it_is(
    app: Flask, org_id: str, ada: str
) -> None:
    now = clock.now()
    row = {"org_id": org_id, "to_kind": "address", "to": "", "state": "unsent", "created_at": now}
    reminders = [
        {
            **row,
            "id": f"r{n:05}",
            "key": f"remind:{n}",
            "kind": "remind",
            "params": {"order": n, "until": "2026-11-22T09:00:00.000Z"},
        }
        for n in range(5001)
    ]
    refund = {
        "id": "x",
        "key": "refund:1",
        "kind": "refund_request",
        "params": {"order": "1", "cause": "lost"},
    }
    told = {"id": "told", "key": "told", "kind": "remind", "params": {}, "state": "told"}
    with transaction() as session:
        session.execute(insert(Notice), [*reminders, {**row, **refund}, {**row, **told}])
    client = signed_in(app, ada)

    def keys(**query: str) -> list[str]:
        answer = client.get("/office/notices/not-sent.csv", query_string=query)
        return [line[5] for line in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))][1:]

    assert keys() == [*(f"remind:{n}" for n in range(5001)), "refund:1"]
    assert keys(kind="refund_request") == ["refund:1"]
    page = client.get(LIST, query_string={"show": "lost", "kind": "refund_request"}).text
    assert 'href="/office/notices/not-sent.csv?kind=refund_request"' in page


def test_what_could_not_be_told_is_counted_exported_and_told_by_hand(
    app: Flask, settings: Settings, org_id: str, ada: str
) -> None:
    remind(org_id, "=578", to_role("office"))
    remind(org_id, "579", to_address("buyer@example.com"))
    make_ready(settings, clock.now())
    client = signed_in(app, ada)
    page = client.get(LIST).text
    assert "2 notices reached nobody" in page
    assert f'href="{LIST}?show=lost"' in page
    assert "Order 579: no tracking update" in client.get(LIST, query_string={"show": "lost"}).text
    told = client.get("/office/notices/not-sent.csv")
    rows = list(csv.reader(io.StringIO(told.text.removeprefix("\ufeff"))))
    assert rows[0][:4] == ["Raised", "Kind", "For", "Subject"]
    assert [row[2] for row in rows[1:]] == ["The office", "buyer@example.com"]
    with reading() as session:
        ids = [row.id for row in session.query(Notice).where(Notice.org_id == org_id)]
    assert post(client, "/office/notices/by-hand", notice=ids).status_code == 303
    assert state(org_id) == ["by_hand", "by_hand"]
    assert "reached nobody" not in client.get(LIST).text
    assert "Told by hand on" in client.get(f"{LIST}/{ids[0]}").text


def test_a_refusal_says_why_and_can_be_sent_again(
    app: Flask, settings: Settings, org_id: str, ada: str, mail: MailServer
) -> None:
    with_mail = replace(settings, smtp=mail.settings())
    mail.on_rcpt.append("550 mailbox full of bees")
    remind(org_id, "578", to_role("office"))
    deliver_due(with_mail, clock.now())
    client = signed_in(app, ada)
    with reading() as session:
        [notice] = session.query(Notice).where(Notice.org_id == org_id)
    page = client.get(f"{LIST}/{notice.id}").text
    assert "550 mailbox full of bees" in page
    delivery = page.partition('name="delivery" value="')[2].partition('"')[0]
    assert post(client, f"{LIST}/{notice.id}/again", delivery=delivery).status_code == 303
    assert state(org_id) == ["waiting"]
    deliver_due(with_mail, clock.now())
    assert (state(org_id), len(mail.letters)) == (["told"], 1)
    again = post(client, f"{LIST}/{notice.id}/again", delivery=delivery)
    assert "has arrived" in client.get(again.headers["Location"]).text


def test_another_shops_notice_is_not_there(app: Flask, org_id: str, ada: str) -> None:
    remind(make_shop("Another"), "578", to_role("office"))
    with reading() as session:
        [notice] = session.query(Notice)
    client = signed_in(app, ada)
    assert client.get(f"{LIST}/{notice.id}").status_code == 404
    assert "578" not in client.get(LIST).text
    post(client, f"{LIST}/{notice.id}/again")
    post(client, "/office/notices/by-hand", notice=notice.id)
    assert state(notice.org_id) == ["new"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("quiet_from", "25:00", "Write a time like 21:30"),
        ("quiet_from", "21:00", "Write both times"),
        ("language", "xx", "Choose a language"),
        ("reply_to", "nobody", "Write one e-mail address"),
        ("webhook_url", "https://127.0.0.1/", "not on the public internet"),
        ("webhook_url", "http://example.com/", "must begin with https"),
    ],
)
def test_a_wrong_setting_is_refused_beside_its_field(
    app: Flask, org_id: str, ada: str, field: str, value: str, said: str
) -> None:
    answer = post(signed_in(app, ada), SETTINGS, **{field: value})
    assert answer.status_code == 422
    assert said in answer.text
    with reading() as session:
        assert session.get(NoticeSettings, org_id) is None


def test_settings_are_kept_and_only_by_an_administrator(app: Flask, org_id: str, ada: str) -> None:
    form = {"language": "th", "quiet_from": "21:00", "quiet_until": "07:00", "by_email": "1"}
    olga = signed_in(app, make_desk_user(org_id, "office"))
    assert post(olga, SETTINGS, **form).status_code == 403
    assert "Only an administrator" in olga.get(SETTINGS).text
    client = signed_in(app, ada)
    assert post(client, SETTINGS, **form).status_code == 303
    with reading() as session:
        held = session.get_one(NoticeSettings, org_id)
        assert (held.language, held.quiet_from, held.by_email, held.by_push) == ("th", "21:00", True, False)
    assert post(client, SETTINGS + "/mine", own_language="zh").status_code == 303
    assert '<option value="zh" selected>' in client.get(SETTINGS).text


def test_a_test_message_says_what_each_channel_really_answered(
    app: Flask, org_id: str, ada: str, mail: MailServer
) -> None:
    client, receiver = signed_in(app, ada), Receiver()
    assert "There is no way to tell you" in post(client, SETTINGS + "/test").text
    open_settings = replace(app.extensions["baton-settings"], smtp=mail.settings(), private_targets=True)
    app.extensions["baton-settings"] = open_settings
    assert post(client, SETTINGS, webhook_url=receiver.url, by_email="1").status_code == 303
    mail.on_rcpt.append("550 we do not know Ada")
    receiver.answers.append(204)
    page = post(client, SETTINGS + "/test").text
    receiver.stop()
    assert "550 we do not know Ada" in page
    assert "It was taken" in page
    assert [got.headers["webhook-id"] != "" for got in receiver.got] == [True]
