"""The doors by which carriers report: a key for programs, a signature for webhooks (`R19`)."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sync.protocol.times import format_time
from tests.support.shop import make_parcels, make_shop
from webapp import clock
from webapp.services.feeds import keys
from webapp.services.keep_carriers import CarrierFacts, save_carrier
from webapp.store.models import Carrier, Parcel
from webapp.store.unit import reading

NUMBER = "JX0000000001"


class Feed:
    """A carrier's system that reports to one shop."""

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.org_id = client, make_shop()
        save_carrier(self.org_id, "jt", CarrierFacts("J&T Express"), is_new=True)
        self.code = make_parcels(self.org_id, 1, tracking_number=NUMBER, carrier="jt")[0]
        self.keys = keys.new_keys(self.org_id, "jt", clock.now())
        self.path = f"/api/v1/carriers/{self.org_id}/jt"

    def program(self, body: Any, key: str | None = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.keys.key if key is None else key}"}
        return self.client.post(f"{self.path}/reports", data=json.dumps(body), headers=headers)

    def webhook(self, body: bytes, secret: str | None = None, **more: Any) -> TestResponse:
        at = str(int((clock.now() + more.pop("ago", timedelta())).timestamp()))
        signature = keys.sign(secret or self.keys.secret, at, more.pop("signed", body))
        headers = {"Baton-Timestamp": at, "Baton-Signature": signature, **more}
        return self.client.post(f"{self.path}/webhook", data=body, headers=headers)

    @property
    def status(self) -> str:
        with reading() as session:
            return session.get_one(Parcel, (self.org_id, self.code)).status


@pytest.fixture
def feed(client: FlaskClient) -> Feed:
    return Feed(client)


def report(id_: str = "1", status: str = "in_transit", number: str = NUMBER, **more: Any) -> dict[str, Any]:
    at = format_time(clock.now() - timedelta(hours=1))
    return {"id": id_, "tracking_number": number, "status": status, "at": at, **more}


def body(*reports: Any) -> bytes:
    return json.dumps({"reports": reports}).encode()


def test_a_program_with_the_key_is_told_what_became_of_each_report(feed: Feed) -> None:
    bad = {"id": "3", "tracking_number": NUMBER, "status": "delivered", "at": "soon"}
    answer = feed.program({"reports": [report(), report("2", number="JX9"), bad, 7, report("4", "abc")]})
    assert answer.status_code == 200
    told = answer.get_json()
    assert [one["outcome"] for one in told["results"]] == [
        *("applied", "unknown_parcel", "refused", "refused", "unknown_status")
    ]
    first, _, third, fourth, _ = told["results"]
    assert first == {"id": "1", "outcome": "applied", "parcel": feed.code, "status": "in_transit"}
    assert (third["id"], third["problem"]["field"]) == ("3", "at")
    assert (fourth["id"], fourth["at"]) == (None, 3)
    assert feed.status == "in_transit"
    again = feed.program({"reports": [report()]}).get_json()["results"]
    # The same id with another time of the clock says something else: it is no repeat.
    assert again[0]["outcome"] == "conflict"


def test_aftership_and_epcis_speak_for_themselves(feed: Feed) -> None:
    at = format_time(clock.now() - timedelta(hours=1))
    said = [
        {
            "id": "1",
            "tracking_number": NUMBER,
            "tag": "OutForDelivery",
            "subtag": "OutForDelivery_001",
            "at": at,
        },
        {
            "id": "2",
            "tracking_number": NUMBER,
            "bizStep": "urn:epcglobal:cbv:bizstep:accepting",
            "at": format_time(clock.now()),
        },
    ]
    results = feed.program({"reports": said}).get_json()["results"]
    assert [one["outcome"] for one in results] == ["applied", "applied"]
    assert feed.status == "delivered"


@pytest.mark.parametrize("key", ["", "x", "é"])
def test_a_wrong_key_opens_nothing(feed: Feed, key: str) -> None:
    answer = feed.program({"reports": [report()]}, key=key.encode().decode("latin-1"))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "feed-key-unknown")
    assert feed.status == "expected"


def test_a_secret_is_no_key_and_no_other_feeds(feed: Feed, client: FlaskClient) -> None:
    assert feed.program({"reports": []}, key=feed.keys.secret).status_code == 401
    save_carrier(feed.org_id, "spx", CarrierFacts("SPX"), is_new=True)
    other = keys.new_keys(feed.org_id, "spx", clock.now())
    stranger = Feed(client)
    for key in (other.key, stranger.keys.key):
        assert feed.program({"reports": [report()]}, key=key).status_code == 401


def test_a_signed_webhook_is_taken_and_sent_again_changes_nothing(feed: Feed) -> None:
    told = body(report())
    assert feed.webhook(told).get_json()["results"][0]["outcome"] == "applied"
    assert feed.webhook(told).get_json()["results"][0]["outcome"] == "duplicate"
    assert feed.status == "in_transit"


def test_what_is_signed_is_the_body_as_it_was_before_it_was_packed(feed: Feed) -> None:
    told = body(report())
    answer = feed.webhook(gzip.compress(told), signed=told, **{"Content-Encoding": "gzip"})
    assert answer.get_json()["results"][0]["outcome"] == "applied"


def test_a_changed_body_a_strange_secret_and_no_signature_are_refused(feed: Feed) -> None:
    told = body(report())
    answers = [
        feed.webhook(told, signed=body(report("2"))),
        feed.webhook(told, secret="guessed"),
        feed.webhook(told, **{"Baton-Signature": ""}),
        feed.webhook(told, **{"Baton-Timestamp": "yesterday"}),
        feed.webhook(told, **{"Baton-Timestamp": ""}),
    ]
    assert {(a.status_code, a.get_json()["code"]) for a in answers} == {(401, "feed-key-unknown")}
    assert feed.status == "expected"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_from_another_time_is_refused(feed: Feed, minutes: int) -> None:
    answer = feed.webhook(body(report()), ago=timedelta(minutes=minutes))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "signature-stale")
    assert feed.webhook(body(report()), ago=timedelta(minutes=minutes // 2)).status_code == 200


def test_new_keys_end_the_old_ones_and_none_is_kept(feed: Feed) -> None:
    fresh = keys.new_keys(feed.org_id, "jt", clock.now())
    assert feed.program({"reports": []}).status_code == 401
    assert feed.program({"reports": []}, key=fresh.key).status_code == 200
    with reading() as session:
        held = session.get_one(Carrier, (feed.org_id, "jt"))
    kept = [str(value) for value in vars(held).values()]
    assert not any(secret in value for secret in (fresh.key, fresh.secret) for value in kept)
    keys.end_keys(feed.org_id, "jt")
    assert feed.program({"reports": []}, key=fresh.key).status_code == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"reports": {}}', 400),
        (b'{"reports": [], "reports": []}', 400),
        (b"{" * 9999, 400),
        (b'{"reports": [' + b"0," * 1000 + b"0]}", 413),
        (b" " * (1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_none_is_refused_whole(feed: Feed, sent: bytes, status: int) -> None:
    assert feed.webhook(sent).status_code == status


def test_a_carrier_that_does_not_exist_looks_like_a_wrong_key(app: Flask, feed: Feed) -> None:
    for path in (f"/api/v1/carriers/{feed.org_id}/none/reports", "/api/v1/carriers/none/jt/reports"):
        answer = app.test_client().post(path, headers={"Authorization": "Bearer x"}, data=b"{}")
        assert (answer.status_code, answer.get_json()["code"]) == (401, "feed-key-unknown")
