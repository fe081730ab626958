"""Hostile and broken events: each has its named refusal, leaves nothing half-kept, and harms nobody.

Whole requests are in `test_bad_requests`, files in `test_bad_pictures` and `test_bad_files`, the office in
`test_bad_office_requests`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from sync.protocol.keys import b64url, unb64url
from tests.support import hostile
from tests.support.hostile import World, code_of, text, unsigned, with_signature
from tests.support.installation import Databases
from tests.unit.phones import new_id, proof
from webapp import clock
from webapp.services.enrol import revoke_device
from webapp.settings import Settings

# What one good handover adds; its two pictures are still to come.
OF_A_GOOD_ONE = {
    "events": 1,
    "event_parcels": 1,
    "blob_refs": 2,
    "anomalies": 3,
    "receipts": 1,
}
MANY = [f"JT{number:010d}" for number in range(501)]
DEEP = "[" * 5000 + "]" * 5000


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, sqlite_databases: Databases
) -> Iterator[tuple[Flask, Settings]]:
    with hostile.lasting_app(tmp_path_factory.mktemp("hostile"), sqlite_databases) as made:
        yield made


@pytest.fixture
def world(house: tuple[Flask, Settings]) -> World:
    return World(*house)


def cut(jws: str, part: int) -> str:
    """The JWS cut off in the middle of one of its parts."""
    parts = jws.split(".")
    return ".".join([*parts[:part], parts[part][: len(parts[part]) // 8 * 4]])


def respelled(jws: str) -> str:
    """The last character of the signature, in a spelling that stands for the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return jws[:-1] + letters[letters.index(jws[-1]) + 1]


Make = Callable[[World], Any]

# What one bad event is, how it is made, and the finding it is kept in quarantine under.
BAD_EVENTS: dict[str, tuple[Make, str]] = {
    # -- the envelope
    "nothing at all": (lambda _w: "", "event_malformed"),
    "cut off in the header": (lambda w: cut(w.sealed(), 0), "event_malformed"),
    "cut off in the payload": (lambda w: cut(w.sealed(), 1), "event_malformed"),
    "cut off in the signature": (lambda w: cut(w.sealed(), 2), "bad_signature"),
    "no signature": (lambda w: w.sealed().rpartition(".")[0] + ".", "bad_signature"),
    "four parts": (lambda w: w.sealed() + ".x", "event_malformed"),
    "five parts, as an encrypted one": (lambda _w: "a.b.c.d.e", "event_malformed"),
    "alg none": (
        lambda w: unsigned({"alg": "none", "typ": "baton-event+jws"}, w.payload()) + ".",
        "bad_signature",
    ),
    "alg none with a signature": (lambda w: w.sealed(w.header(alg="none")), "bad_signature"),
    "alg None, in another case": (lambda w: w.sealed(w.header(alg="None")), "bad_signature"),
    "HS256 with the public key as the secret": (hostile.hs256, "bad_signature"),
    "RS256": (hostile.rs256, "bad_signature"),
    "alg a list": (lambda w: w.sealed(w.header(alg=["ES256"])), "bad_signature"),
    "no alg": (lambda w: w.sealed({"typ": "baton-event+jws"}), "bad_signature"),
    "crit": (lambda w: w.sealed(w.header(crit=["exp"], exp=1)), "event_malformed"),
    "b64 false": (lambda w: w.sealed(w.header(b64=False)), "event_malformed"),
    "another typ": (lambda w: w.sealed(w.header(typ="JWT")), "event_malformed"),
    "the typ of a receipt": (lambda w: w.sealed(w.header(typ="baton-receipt+jws")), "event_malformed"),
    "its own key in jwk": (lambda w: hostile.own_key(w, jwk=True), "bad_signature"),
    "its own key by kid": (lambda w: hostile.own_key(w, kid=True), "bad_signature"),
    "its own key by x5u": (lambda w: hostile.own_key(w, x5u="http://127.0.0.1:9/key"), "bad_signature"),
    "its own key by jku": (lambda w: hostile.own_key(w, jku="file:///etc/passwd"), "bad_signature"),
    "no kid": (lambda w: w.sealed({"alg": "ES256", "typ": "baton-event+jws"}), "bad_signature"),
    "a path for a kid": (lambda w: w.sealed(w.header(kid="../../server-key.pem")), "bad_signature"),
    "SQL for a kid": (lambda w: w.sealed(w.header(kid="' OR 1=1 --")), "bad_signature"),
    "kid a number": (lambda w: w.sealed(w.header(kid=7)), "event_malformed"),
    "a header twice": (lambda w: w.sealed(text(w.header())[:-1] + b',"alg":"none"}'), "event_malformed"),
    "a header that is a list": (lambda w: w.sealed(b"[]"), "event_malformed"),
    "a DER signature": (lambda w: with_signature(w, hostile.der), "bad_signature"),
    "64 zero bytes": (lambda w: with_signature(w, lambda _s: bytes(64)), "bad_signature"),
    "64 bytes of ones": (lambda w: with_signature(w, lambda _s: b"\xff" * 64), "bad_signature"),
    "a byte too many": (lambda w: with_signature(w, lambda s: s + b"\0"), "bad_signature"),
    "padded base64": (lambda w: w.sealed() + "==", "event_malformed"),
    "a space after it": (lambda w: w.sealed() + " ", "event_malformed"),
    "a line break within": (lambda w: w.sealed()[:40] + "\n" + w.sealed()[40:], "event_malformed"),
    "another spelling of the same bytes": (lambda w: respelled(w.sealed()), "event_malformed"),
    "base64 of the other alphabet": (lambda w: "+/" + w.sealed()[2:], "event_malformed"),
    "letters that are no ASCII": (lambda w: "é" + w.sealed(), "event_malformed"),
    "the signature of another event": (
        lambda w: w.sealed().rpartition(".")[0] + "." + w.sealed().rpartition(".")[2],
        "bad_signature",
    ),
    "70 kB": (lambda w: w.sealed(note="x", data={"x": "y" * 70_000}), "event_too_large"),
    "an object, no text": (lambda _w: {"payload": "x"}, "event_malformed"),
    "a number, no text": (lambda _w: 7, "event_malformed"),
    "null": (lambda _w: None, "event_malformed"),
    "a lone surrogate for an event": (lambda _w: "\ud800", "event_malformed"),
    "zero bytes for an event": (lambda _w: "\0\0", "event_malformed"),
    # -- the payload's JSON
    "no JSON": (lambda w: w.sealed(payload=b"collect"), "event_malformed"),
    "a list": (lambda w: w.sealed(payload=b"[]"), "event_malformed"),
    "UTF-16": (lambda w: w.sealed(payload=json.dumps(w.payload()).encode("utf-16")), "event_malformed"),
    "a byte order mark": (lambda w: w.sealed(payload=b"\xef\xbb\xbf" + text(w.payload())), "event_malformed"),
    "a member twice": (lambda w: w.raw('"v":1', '"v":1,"v":2'), "event_malformed"),
    "NaN": (lambda w: w.raw('"offset_ms":0', '"offset_ms":NaN'), "event_malformed"),
    "Infinity": (lambda w: w.raw('"offset_ms":0', '"offset_ms":-Infinity'), "event_malformed"),
    "1e400": (lambda w: w.raw('"offset_ms":0', '"offset_ms":1e400'), "event_malformed"),
    "nested 5000 deep": (lambda w: w.raw('"data":{}', f'"data":{{"x":{DEEP}}}'), "event_malformed"),
    "a lone surrogate": (lambda w: w.raw('"note":null', '"note":"\\ud800"'), "event_malformed"),
    "NUL in a text": (lambda w: w.raw('"note":null', '"note":"a\\u0000b"'), "event_malformed"),
    "NUL in a member's name": (lambda w: w.raw('"data":{}', '"data":{"\\u0000":1}'), "event_malformed"),
    # -- the payload's values
    "seq 2^63": (lambda w: w.sealed(seq=2**63), "event_malformed"),
    "seq 2^53": (lambda w: w.sealed(seq=2**53), "event_malformed"),
    "seq of 4000 digits": (lambda w: w.raw('"seq":1', '"seq":' + "9" * 4000), "event_malformed"),
    "seq 0": (lambda w: w.sealed(seq=0), "event_malformed"),
    "seq -1": (lambda w: w.sealed(seq=-1), "event_malformed"),
    "seq 1.0": (lambda w: w.sealed(seq=1.0), "event_malformed"),
    "seq true": (lambda w: w.sealed(seq=True), "event_malformed"),
    "seq a text": (lambda w: w.sealed(seq="1"), "event_malformed"),
    "id no UUIDv7": (lambda w: w.sealed(id="00000000-0000-4000-8000-000000000000"), "event_malformed"),
    "id a path": (lambda w: w.sealed(id="../../../etc/passwd"), "event_malformed"),
    "prev no digest": (lambda w: w.sealed(prev="0" * 63), "event_malformed"),
    "501 parcels": (lambda w: w.sealed(parcels=MANY), "event_malformed"),
    "a parcel twice": (lambda w: w.sealed(parcels=[w.codes[0], w.codes[0]]), "event_malformed"),
    "parcels a text": (lambda w: w.sealed(parcels=w.codes[0]), "event_malformed"),
    "a parcel of 10 kB": (lambda w: w.sealed(parcels=["9" * 10_000]), "event_malformed"),
    "a parcel of spaces": (lambda w: w.sealed(parcels=["   "]), "event_malformed"),
    "a time without a zone": (lambda w: w.sealed(at="2026-11-22T07:15:30.123"), "event_malformed"),
    "a time of another zone": (lambda w: w.sealed(at="2026-11-22T07:15:30.123+08:00"), "event_malformed"),
    "a 30th of February": (lambda w: w.sealed(at="2026-02-30T07:15:30.123Z"), "event_malformed"),
    "a time that is a number": (lambda w: w.sealed(at=1_795_000_000), "event_malformed"),
    "latitude 91": (lambda w: w.sealed(place={"lat": 91, "lon": 0}), "event_malformed"),
    "a role nobody has": (lambda w: w.sealed(counterpart={"name": "x", "role": "admin"}), "event_malformed"),
    "intact as a text": (lambda w: w.sealed(intact="true"), "event_malformed"),
    "a blob's digest a path": (
        lambda w: w.sealed(blobs=[{**proof()["blobs"][0], "sha256": "../" * 21 + "x"}]),
        "event_malformed",
    ),
    "a blob of negative size": (
        lambda w: w.sealed(blobs=[{**proof()["blobs"][0], "size": -1}]),
        "event_malformed",
    ),
    "a blob's role unknown": (
        lambda w: w.sealed(blobs=[{**proof()["blobs"][0], "role": "avatar"}]),
        "event_malformed",
    ),
    "data a list": (lambda w: w.sealed(data=[]), "event_malformed"),
    "an unknown kind": (lambda w: w.sealed(kind="explode"), "kind_unknown"),
    "a kind of the office": (lambda w: w.sealed(kind="review"), "kind_unknown"),
    "another kind of the office": (lambda w: w.sealed(kind="confirm"), "kind_unknown"),
    "an unknown version": (lambda w: w.sealed(v=2), "version_unknown"),
    "version true": (lambda w: w.sealed(v=True), "event_malformed"),
    "no version": (lambda w: w.raw('"v":1,', ""), "event_malformed"),
    # -- somebody else's
    "a colleague's event": (
        lambda w: w.colleague.seal("collect", [w.codes[0]], **proof()),
        "not_this_device",
    ),
    "a stranger's event": (lambda w: w.stranger.seal("collect", [w.codes[0]], **proof()), "not_this_device"),
    "another device's name": (lambda w: w.sealed(device=w.colleague.device), "not_this_device"),
    "another person's name": (lambda w: w.sealed(actor=w.colleague.actor), "not_this_device"),
    "a person of another shop": (lambda w: w.sealed(actor=w.stranger.actor), "not_this_device"),
    "a device that is a list": (lambda w: w.sealed(device=[w.phone.device]), "not_this_device"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_is_kept_aside_under_its_finding_and_holds_nothing_back(world: World, name: str) -> None:
    make, finding = BAD_EVENTS[name]
    bad = make(world)
    good = world.phone.seal("collect", [world.codes[1]], **proof())
    before = world.rows()
    answer = world.post({"events": [bad, good]})
    assert answer.status_code == 200, answer.text
    refused, taken = answer.get_json()["results"]
    assert (refused["status"], refused["problem"]["code"]) == ("quarantined", finding), refused
    assert refused["effects"] == []
    assert set(refused["problem"]) == {"code", "title", "detail"}
    assert taken["status"] == "applied"
    grown = world.grown(before)
    grown.pop("quarantine_blobs", None)  # the pictures it speaks of, where that can be read
    assert grown == {**OF_A_GOOD_ONE, "quarantine": 1}
    again = world.post({"events": [bad]}).get_json()["results"][0]
    assert (again["status"], again["problem"]["code"]) == ("quarantined", finding), "told the same again"
    assert world.grown(before)["quarantine"] == 1, "and kept once"
    world.assert_healthy()


@pytest.mark.parametrize(
    "name",
    [
        "alg none with a signature",
        "HS256 with the public key as the secret",
        "no kid",
        "70 kB",
        "a DER signature",
    ],
)
def test_a_refused_event_is_answered_by_the_id_that_it_names(world: World, name: str) -> None:
    jws = BAD_EVENTS[name][0](world)
    claimed = json.loads(unb64url(jws.split(".")[1]))["id"]
    assert world.post({"events": [jws]}).get_json()["results"][0]["id"] == claimed


def test_a_handover_that_names_no_parcels_is_incomplete_and_none_is_held_back(world: World) -> None:
    named = world.payload()
    del named["parcels"]
    answer = world.phone.send(world.sealed(payload=json.dumps(named).encode()))
    assert (answer["results"][0]["id"], answer["results"][0]["status"]) == (named["id"], "recorded")


def test_another_event_under_a_used_id_is_kept_aside(world: World) -> None:
    used = new_id()
    world.phone.send(world.phone.seal("collect", [world.codes[0]], id=used, **proof()))
    refused = world.phone.send(world.phone.seal("deliver", [world.codes[0]], id=used, **proof()))["results"][
        0
    ]
    assert (refused["status"], refused["problem"]["code"]) == ("quarantined", "id_reused")
    refused = world.colleague.send(world.colleague.seal("deliver", [world.codes[0]], id=used, **proof()))[
        "results"
    ][0]
    assert (refused["status"], refused["problem"]["code"]) == ("quarantined", "id_reused")


def test_a_used_number_is_a_fork_kept_on_both_sides_and_told(world: World) -> None:
    world.phone.send(world.phone.seal("collect", [world.codes[0]], **proof()))
    world.phone.seq, world.phone.prev = 0, None
    result = world.phone.send(world.phone.seal("collect", [world.codes[1]], **proof()))["results"][0]
    assert result["status"] == "applied"
    assert "fork" in str(result["effects"])


def test_the_twin_of_a_signature_is_another_event_under_a_used_id(world: World) -> None:
    first = world.phone.seal("collect", [world.codes[0]], **proof())
    world.phone.send(first)
    head, _, tail = first.rpartition(".")
    twin = f"{head}.{b64url(hostile.other_s(base64.urlsafe_b64decode(tail + '==')))}"
    before = world.rows()
    result = world.phone.send(twin)["results"][0]
    assert (result["status"], result["problem"]["code"]) == ("quarantined", "id_reused")
    assert world.grown(before) == {"quarantine": 1, "quarantine_blobs": 2}
    world.assert_healthy()


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z"]
)
@pytest.mark.parametrize("offset_ms", [None, 4_000_000_000_000, -4_000_000_000_000])
def test_an_impossible_clock_is_kept_and_doubted(world: World, at: str, offset_ms: int | None) -> None:
    (result,) = world.phone.send(
        world.phone.seal("collect", [world.codes[0]], **proof(), at=at, offset_ms=offset_ms)
    )["results"]
    assert result["status"] == "applied"
    assert "clock" in str(result["effects"]), result
    world.assert_healthy()


def test_a_void_of_somebody_elses_event_undoes_nothing(world: World) -> None:
    sealed = world.colleague.seal("collect", [world.codes[0]], **proof())
    (theirs,) = world.colleague.send(sealed)["results"]
    result = world.phone.send(world.phone.seal("void", [], ref=theirs["id"], reason="mistake"))["results"][0]
    assert result["status"] == "recorded", result
    assert {effect["status"] for effect in result["effects"]} <= {"handed_over"}
    strangers = world.stranger.send(world.stranger.seal("void", [], ref=theirs["id"], reason="mistake"))[
        "results"
    ][0]
    assert (strangers["status"], strangers["effects"]) == ("recorded", [])
    world.assert_healthy()


def test_a_revoked_phones_events_are_kept_aside_and_no_more(world: World) -> None:
    sealed = world.phone.seal("collect", [world.codes[0]], **proof())
    revoke_device(world.shop, world.phone.device, clock.now())
    before = world.rows()
    answer = world.phone.post(sealed)
    assert (answer.status_code, code_of(answer)) == (403, "device-revoked")
    assert answer.get_json()["results"][0]["problem"]["code"] == "device_revoked"
    assert world.grown(before) == {"quarantine": 1, "quarantine_blobs": 2}, "its pictures are kept too"
    for path in ("/sync/v1/worklist", "/sync/v1/rules"):
        answer = world.client.get(path, headers=world.phone.headers)
        assert (answer.status_code, code_of(answer)) == (403, "device-revoked")
