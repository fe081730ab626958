"""A round that lets old photos go, SIGKILLed at any step: none is missing without its reason, and the next ends it.

The round runs in a forked child that counts its statements, commits and calls of the file system. `-m chaos` dies at
each of them in turn; the short slice at some, and on both sides of each commit.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine.default import DefaultDialect

from tests.support.desk import make_desk_user
from tests.support.fused import CALLS, around
from tests.support.keeping import deletion, go, is_held, pictures, set_days, settled
from tests.support.shop import ApiPhone, make_shop, make_user
from webapp import clock
from webapp.extensions import db
from webapp.store import blobs
from webapp.store.models import Blob
from webapp.store.queries import deletions
from webapp.store.unit import reading

STRIDE = 9
MOST_STEPS = 500


class Steps:
    """Counts what this process does, tells it to a file, and dies at one of the steps."""

    def __init__(self, told: Path, at: int) -> None:
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._write, self._at, self._count = os.write, at, 0

    def step(self, name: str) -> None:
        self._count += 1
        self._write(self._told, f"{name}\n".encode())
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def lay(self) -> None:
        """Through this process, which is to end."""
        for name in CALLS:
            setattr(os, name, around(self, name, getattr(os, name)))
        DefaultDialect.do_commit = around(self, "commit", DefaultDialect.do_commit)  # type: ignore[assignment,method-assign]
        event.listen(db.engine, "before_cursor_execute", lambda *given: self.step(given[2].split()[0]))


def let_go_in_a_child(told: Path, at: int) -> tuple[bool, list[str]]:
    """Whether it died at that step, and the steps it came to."""
    child = os.fork()
    if not child:
        code = 1
        try:
            db.engine.dispose(close=False)  # the connections are our parent's
            Steps(told, at).lay()
            code = 0 if go().deleted else 2
        finally:
            sys.stderr.flush()
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, -signal.SIGKILL}, f"the round itself failed: {ended}"
    return ended != 0, told.read_text().splitlines()


def is_told(org_id: str, sha256: str) -> bool:
    """Held whole, or said to be gone: its bytes may still lie there then, and never the other way round."""
    with reading() as session:
        row = session.get(Blob, (org_id, sha256))
    if deletion(org_id, sha256) is not None:
        return row is None
    return row is not None and blobs.current().has(org_id, sha256)


def die(phone: ApiPhone, org_id: str, clerk: str, told: Path, at: int) -> tuple[bool, list[str]]:
    """One round with a death in it over two new pictures, and the round after it."""
    mine = pictures(org_id, settled(phone, org_id, clerk)).values()
    assert all(is_held(org_id, sha256) for sha256 in mine)
    died, steps = let_go_in_a_child(told, at)
    assert all(is_told(org_id, sha256) for sha256 in mine), f"step {at}: {steps[-1:]}"
    go()
    for sha256 in mine:
        row = deletion(org_id, sha256)
        assert (is_held(org_id, sha256), row is not None and row.why) == (False, "policy"), f"step {at}"
    with reading() as session:
        assert deletions.uncleared(session, org_id, 10) == [], f"step {at}"
    return died, steps


@pytest.fixture
def who(app_on_both: Flask) -> tuple[ApiPhone, str, str]:
    org_id = make_shop("Toko Sari")
    clerk = make_desk_user(org_id, "admin")
    set_days(org_id, clerk)
    return ApiPhone(app_on_both.test_client(), org_id, make_user(org_id)), org_id, clerk


def test_a_round_that_dies_where_it_hurts_is_ended_by_the_next(
    who: tuple[ApiPhone, str, str], tmp_path: Path
) -> None:
    told = tmp_path / "steps"
    died, steps = die(*who, told, 0)
    assert not died
    assert {"before commit", "after commit", "before unlink", "after unlink"} <= set(steps)
    commits = [number for number, name in enumerate(steps, 1) if name.endswith(("commit", "unlink"))]
    for at in sorted({*commits, *range(1, len(steps), STRIDE)}):
        assert die(*who, told, at)[0], f"step {at}"


@pytest.mark.chaos
def test_a_round_that_dies_at_any_step_is_ended_by_the_next(
    who: tuple[ApiPhone, str, str], tmp_path: Path
) -> None:
    at, died = 0, True
    while died and at < MOST_STEPS:
        at += 1
        died, _ = die(*who, tmp_path / "steps", at)
    assert 20 < at < MOST_STEPS, f"{at} steps"
    print(f"{at} steps, at {clock.now():%H:%M}")
