"""What an authority answered is read alike by both programs, and its signature holds for whom the roots vouch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import rfc3161_client as tsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.evidence.timestamp import token
from sync.evidence.timestamp.token import Unreadable, Untrue
from tests.support.tsa import NAME, TimeAuthority

DATA = token.head("org-1", "2026-11-22", 3, bytes(32))
DIGEST = hashlib.sha256(DATA).digest()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def response(authority: TimeAuthority) -> bytes:
    return authority.stamp(DATA)


def asked() -> tsp.TimeStampRequest:
    return tsp.TimestampRequestBuilder().data(DATA).hash_algorithm(tsp.HashAlgorithm.SHA256).build()


def test_an_answer_says_what_was_stamped_when_and_by_whom(response: bytes) -> None:
    said, library = token.read(response), tsp.decode_timestamp_response(token._sorted(response)).tst_info
    assert said.imprint == DIGEST == library.message_imprint.message
    assert said.at == library.gen_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert token.authority(response) == NAME


def test_a_true_answer_holds_also_when_its_certificates_stand_as_openssl_writes_them(
    authority: TimeAuthority, response: bytes
) -> None:
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        tsp.decode_timestamp_response(response)
    token.check(response, DIGEST, authority.certs.read_bytes())


def test_an_answer_to_our_own_request_holds_and_one_to_another_does_not(authority: TimeAuthority) -> None:
    roots, request = authority.certs.read_bytes(), asked()
    token.check(authority.answer(request.as_bytes()), DIGEST, roots, request)
    for mood, why in (("wrong nonce", "[Nn]once"), ("other digest", "ismatch")):
        with pytest.raises(Untrue, match=why):
            token.check(authority.answer(request.as_bytes(), mood), DIGEST, roots, request)
    with pytest.raises(Untrue, match="ismatch"):
        token.check(authority.stamp(b"another day"), DIGEST, roots)


def test_somebody_elses_root_vouches_for_nobody(
    authority: TimeAuthority, response: bytes, tmp_path: Path
) -> None:
    stranger = TimeAuthority(tmp_path / "stranger")
    with pytest.raises(Untrue):
        token.check(response, DIGEST, stranger.certs.read_bytes())
    both = stranger.certs.read_bytes() + authority.certs.read_bytes() * 2
    token.check(response, DIGEST, both)
    for roots in (b"", b"no PEM", authority.certs.read_bytes()[:-60]):
        with pytest.raises(Untrue, match="PEM"):
            token.check(response, DIGEST, roots)


def test_a_refusal_says_that_it_is_one(authority: TimeAuthority) -> None:
    with pytest.raises(Unreadable, match="refuses"):
        token.read(authority.answer(asked().as_bytes(), "refuse"))


@pytest.mark.parametrize("mood", ["garbage", "cut"])
def test_what_is_no_answer_is_not_read(authority: TimeAuthority, mood: str) -> None:
    with pytest.raises(Unreadable):
        token.read(authority.answer(asked().as_bytes(), mood))


def test_no_cut_is_read(response: bytes) -> None:
    for length in range(len(response)):
        with pytest.raises(Unreadable):
            token.read(response[:length])
    with pytest.raises(Unreadable):
        token.read(response + b"\0")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_holds_as_another_time_or_digest(
    authority: TimeAuthority, response: bytes, data: st.DataObject
) -> None:
    changed = bytearray(response)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(response) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        token.check(bytes(changed), DIGEST, authority.certs.read_bytes())
    except (Unreadable, Untrue):
        return
    assert token.read(bytes(changed)) == token.read(response)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(data: bytes) -> None:
    with pytest.raises(Unreadable):
        token.read(data)
