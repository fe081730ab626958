"""Hostile and broken requests and enrolments: each is refused by name and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from sync.protocol.keys import b64url, generate_key, public_jwk
from sync.protocol.problems import Problem
from tests.support import hostile
from tests.support.hostile import DEVICES, EVENTS, World, code_of
from tests.support.installation import Databases
from webapp import clock
from webapp.api.bodies import read_body
from webapp.services.enrol import make_enrolment
from webapp.settings import Settings


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases
) -> Iterator[tuple[Flask, Settings]]:
    with hostile.lasting_app(tmp_path_factory.mktemp("hostile"), sqlite_databases) as made:
        yield made


@pytest.fixture
def world(house: tuple[Flask, Settings]) -> World:
    return World(*house)


# --- whole requests -------------------------------------------------------------------------------

BIG = b'{"events":[],"x":"' + b"y" * 10_000_000 + b'"}'
GOOD = b'{"events":[]}'
BAD_REQUESTS: dict[str, tuple[Callable[[World], TestResponse], int, str]] = {
    "no body": (lambda w: w.post(b""), 400, "malformed-batch"),
    "no JSON": (lambda w: w.post(b"events=1"), 400, "malformed-batch"),
    "a list": (lambda w: w.post([]), 400, "malformed-batch"),
    "no events": (lambda w: w.post({}), 400, "malformed-batch"),
    "events an object": (lambda w: w.post({"events": {}}), 400, "malformed-batch"),
    "events null": (lambda w: w.post({"events": None}), 400, "malformed-batch"),
    "queue a list": (lambda w: w.post({"events": [], "queue": []}), 400, "malformed-batch"),
    "events twice": (lambda w: w.post(b'{"events":[],"events":[]}'), 400, "malformed-batch"),
    "NaN": (lambda w: w.post(b'{"events":[],"x":NaN}'), 400, "malformed-batch"),
    "nested": (
        lambda w: w.post(b'{"events":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        400,
        "malformed-batch",
    ),
    "not UTF-8": (lambda w: w.post(b'{"events":["\xff"]}'), 400, "malformed-batch"),
    "201 events": (lambda w: w.post({"events": ["x"] * 201}), 413, "batch-too-large"),
    "10 MB": (lambda w: w.post(BIG), 413, "batch-too-large"),
    "a gzip bomb": (lambda w: w.post(hostile.gzip_bomb(), Content_Encoding="gzip"), 413, "batch-too-large"),
    "gzip cut off": (
        lambda w: w.post(gzip.compress(GOOD)[:-6], Content_Encoding="gzip"),
        400,
        "malformed-batch",
    ),
    "gzip and more": (
        lambda w: w.post(gzip.compress(GOOD) + b"x", Content_Encoding="gzip"),
        400,
        "malformed-batch",
    ),
    "two gzips": (lambda w: w.post(gzip.compress(GOOD) * 2, Content_Encoding="gzip"), 400, "malformed-batch"),
    "gzip that is none": (lambda w: w.post(GOOD, Content_Encoding="gzip"), 400, "malformed-batch"),
    "gzip unsaid": (lambda w: w.post(gzip.compress(GOOD)), 400, "malformed-batch"),
    "brotli": (lambda w: w.post(GOOD, Content_Encoding="br"), 415, "encoding-unsupported"),
    "gzip twice": (lambda w: w.post(GOOD, Content_Encoding="gzip, gzip"), 415, "encoding-unsupported"),
    "an old client": (
        lambda w: w.post({"events": [], "queue": {"client": "baton/0.0.1"}}),
        426,
        "client-too-old",
    ),
    "no token": (lambda w: w.client.post(EVENTS, data=GOOD), 401, "token-unknown"),
    "an empty token": (lambda w: w.post(GOOD, token="Bearer "), 401, "token-unknown"),
    "another token": (lambda w: w.post(GOOD, token="Bearer " + "A" * 43), 401, "token-unknown"),
    "a token of 60 kB": (lambda w: w.post(GOOD, token="Bearer " + "A" * 60_000), 401, "token-unknown"),
    "a token with SQL": (lambda w: w.post(GOOD, token="Bearer ' OR 1=1 --"), 401, "token-unknown"),
    "a token that is no ASCII": (lambda w: w.post(GOOD, token="Bearer \xff\xfe"), 401, "token-unknown"),
    "basic": (lambda w: w.post(GOOD, token="Basic dTpw"), 401, "token-unknown"),
    "another scheme": (
        lambda w: w.post(GOOD, token="Token " + w.phone.enrolled["token"]),
        401,
        "token-unknown",
    ),
    "a token without a scheme": (
        lambda w: w.post(GOOD, token=w.phone.enrolled["token"]),
        401,
        "token-unknown",
    ),
    "a token in the address": (
        lambda w: w.client.post(f"{EVENTS}?access_token={w.phone.enrolled['token']}", data=GOOD),
        401,
        "token-unknown",
    ),
    "GET": (lambda w: w.client.get(EVENTS, headers=w.phone.headers), 405, "method-not-allowed"),
    "DELETE": (lambda w: w.client.delete(EVENTS, headers=w.phone.headers), 405, "method-not-allowed"),
    "TRACE": (lambda w: w.client.open(EVENTS, method="TRACE"), 405, "method-not-allowed"),
    "POST to the list": (
        lambda w: w.client.post("/sync/v1/worklist", headers=w.phone.headers),
        405,
        "method-not-allowed",
    ),
    "no such address": (lambda w: w.client.get("/sync/v1/nowhere"), 404, "not-found"),
    "a path upwards": (lambda w: w.client.get("/sync/v1/../../etc/passwd"), 404, "not-found"),
    "want nothing": (lambda w: want(w, b"{}"), 400, "body-invalid"),
    "want 1001": (lambda w: want(w, json.dumps({"sha256": ["0" * 64] * 1001}).encode()), 400, "body-invalid"),
    "want a path": (lambda w: want(w, b'{"sha256":["../../server-key.pem"]}'), 400, "body-invalid"),
    "want 10 MB": (lambda w: want(w, BIG), 413, "batch-too-large"),
}


def want(world: World, body: bytes) -> TestResponse:
    return world.client.post("/sync/v1/blobs/want", data=body, headers=world.phone.headers)


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_refused_by_name_and_leaves_nothing(world: World, name: str) -> None:
    send, status, code = BAD_REQUESTS[name]
    before = world.rows()
    answer = send(world)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert world.grown(before) == {}
    world.assert_healthy()


@pytest.mark.parametrize(
    "queue",
    [
        {"unsent": 2**53 - 1, "unsent_blobs": 2**53 - 1, "head_seq": 2**53 - 1},
        {"unsent": -1, "head_seq": 1.5, "oldest_at": "yesterday", "storage": [], "client": {}},
        {"unsent": True, "unsent_blobs": "7", "oldest_at": 5, "client": "x" * 5000},
        {"client": "\ud800", "oldest_at": "\0", "storage": {"usage": -1, "quota": "1", "persisted": 1}},
    ],
)
@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", 7, None])
def test_a_heartbeat_is_never_refused_for_what_it_says_of_itself(
    world: World, queue: dict[str, Any], sent_at: Any
) -> None:
    assert world.post({"sent_at": sent_at, "events": [], "queue": queue}).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["x", "a.b.c.d.e", "\0", "9" * 8192, "é" * 2000, "-1.-1.-1.-1.-1", "' OR 1=1 --", "{}", "🦊.1.1.1.x"],
)
def test_a_cursor_that_is_junk_starts_anew_or_is_refused_by_name(world: World, cursor: str) -> None:
    answer = world.client.get(
        "/sync/v1/worklist", query_string={"cursor": cursor}, headers=world.phone.headers
    )
    if "\0" in cursor:
        assert (answer.status_code, code_of(answer)) == (422, "field-invalid")
    else:
        assert (answer.status_code, answer.get_json()["reset"]) == (200, True)


def test_a_cursor_of_another_shop_tells_nothing_of_it(world: World) -> None:
    theirs = world.stranger.worklist()["cursor"]
    page = world.phone.worklist(theirs)
    assert page["reset"] is True
    assert sorted(parcel["code"] for parcel in page["parcels"]["upserts"]) == sorted(world.codes)


# --- letting a phone in ---------------------------------------------------------------------------


def private_jwk() -> dict[str, Any]:
    key = generate_key()
    number = key.private_numbers().private_value.to_bytes(32, "big")
    return {**public_jwk(key), "d": b64url(number)}


GOOD_JWK = public_jwk(generate_key())
BAD_ENROLMENTS: dict[str, tuple[Any, int, str]] = {
    "no JSON": (b"code=1", 400, "body-invalid"),
    "no UTF-8": (b'{"code":"\xff"}', 400, "body-invalid"),
    "an array": ([], 400, "body-invalid"),
    "nested": (b"[" * 8000, 400, "body-invalid"),
    "a code that is a list": ({"code": ["A"], "jwk": None}, 400, "body-invalid"),
    "a label that is a list": ({"code": "x", "jwk": None, "label": []}, 400, "body-invalid"),
    "a client that is null": ({"code": "x", "jwk": None, "client": 5}, 400, "body-invalid"),
    "no code": ({"jwk": GOOD_JWK}, 404, "enrolment-unknown"),
    "a code of 10 kB": ({"code": "A" * 10_000, "jwk": GOOD_JWK}, 404, "enrolment-unknown"),
    "a code with SQL": ({"code": "' OR 1=1 --", "jwk": GOOD_JWK}, 404, "enrolment-unknown"),
    "a body of 20 kB": ({"code": "x", "label": "y" * 20_000}, 413, "batch-too-large"),
    "a code that is a lone surrogate": ({"code": "\ud800", "jwk": GOOD_JWK}, 400, "body-invalid"),
}
BAD_FOR_A_GOOD_CODE: dict[str, tuple[dict[str, Any], int, str]] = {
    "a private key": ({"jwk": private_jwk()}, 422, "key-invalid"),
    "a key that is text": ({"jwk": "key"}, 422, "key-invalid"),
    "a list of keys": ({"jwk": [GOOD_JWK]}, 422, "key-invalid"),
    "an empty key": ({"jwk": {}}, 422, "key-invalid"),
    "another curve": ({"jwk": {**GOOD_JWK, "crv": "P-384"}}, 422, "key-invalid"),
    "a symmetric key": ({"jwk": {"kty": "oct", "k": "AAAA"}}, 422, "key-invalid"),
    "an RSA key": ({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, 422, "key-invalid"),
    "a point off the curve": ({"jwk": {**GOOD_JWK, "y": "A" * 43}}, 422, "key-invalid"),
    "the point nowhere": ({"jwk": {**GOOD_JWK, "x": "", "y": ""}}, 422, "key-invalid"),
    "a padded point": ({"jwk": {**GOOD_JWK, "x": GOOD_JWK["x"] + "="}}, 422, "key-invalid"),
    "coordinates that are numbers": ({"jwk": {**GOOD_JWK, "x": 1}}, 422, "key-invalid"),
    "a label with a lone surrogate": ({"jwk": GOOD_JWK, "label": "\ud800"}, 400, "body-invalid"),
    "a label with NUL": ({"jwk": GOOD_JWK, "label": "a\0b"}, 400, "body-invalid"),
    "a client with NUL": ({"jwk": GOOD_JWK, "client": "\0"}, 400, "body-invalid"),
}


def enrol(world: World, body: Any) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.client.post(DEVICES, data=data, content_type="application/json")


@pytest.mark.parametrize("name", BAD_ENROLMENTS)
def test_a_bad_enrolment_is_refused_by_name(world: World, name: str) -> None:
    body, status, code = BAD_ENROLMENTS[name]
    before = world.rows()
    answer = enrol(world, body)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert world.grown(before) == {}
    world.assert_healthy()


@pytest.mark.parametrize("name", BAD_FOR_A_GOOD_CODE)
def test_a_bad_key_or_label_leaves_the_code_good(world: World, name: str) -> None:
    members, status, code = BAD_FOR_A_GOOD_CODE[name]
    made = make_enrolment(world.shop, world.phone.actor, None, clock.now(), "http://127.0.0.1").code
    before = world.rows()
    answer = enrol(world, {"code": made, **members})
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert world.grown(before) == {}
    assert enrol(world, {"code": made, "jwk": GOOD_JWK, "label": "x" * 10_000}).status_code == 201
    again = enrol(world, {"code": made, "jwk": None})
    assert (again.status_code, code_of(again)) == (409, "enrolment-used")


def test_bytes_behind_a_gzip_are_not_gathered(app: Flask) -> None:
    """zlib would keep all of them, copied anew for every piece."""
    sent = io.BytesIO(gzip.compress(b"{}") + bytes(8 << 20))
    with app.test_request_context(
        EVENTS, method="POST", input_stream=sent, headers={"Content-Encoding": "gzip"}
    ):
        request.environ["wsgi.input_terminated"] = True
        with pytest.raises(Problem) as refused:
            read_body(16 << 20)
    assert refused.value.code == "malformed-batch"
    assert sent.tell() <= 256 * 1024
