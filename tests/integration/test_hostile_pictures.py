"""Pictures made to hurt: each ends with a verdict of its own, within its limits, and the next one is looked at."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hostile_pictures import GIVEN_UP, hostile
from tests.support.tagged import tagged
from tests.unit.phones import new_codes
from webapp.services.checking.eyes import BYTES, Eyes


@pytest.fixture
def eyes() -> Iterator[Eyes]:
    made = Eyes()
    yield made
    made.close()


def peak_of(pid: int) -> int:
    """The most address space a process ever had, in bytes."""
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmPeak")]
    return int(line.split()[1]) * 1024


def try_all(eyes: Eyes, numbers: range) -> dict[str, set[str]]:
    """Look at these pictures; gives the verdicts each kind got."""
    got: dict[str, set[str]] = {}
    for number in numbers:
        kind, data, allowed = hostile(number)
        answer = eyes.examine(data, ("photo", "tag", "signature")[number % 3], [])
        verdict = answer["code"] if answer["verdict"] == "refused" else answer["verdict"]
        assert verdict in allowed, f"picture {number} ({kind}) got {verdict}: {answer.get('sentence')}"
        assert eyes.pid is not None
        assert peak_of(eyes.pid) <= BYTES
        got.setdefault(kind, set()).add(verdict)
    return got


def test_a_slice_of_hostile_pictures_each_gets_its_named_verdict(eyes: Eyes) -> None:
    got = try_all(eyes, range(15))
    assert got["foreign"] == {"media-unsupported"}
    assert got["declared_huge"] == {"picture-too-large"}


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_three_hundred_hostile_pictures_each_get_their_named_verdict(eyes: Eyes) -> None:
    got = try_all(eyes, range(300))
    assert not {verdict for verdicts in got.values() for verdict in verdicts} & GIVEN_UP


def test_a_picture_that_never_ends_costs_one_look_and_the_next_is_seen(eyes: Eyes) -> None:
    [code] = new_codes(1)
    eyes.examine(tagged(code), "photo", [code])
    stuck = eyes.pid
    assert stuck is not None
    eyes.seconds = 0.4
    os.kill(stuck, signal.SIGSTOP)  # as a decoder in an endless loop: alive, and silent
    assert eyes.examine(tagged(code), "photo", [code])["code"] == "check-overran"
    eyes.seconds = 20
    answer = eyes.examine(tagged(code), "photo", [code])
    assert [reading["text"] for reading in answer["readings"]] == [code]
    assert eyes.pid != stuck


def test_a_server_with_thousands_of_open_files_still_looks_at_pictures(eyes: Eyes) -> None:
    """`select` refuses descriptors above 1,023; a busy server gives the pipes such numbers."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < 1500:
        pytest.skip("not so many files may be open here")
    [code] = new_codes(1)
    with contextlib.ExitStack() as many:
        many.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1500, before[1]))
        for _ in range(1100):
            many.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert eyes.examine(tagged(code), "photo", [code])["verdict"] == "seen"
        assert eyes.pid is not None
        eyes.seconds = 0.4
        os.kill(eyes.pid, signal.SIGSTOP)
        assert eyes.examine(tagged(code), "photo", [code])["code"] == "check-overran"


@pytest.mark.parametrize("is_at_work", [False, True])
def test_a_process_that_was_killed_is_started_again_for_the_same_picture(
    eyes: Eyes, is_at_work: bool
) -> None:
    [code] = new_codes(1)
    eyes.examine(tagged(code), "photo", [code])
    assert eyes.pid is not None
    if is_at_work:
        os.kill(eyes.pid, signal.SIGSTOP)  # so that it has the job, and no answer, when it dies
        threading.Timer(0.5, os.kill, (eyes.pid, signal.SIGKILL)).start()
    else:
        os.kill(eyes.pid, signal.SIGKILL)
    assert eyes.examine(tagged(code), "photo", [code])["verdict"] == "seen"


def test_a_text_is_blurred_though_the_process_died_at_it(eyes: Eyes) -> None:
    [code] = new_codes(1)
    eyes.examine(tagged(code), "photo", [code])
    assert eyes.pid is not None
    os.kill(eyes.pid, signal.SIGSTOP)
    threading.Timer(0.5, os.kill, (eyes.pid, signal.SIGKILL)).start()
    assert "jpeg" in eyes.redact(tagged(code), [], (0, 0))


def test_a_look_that_needs_more_memory_than_it_may_have_is_given_up_by_name() -> None:
    small = Eyes(most_bytes=450 * 1024**2)
    try:
        answer = small.examine(hostile(49)[1], "photo", [])
        assert answer["code"] in {"check-too-large", "check-crashed"}
        assert small.examine(tagged(*new_codes(1)), "photo", [])["verdict"] == "seen"
    finally:
        small.close()
