"""Envelopes: only what the phone's own key signed, in one spelling, is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as jose
from joserfc.jwk import ECKey

from sync.protocol import envelope, keys
from sync.protocol.keys import b64url
from sync.protocol.problems import Problem
from tests.unit.phones import KEYS, Phone, new_codes

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "envelope.json").read_text("utf-8"))
JWK = VECTORS["jwk"]
HEADER = {"alg": "ES256", "kid": VECTORS["thumbprint"], "typ": envelope.EVENT_TYP}


def open_and_verify(jws: str, key: keys.Jwk | None = JWK) -> envelope.Envelope:
    opened = envelope.open_(jws)
    envelope.verify(opened, key)
    return opened


@pytest.mark.parametrize("number", range(3))
def test_a_sealed_vector_opens_to_its_payload(number: int) -> None:
    case = VECTORS["sealed"][number]
    assert open_and_verify(case["jws"]).payload == case["payload"]
    assert envelope.digest(case["jws"]) == case["sha256"]
    key = keys.load_private_pem(_pem())
    assert envelope.sign(case["payload"], key).rsplit(".", 1)[0] == case["signing_input"]


def _pem() -> str:
    from tests.vectors.generate import KEY

    return KEY


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    assert keys.thumbprint(JWK) == VECTORS["thumbprint"] == ECKey.import_key(JWK).thumbprint()


@pytest.mark.parametrize("name", VECTORS["refused"])
def test_a_refused_vector_is_refused(name: str) -> None:
    with pytest.raises(envelope.Refused):
        open_and_verify(VECTORS["refused"][name])


def test_the_same_bytes_in_another_spelling_are_refused() -> None:
    """86 characters spell 64 bytes with four bits to spare: sixteen spellings of one signature."""
    jws = VECTORS["sealed"][0]["jws"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(jws[-1])
    others = [alphabet[n] for n in range(last & ~15, (last & ~15) + 16) if n != last]
    for spelling in [*(jws[:-1] + char for char in others), jws + "=", jws + "==", jws + "\n", " " + jws]:
        with pytest.raises(envelope.Refused):
            open_and_verify(spelling)
    standard = jws.translate(str.maketrans("-_", "+/"))
    assert standard != jws
    with pytest.raises(envelope.Refused):
        open_and_verify(standard)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_one_changed_character_anywhere_is_refused(data: st.DataObject) -> None:
    jws = VECTORS["sealed"][1]["jws"]
    place = data.draw(st.integers(0, len(jws) - 1))
    char = data.draw(st.sampled_from("ABCxyz019-_.=+/ \n\u00e9\ud800"))
    if jws[place] != char:
        with pytest.raises(envelope.Refused):
            open_and_verify(jws[:place] + char + jws[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_text_is_refused_by_name_and_never_an_accident(text: str) -> None:
    with pytest.raises(envelope.Refused):
        envelope.open_(text)
    envelope.digest(text)


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=60))
def test_any_signed_bytes_open_to_an_object_or_are_refused(payload: bytes) -> None:
    jws = f"{b64url(envelope.compact(HEADER))}.{b64url(payload)}.{b64url(bytes(64))}"
    try:
        value = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        assert envelope.open_(jws).payload == value
    else:
        with pytest.raises(envelope.Refused, match="payload"):
            envelope.open_(jws)


HOSTILE = {
    "a member twice": b'{"id":"a","id":"b"}',
    "a nested member twice": b'{"data":{"a":1,"a":2}}',
    "NaN": b'{"seq":NaN}',
    "infinity": b'{"seq":-Infinity}',
    "a float beyond all": b'{"seq":1e999}',
    "an integer that JavaScript would round": b'{"seq":9007199254740993}',
    "an integer of 5000 digits": b'{"seq":' + b"9" * 5000 + b"}",
    "30 levels": b'{"a":' * 30 + b"1" + b"}" * 30,
    "10000 levels": b"[" * 10000 + b"]" * 10000,
    "a lone surrogate": b'{"note":"\\ud800"}',
    "a character that no database stores": b'{"note":"\\u0000"}',
    "such a character in a name": b'{"a\\u0000":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "broken UTF-8": b'{"a":"\xff"}',
    "a raw line break in a string": b'{"a":"\n"}',
    "a list": b"[1]",
    "a string": b'"text"',
    "nothing": b"",
    "something after the end": b"{} {}",
    "comments": b"{} // yes",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_payload_that_two_readers_could_read_differently_is_refused(name: str) -> None:
    jws = f"{b64url(envelope.compact(HEADER))}.{b64url(HOSTILE[name])}.{b64url(bytes(64))}"
    with pytest.raises(envelope.Refused) as refused:
        envelope.open_(jws)
    assert refused.value.code == "event_malformed"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256", "kid": VECTORS["thumbprint"], "typ": envelope.EVENT_TYP},
        {"alg": "ES384", "kid": VECTORS["thumbprint"], "typ": envelope.EVENT_TYP},
        {"alg": "NONE", "typ": envelope.EVENT_TYP},
        {"alg": None, "typ": envelope.EVENT_TYP},
        {"typ": envelope.EVENT_TYP},
        {"alg": "ES256", "kid": VECTORS["thumbprint"]},
        {"alg": "ES256", "kid": 7, "typ": envelope.EVENT_TYP},
        {**HEADER, "crit": ["exp"], "exp": 1},
        {**HEADER, "b64": False},
        {**HEADER, "typ": envelope.RECEIPT_TYP},
    ],
    ids=str,
)
def test_no_other_header_opens(header: dict[str, object]) -> None:
    payload = VECTORS["sealed"][0]["jws"].split(".")[1]
    with pytest.raises(envelope.Refused):
        envelope.open_(f"{b64url(json.dumps(header).encode())}.{payload}.{b64url(bytes(64))}")


def test_a_key_in_the_header_is_not_the_key() -> None:
    stranger = keys.generate_key()
    header = {**HEADER, "jwk": keys.public_jwk(stranger)}
    token = jose.serialize_compact(header, b"{}", ECKey.import_key(keys.private_pem(stranger)))
    with pytest.raises(envelope.Refused, match="does not fit"):
        open_and_verify(token)


def test_another_phones_kid_is_refused_even_with_a_good_signature() -> None:
    jws = Phone(key=KEYS[1]).seal("pack", new_codes(1))
    with pytest.raises(envelope.Refused, match="kid"):
        open_and_verify(jws, keys.public_jwk(KEYS[0]))


def test_a_phone_with_a_key_cannot_be_downgraded_to_unsigned() -> None:
    jws = Phone(key=None).seal("pack", new_codes(1))
    with pytest.raises(envelope.Refused, match="must be signed"):
        open_and_verify(jws, JWK)
    open_and_verify(jws, None)


def test_a_keyless_phone_cannot_smuggle_a_signature() -> None:
    with pytest.raises(envelope.Refused):
        open_and_verify(VECTORS["sealed"][0]["jws"], None)
    with pytest.raises(envelope.Refused):
        open_and_verify(VECTORS["unsigned"][0]["jws"] + "QQ", None)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(65), bytes(64), b"\xff" * 64])
def test_a_signature_of_the_wrong_form_is_refused(signature: bytes) -> None:
    signed = VECTORS["sealed"][0]["signing_input"]
    with pytest.raises(envelope.Refused):
        open_and_verify(f"{signed}.{b64url(signature)}")


def test_a_der_signature_is_refused() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    signed = VECTORS["sealed"][0]["signing_input"]
    der = keys.load_private_pem(_pem()).sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(envelope.Refused):
        open_and_verify(f"{signed}.{b64url(der)}")


def test_an_event_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(envelope.Refused) as refused:
        envelope.open_("a" * (envelope.MAX_EVENT_BYTES + 1))
    assert refused.value.code == "event_too_large"


def test_joserfc_reads_what_we_sign_and_we_read_what_joserfc_signs() -> None:
    private = ECKey.import_key(_pem())
    ours = VECTORS["sealed"][0]
    assert json.loads(jose.deserialize_compact(ours["jws"], ECKey.import_key(JWK)).payload) == ours["payload"]
    theirs = jose.serialize_compact(HEADER, envelope.compact(ours["payload"]), private)
    assert open_and_verify(theirs).payload == ours["payload"]


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "key",
        {},
        {**JWK, "kty": "RSA"},
        {**JWK, "crv": "P-384"},
        {**JWK, "x": 5},
        {**JWK, "x": JWK["y"]},
        {**JWK, "x": JWK["x"] + "="},
        {**JWK, "x": "AA"},
        {**JWK, "x": "", "y": JWK["x"] + JWK["y"]},
        {**JWK, "y": ""},
        {**JWK, "x": "\ud800"},
        VECTORS["private_jwk"],
    ],
    ids=str,
)
def test_a_key_that_is_not_a_public_point_of_p256_is_refused(jwk: object) -> None:
    with pytest.raises(Problem) as refused:
        keys.check_jwk(jwk)
    assert refused.value.code == "key-invalid"


def test_a_good_key_keeps_only_its_public_members() -> None:
    assert keys.check_jwk({**JWK, "use": "sig", "ext": True}) == JWK


@pytest.mark.parametrize("text", ["", "no pem", "\u00e9"])
def test_a_private_key_file_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        keys.load_private_pem(text)
