"""/sync/v1/push: who agreed to be told, under which key, and nobody else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.shop import ApiPhone, make_shop, make_user
from webapp import clock
from webapp.services.enrol import revoke_device
from webapp.store.models import PushSubscription
from webapp.store.queries import push
from webapp.store.unit import reading


@pytest.fixture
def phone(app: Flask, client: FlaskClient) -> ApiPhone:
    org_id = make_shop()
    return ApiPhone(client, org_id, make_user(org_id))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def agreed(phone: ApiPhone, **members: Any) -> dict[str, Any]:
    key = phone.client.get("/sync/v1/push", headers=phone.headers).get_json()["key"]
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    told = {
        "endpoint": "https://push.example.com/abc",
        "key": key,
        "keys": {"p256dh": b64(raw), "auth": b64(b"0" * 16)},
    }
    return {**told, **members}


def post(phone: ApiPhone, body: Any, path: str = "/sync/v1/push") -> Any:
    return phone.client.post(path, json=body, headers=phone.headers)


def kept() -> list[PushSubscription]:
    with reading() as session:
        return list(session.execute(select(PushSubscription)).scalars())


def test_a_person_agrees_once_and_no_longer(phone: ApiPhone) -> None:
    told = agreed(phone)
    assert [post(phone, told).status_code, post(phone, told).status_code] == [204, 204]
    [held] = kept()
    assert (held.user_id, held.device_id, held.ended_at) == (phone.actor, phone.device, None)
    assert post(phone, {"endpoint": told["endpoint"]}, "/sync/v1/push/off").status_code == 204
    assert kept()[0].ended_at is not None
    post(phone, told)
    assert (len(kept()), kept()[0].ended_at) == (1, None)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"endpoint": "https://10.0.0.1:99999/"}, 422),
        ({"endpoint": "http://push.example.com/"}, 422),
        ({"endpoint": "https://push.example.com/" + "a" * 2000}, 422),
        ({"endpoint": 5}, 400),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, 422),
        ({"keys": []}, 400),
        ({"key": "another"}, 409),
    ],
)
def test_what_is_no_subscription_is_refused(phone: ApiPhone, members: dict[str, Any], status: int) -> None:
    assert post(phone, agreed(phone, **members)).status_code == status
    assert kept() == []


def test_a_phone_that_was_signed_out_is_told_nothing(phone: ApiPhone) -> None:
    post(phone, agreed(phone))
    org_id = kept()[0].org_id
    with reading() as session:
        assert len(push.open_of(session, org_id, phone.actor)) == 1
    revoke_device(org_id, phone.device, clock.now())
    with reading() as session:
        assert push.open_of(session, org_id, phone.actor) == []
    assert phone.client.get("/sync/v1/push", headers=phone.headers).status_code == 403


def test_a_person_has_so_many_browsers_and_the_oldest_goes(phone: ApiPhone) -> None:
    for n in range(22):
        assert post(phone, agreed(phone, endpoint=f"https://push.example.com/{n}")).status_code == 204
    with reading() as session:
        assert len(push.open_of(session, kept()[0].org_id, phone.actor)) == 20
