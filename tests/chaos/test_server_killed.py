"""The server dies at any step of taking events and photos: the phone's retry finds all or nothing, and ends once.

The steps are counted by `tests.support.fused`. `-m chaos` dies at each of them in turn; the short slice dies where
it hurts most, on both sides of a commit and before the answer.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.fused import FUSE
from tests.support.house import House, WirePhone, house_of
from tests.support.programs import ROOT
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.trace import find_strace
from tests.support.tus import BLOBS, digest, make_photo
from tests.unit.phones import blob, proof
from webapp import clock
from webapp.services.accept_batch import MOST_WANTED
from webapp.services.drop_expired_uploads import drop_expired_uploads
from webapp.store import blobs

Errand = Callable[[WirePhone, House, int], Callable[[], None]]


class Trial:
    """A server with a fuse, a shop's books and a phone."""

    def __init__(self, server: Server, house: House) -> None:
        self.server, self.house = server, house
        self.fuse = server.data.parent / "fuse"
        server.command = [sys.executable, "-m", "tests.support.fused"]
        server.environ |= {FUSE: str(self.fuse), "PYTHONPATH": str(ROOT), "BATON_THREADS": "2"}
        self.phone = house.phone(server.start().url)

    def light(self, at: int | str) -> None:
        """Let it die at this step from now on."""
        self.fuse.write_text(str(at))
        os.kill(self.child(), signal.SIGUSR1)
        until(lambda: not self.fuse.exists())

    def child(self) -> int:
        """The process that serves."""
        return int(self.fuse.with_suffix(".pid").read_text())

    def steps(self) -> list[str]:
        """What it came to since it was lit."""
        return self.fuse.with_suffix(".steps").read_text().splitlines()

    def last_step(self) -> str:
        """The one it died at, without its number."""
        return self.steps()[-1].partition(" ")[2]

    def wait(self) -> None:
        """Until the next child answers."""
        try:
            until(self.server.is_answering)
        except TimeoutError:
            assert self.server.process
            raise RuntimeError(f"{self.server.process.poll()}: {self.server.text()[-4000:]}") from None

    def run(self, errand: Errand, number: int, at: int | str) -> bool:
        """Run an errand with the fuse lit; if it dies, run it to its end on the next child. Whether it died."""
        go, alive = errand(self.phone, self.house, number), self.child()
        self.light(at)
        self.attempt(go, alive)
        died = self.last_step() == str(at) if isinstance(at, str) else len(self.steps()) == at
        return self.end(go, alive, died=died)

    def run_struck(self, errand: Errand, number: int, call: str, at: int) -> bool:
        """The same, killed by strace as its thread makes this call of the system for the `at`-th time."""
        go, alive = errand(self.phone, self.house, number), self.child()
        with struck(alive, call, at):
            self.attempt(go, alive)
        return self.end(go, alive, died=self.child() != alive)

    def attempt(self, go: Callable[[], None], alive: int) -> None:
        """Run it, or see the child die of it."""
        try:
            go()
        except requests.RequestException:
            until(lambda: self.child() != alive)

    def end(self, go: Callable[[], None], alive: int, *, died: bool) -> bool:
        """After a death: all or nothing is there; then what the phone does again. Whether it died."""
        if died:
            until(lambda: self.child() != alive)
            assert self.house.is_sound()
            self.wait()
            go()
        assert self.house.is_sound()
        return died


@contextmanager
def struck(process: int, call: str, at: int) -> Iterator[None]:
    """Have strace kill a process when one of its threads makes this call for the `at`-th time."""
    command = ["strace", "-f", "-o", os.devnull, "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:signal=SIGKILL:when={at}"]
    with subprocess.Popen([*command, "-p", str(process)], stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stderr
        said = watcher.stderr.readline()
        if "attached" not in said:
            watcher.kill()
            pytest.skip(f"strace cannot watch another process here: {said.strip()}")
        yield
        watcher.send_signal(signal.SIGINT)


def until(is_so: Callable[[], bool], within: float = 90) -> None:
    """Wait for another process."""
    end = time.monotonic() + within
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.005)


@pytest.fixture
def trial(make_server: Callable[..., Server]) -> Iterator[Trial]:
    yield from _trial(make_server())


@pytest.fixture
def trial_on_both(make_server: Callable[..., Server], database: str) -> Iterator[Trial]:
    yield from _trial(make_server(BATON_DATABASE_URL=database))


def _trial(server: Server) -> Iterator[Trial]:
    with house_of(server) as house:
        made = Trial(server, house)
        yield made
        made.phone.close()


def taken(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def events(phone: WirePhone, house: House, number: int) -> Callable[[], None]:
    """Three events in one batch: two parcels of the list, one that nobody knows."""
    first, second = make_parcels(house.org_id, 2, seed=number)
    photo = blob(parcel=first)
    sealed = [
        phone.seal("pack", [first, second], 0, blobs=[photo]),
        phone.seal("collect", [first, second, f"SPXID{number:09}"], 1, **proof()),
        phone.seal("drop_off", [first], 2, **proof("Pak Joko", "clerk")),
    ]

    def go() -> None:
        before = [house.times_kept(jws) for jws in sealed]
        assert before in ([0, 0, 0], [1, 1, 1]), "half a batch"
        told = taken(phone.post(*sealed))
        is_again = {r["status"] == "duplicate" for r in told["results"]}
        assert is_again == {before == [1, 1, 1]}
        assert [house.times_kept(jws) for jws in sealed] == [1, 1, 1]
        assert (told["high_seq"], told["missing_seqs"]) == (phone.seq, [])
        assert photo["sha256"] in told["want"] or len(told["want"]) == MOST_WANTED
        for result in told["results"]:
            assert result["effects"], result

    return go


def a_photo_in_one(phone: WirePhone, house: House, number: int) -> Callable[[], None]:
    """A photo that comes whole."""
    photo = make_photo()

    def go() -> None:
        house.held(photo)
        answer = phone.begin(photo, photo)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(photo)))
        assert house.held(photo)
        assert phone.head(f"{BLOBS}/{digest(photo)}").headers["Upload-Offset"] == str(len(photo))

    return go


def a_photo_in_three(phone: WirePhone, house: House, number: int) -> Callable[[], None]:
    """A photo begun, gone on with and ended in three requests, as a slow network cuts it."""
    photo = make_photo((640, 480))
    third = len(photo) // 3
    where: list[str] = []

    def go() -> None:
        house.held(photo)
        if not where:
            answer = phone.begin(photo, photo[:third])
            assert answer.status_code == 201, answer.text
            where.append(answer.headers["Location"])
        at = int(phone.head(where[0]).headers["Upload-Offset"])
        assert at in {third, 2 * third, len(photo)}
        while at < len(photo):
            data = photo[at : at + third] if at < 2 * third else photo[at:]
            answer = phone.patch(where[0], at, data)
            assert answer.status_code == 204, answer.text
            at = int(answer.headers["Upload-Offset"])
        assert house.held(photo)

    return go


ERRANDS = {each.__name__: each for each in (events, a_photo_in_one, a_photo_in_three)}


@pytest.mark.parametrize("errand", ERRANDS)
def test_a_server_killed_around_its_commit_and_its_answer_loses_and_doubles_nothing(
    trial: Trial, errand: str
) -> None:
    for number, at in enumerate(("before commit", "after commit", "before send"), start=1):
        assert trial.run(ERRANDS[errand], number, at), at


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("errand", ERRANDS)
def test_a_server_killed_at_any_step_loses_and_doubles_nothing(trial_on_both: Trial, errand: str) -> None:
    trial, number = trial_on_both, 1
    while trial.run(ERRANDS[errand], number, number):
        number += 1
    steps = trial.steps()
    print(f"\n{errand}: {number - 1} deaths, the last {steps[-1]!r}")
    # It came to an end of its own (a folder is made and synced once only, so the steps are not always as many), and
    # the steps that matter were among those it died at.
    assert number > len(steps)
    told = {step.partition(" ")[2] for step in steps}
    assert {"before commit", "after commit", "before send", "after send"} <= told
    assert errand == "events" or {"before fsync", "after rename"} <= told
    # What died writers have left half made is cleared away, and only that.
    drop_expired_uploads(clock.now() + timedelta(days=9))
    store = blobs.current()
    assert list(store.spooled()) == []
    assert not list(Path(trial.server.data, "blobs", "new").iterdir())


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.skipif(find_strace() is None, reason="strace is not installed (apt install strace)")
@pytest.mark.parametrize("errand", ERRANDS)
def test_a_server_killed_at_any_write_of_the_database_itself_loses_and_doubles_nothing(
    trial: Trial, errand: str
) -> None:
    deaths = dict.fromkeys(("pwrite64", "fsync", "fdatasync", "rename"), 0)
    numbers = itertools.count(1)
    for call in deaths:
        while trial.run_struck(ERRANDS[errand], next(numbers), call, deaths[call] + 1):
            deaths[call] += 1
    print(f"\n{errand}: {deaths}")
    assert deaths["pwrite64"] > 1, "it never came to the database"
    assert deaths["fsync"] + deaths["fdatasync"] > 0
    assert errand == "events" or deaths["rename"] > 0
