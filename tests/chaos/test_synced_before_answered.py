"""A success leaves only when the bytes behind it are on the disk: read from the system calls themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bench.synced_before_answered import is_all_synced, watch
from tests.support.server import Server
from tests.support.trace import exchanges, find_strace


@pytest.mark.skipif(find_strace() is None, reason="strace is not installed (apt install strace)")
def test_database_and_photo_are_synced_before_their_answer_is_sent(
    make_server: Callable[..., Server],
) -> None:
    try:
        done = watch(make_server())
    except PermissionError as error:
        pytest.skip(str(error))
    assert is_all_synced(done), done


TRACE = """\
9 recvfrom(7<socket:[1]>, "POST /sync/v1/events HTTP/1.1", 99, 0, NULL, NULL) = 28
9 pwrite64(5</d/baton.db-wal>, "x", 4096, 0) = 4096
{}
9 sendto(7<socket:[1]>, "HTTP/1.1 200 OK", 15, 0, NULL, 0) = 15
"""


@pytest.mark.parametrize(
    ("between", "unsynced"),
    [
        ("9 fdatasync(5</d/baton.db-wal>) = 0", []),
        ("9 fdatasync(5</d/baton.db-wal> <unfinished ...>\n9 <... fdatasync resumed>) = 0", []),
        ("9 fdatasync(5</d/baton.db-wal> <unfinished ...>", ["/d/baton.db-wal"]),
        ("9 fdatasync(5</d/baton.db-wal>) = -1 EIO (Input/output error)", ["/d/baton.db-wal"]),
        ("9 fsync(6</d/baton.db>) = 0", ["/d/baton.db-wal"]),
        (
            '9 fdatasync(5</d/baton.db-wal>) = 0\n9 rename("/d/blobs/new/1", "/d/blobs/held/1") = 0',
            ["/d/blobs/held"],
        ),
        (
            '9 fdatasync(5</d/baton.db-wal>) = 0\n8 pwrite64(5</d/baton.db-wal>, "x", 4096, 0) = 4096',
            ["/d/baton.db-wal"],
        ),
    ],
)
def test_what_is_written_and_not_synced_by_the_answer_is_seen(between: str, unsynced: list[str]) -> None:
    (one,) = exchanges(TRACE.format(between))
    assert (one.status, one.unsynced) == (200, unsynced)


def test_an_answer_that_left_as_the_watching_ended_is_an_answer() -> None:
    sent = '9 sendto(7<socket:[1]>, "HTTP/1.1 200 OK", 15, 0, NULL, 0'
    trace = TRACE.format("9 fdatasync(5</d/baton.db-wal>) = 0").replace(
        f"{sent}) = 15", f"{sent} <detached ...>"
    )
    (one,) = exchanges(trace)
    assert (one.status, one.unsynced) == (200, [])
