"""Requests that are ready at the same time share a commit; each hears only of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from webapp.store import together
from webapp.store.together import Together


def test_one_alone_is_committed_at_once() -> None:
    commits: list[Sequence[int]] = []
    shared = Together(commits.append)
    for item in (1, 2):
        with shared.coming() as settle:
            settle(item)
    assert commits == [[1], [2]]


def test_those_who_have_announced_themselves_share_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "WAIT_AT_MOST_S", 20)
    commits: list[Sequence[int]] = []
    shared = Together(commits.append)
    all_here = threading.Barrier(6)

    def send(item: int) -> None:
        with shared.coming() as settle:
            all_here.wait(20)
            settle(item)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    assert [sorted(commit) for commit in commits] == [[0, 1, 2, 3, 4, 5]]


def test_who_fails_before_the_commit_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "WAIT_AT_MOST_S", 20)
    commits: list[Sequence[str]] = []
    shared = Together(commits.append)
    with pytest.raises(ZeroDivisionError), shared.coming():
        raise ZeroDivisionError
    with shared.coming() as settle:
        settle("after")
    assert commits == [["after"]]


def test_who_is_slow_is_not_waited_for_long() -> None:
    commits: list[Sequence[str]] = []
    shared = Together(commits.append)
    with shared.coming() as slow:
        with shared.coming() as quick:
            quick("quick")
        assert commits == [["quick"]]
        slow("slow")
    assert commits == [["quick"], ["slow"]]


def test_a_failed_commit_is_told_to_each_of_those_in_it_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "WAIT_AT_MOST_S", 20)
    kept: list[int] = []

    def commit(items: Sequence[int]) -> None:
        if 13 in items:
            raise OSError("no room")
        kept.extend(items)

    shared = Together(commit)
    all_here = threading.Barrier(3)

    def send(item: int) -> str:
        with shared.coming() as settle:
            all_here.wait(20)
            try:
                settle(item)
            except OSError as error:
                return str(error)
        return "kept"

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(send, (12, 13, 14))) == ["no room"] * 3
        assert list(pool.map(send, (1, 2, 3))) == ["kept"] * 3
    assert sorted(kept) == [1, 2, 3]
