"""One request to a real authority, good and bad: only an answer that holds is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.tsa import NAME, TimeAuthority
from webapp.services.notices import outgoing
from webapp.services.stamping.asking import NoStamp, ask
from webapp.settings import Authority
from webapp.store.queries.stamps import Open

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
DAY = Open("org-1", YESTERDAY, 3, "ab" * 32, 1)


@pytest.fixture
def authority(tsa: TimeAuthority) -> Authority:
    return Authority(tsa.url, tsa.certs)


def test_a_good_answer_is_one(authority: Authority, tsa: TimeAuthority) -> None:
    got = ask(authority, DAY)
    assert got.authority == NAME
    assert abs(got.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert ask(authority, DAY).response != got.response
    assert tsa.asked[0] != tsa.asked[1], "each request has a nonce of its own"


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("wrong nonce", "Nonce mismatch"),
        ("other digest", "ismatch"),
        ("refuse", "refuses"),
        ("garbage", "no time stamp in it"),
        ("cut", "breaks off"),
        ("drop", "did not answer"),
        (503, "answered 503"),
        (404, "answered 404"),
        (302, "answered 302"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_the_reason(
    authority: Authority, tsa: TimeAuthority, mood: str | int, why: str
) -> None:
    tsa.answers.append(mood)
    with pytest.raises(NoStamp, match=why) as refused:
        ask(authority, DAY)
    assert not {"\0", "\ufffd"} & set(str(refused.value))


def test_an_authority_that_speaks_too_slowly_is_cut_off(
    authority: Authority, tsa: TimeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "WITHIN_S", 0.3)
    tsa.answers.append("slow")
    with pytest.raises(NoStamp, match="did not answer"):
        ask(authority, DAY)


def test_one_that_is_not_there_is_told_so(authority: Authority, free_port: int) -> None:
    with pytest.raises(NoStamp, match="did not answer"):
        ask(replace(authority, url=f"http://127.0.0.1:{free_port}/"), DAY)


def test_one_for_whom_the_roots_do_not_vouch_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    stranger = TimeAuthority(tmp_path / "stranger")
    with pytest.raises(NoStamp, match="does not hold") as refused:
        ask(replace(authority, certs=stranger.certs), DAY)
    assert str(stranger.certs) in str(refused.value), "it says which file is to be looked at"
    with pytest.raises(NoStamp, match="cannot be read"):
        ask(replace(authority, certs=tmp_path / "gone"), DAY)


def test_one_whose_clock_says_that_the_day_is_not_over_is_not_believed(authority: Authority) -> None:
    with pytest.raises(NoStamp, match="before that day was over"):
        ask(authority, replace(DAY, day=datetime.now(UTC).date() + timedelta(days=1)))
