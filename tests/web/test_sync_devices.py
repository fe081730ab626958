"""POST /sync/v1/devices: one code lets one phone in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from sync.protocol.keys import generate_key, private_pem, public_jwk, thumbprint
from tests.support.shop import ApiPhone, make_shop, make_user
from webapp import clock
from webapp.services.enrol import make_enrolment, revoke_device
from webapp.store.models import Device, Enrolment
from webapp.store.unit import reading, transaction


def ask(client: FlaskClient, repeats: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Idempotency-Key": repeats} if repeats else {}
    told = {"label": "Phone", "client": "tests/1.0", **body}
    answer = client.post("/sync/v1/devices", json=told, headers=headers)
    return answer.status_code, answer.get_json()


@pytest.fixture
def code(app_on_both: Flask) -> str:
    org_id = make_shop()
    return make_enrolment(org_id, make_user(org_id), None, clock.now(), "http://127.0.0.1").code


@pytest.fixture
def client(app_on_both: Flask) -> FlaskClient:
    return app_on_both.test_client()


def test_a_code_lets_one_phone_in_and_no_second(client: FlaskClient, code: str) -> None:
    status, body = ask(client, code=code, jwk=public_jwk(generate_key()))
    assert status == 201
    assert set(body) == {"device", "token", "actor", "org", "epoch", "jwk"}
    assert body["actor"]["role"] == "courier"
    assert ask(client, code=code, jwk=None) == (409, ask(client, code=code, jwk=None)[1])
    assert ask(client, code=code, jwk=None)[1]["code"] == "enrolment-used"


@pytest.mark.parametrize(
    "repeats", [None, "1", thumbprint(public_jwk(generate_key()))], ids=["none", "a word", "another phone"]
)
def test_the_very_request_lets_nobody_in_twice_unless_it_says_that_it_repeats(
    client: FlaskClient, code: str, repeats: str | None
) -> None:
    key = public_jwk(generate_key())
    assert ask(client, code=code, jwk=key)[0] == 201
    status, problem = ask(client, repeats, code=code, jwk=key)
    assert (status, problem["code"]) == (409, "enrolment-used")


def test_a_phone_whose_answer_was_lost_gets_the_same_by_the_same_code_and_key(
    client: FlaskClient, code: str
) -> None:
    key = public_jwk(generate_key())
    own = thumbprint(key)
    first = ask(client, own, code=code, jwk=key)[1]
    # It may also be a copy of the request that came late: the phone has its token, and keeps it.
    status, again = ask(client, own, code=code.lower(), jwk=key)
    assert (status, again["device"], again["token"]) == (201, first["device"], first["token"])
    answer = client.get("/sync/v1/rules", headers={"Authorization": f"Bearer {first['token']}"})
    assert answer.status_code == 200
    for other in (None, public_jwk(generate_key())):
        assert ask(client, own, code=code, jwk=other)[1]["code"] == "enrolment-used"


@pytest.mark.parametrize("key", [None, public_jwk(generate_key())])
def test_no_code_lets_a_phone_in_again_when_it_is_old_or_the_phone_signed_out(
    app_on_both: Flask, client: FlaskClient, key: dict[str, str] | None
) -> None:
    org_id = make_shop()
    user = make_user(org_id)
    now = clock.now()
    for is_old in (True, False):
        code = make_enrolment(org_id, user, None, now, "http://127.0.0.1").code
        device = ask(client, code=code, jwk=key)[1]["device"]
        if is_old:
            with transaction() as session:
                session.execute(update(Enrolment).values(expires_at=now))
        else:
            revoke_device(org_id, device, now)
        own = thumbprint(key) if key else None
        assert ask(client, own, code=code, jwk=key)[1]["code"] == "enrolment-used"


def test_neither_the_code_nor_the_token_is_kept(client: FlaskClient, code: str) -> None:
    token = ask(client, code=code, jwk=None)[1]["token"]
    with reading() as session:
        kept = [str(vars(row)) for model in (Device, Enrolment) for row in session.query(model)]
    assert len(kept) == 2
    assert not any(code in row or token in row for row in kept)


def test_a_code_is_forgiven_its_spelling(client: FlaskClient, code: str) -> None:
    typed = "-".join((code[:4], code[4:8], code[8:])).lower().replace("0", "o").replace("1", "l")
    assert ask(client, code=f" {typed} ", jwk=None)[0] == 201


def test_a_code_nobody_made_is_unknown(client: FlaskClient, code: str) -> None:
    status, body = ask(client, code="0" * 12, jwk=None)
    assert (status, body["code"]) == (404, "enrolment-unknown")


def test_an_old_code_has_expired(app_on_both: Flask, client: FlaskClient) -> None:
    org_id = make_shop()
    made = make_enrolment(
        org_id, make_user(org_id), None, clock.now() - timedelta(minutes=16), "http://127.0.0.1"
    )
    status, body = ask(client, code=made.code, jwk=None)
    assert (status, body["code"]) == (410, "enrolment-expired")


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-384", "x": "A" * 64, "y": "A" * 64},
        {**public_jwk(generate_key()), "d": "secret"},
        private_pem(generate_key()),
        17,
    ],
)
def test_a_key_that_is_no_public_p256_key_is_refused_and_the_code_stays_good(
    client: FlaskClient, code: str, jwk: Any
) -> None:
    status, body = ask(client, code=code, jwk=jwk)
    assert (status, body["code"]) == (422, "key-invalid")
    assert ask(client, code=code, jwk=public_jwk(generate_key()))[0] == 201


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}]
)
def test_without_a_token_nothing_is_told(client: FlaskClient, header: dict[str, str]) -> None:
    for path in ("/sync/v1/worklist", "/sync/v1/rules"):
        answer = client.get(path, headers=header)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token-unknown")
        assert answer.content_type == "application/problem+json"
    assert client.post("/sync/v1/events", json={"events": []}, headers=header).status_code == 401


def test_the_rules_are_told_once_until_they_change(app_on_both: Flask) -> None:
    org_id = make_shop()
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))
    answer = phone.client.get("/sync/v1/rules", headers=phone.headers)
    assert {"version", "table", "statuses", "reasons", "policies", "carriers"} <= set(answer.get_json())
    again = phone.client.get(
        "/sync/v1/rules", headers={**phone.headers, "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
