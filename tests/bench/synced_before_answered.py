"""Show, by strace, that what a phone sent is on the disk before its answer is on the wire.

`python -m tests.bench.synced_before_answered` (Linux, strace installed) starts a Baton of its own, sends a batch of
events, a photo in one request and one in two pieces, and prints for each request what was synced before the answer
left. Exit 1 if anything was written and not synced by then; `tests/chaos/test_synced_before_answered.py` is the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.house import House, WirePhone, house_of
from tests.support.server import Server
from tests.support.shop import make_parcels
from tests.support.trace import Exchange, find_strace, traced
from tests.support.tus import make_photo
from tests.unit.phones import proof


def main() -> int:
    """Run it; 0 when all was synced in time."""
    if find_strace() is None:
        print("strace is not installed")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        done = watch(Server(Path(folder)))
    for one in done:
        print(f"\n{one.asked} -> {one.status}")
        for path in one.synced:
            print(f"  synced {_short(path)}")
        print(
            f"  NOT SYNCED: {', '.join(map(_short, one.unsynced))}" if one.unsynced else "  all of it before"
        )
    is_sound = is_all_synced(done)
    print("\nsound" if is_sound else "\nNOT SOUND")
    return 0 if is_sound else 1


def watch(server: Server) -> list[Exchange]:
    """Start it, send four requests, and tell what was done for each."""
    try:
        with house_of(server) as house:
            phone = house.phone(server.start().url)
            assert server.process
            with traced(server.process.pid, server.data.parent / "trace") as told:
                _send(house, phone)
                done = told()
            phone.close()
            return done
    finally:
        server.kill()


def _send(house: House, phone: WirePhone) -> None:
    whole, pieces = make_photo((640, 480)), make_photo((640, 480))
    codes = make_parcels(house.org_id, 20)
    answer = phone.post(*(phone.seal("collect", [code], **proof()) for code in codes))
    assert answer.status_code == 200, answer.text
    assert phone.begin(whole, whole).status_code == 201
    where = phone.begin(pieces, pieces[:5000]).headers["Location"]
    assert phone.patch(where, 5000, pieces[5000:]).status_code == 204


NEEDED = (
    ("/baton.db-wal",),
    ("/new/", "/held/", "/baton.db-wal"),
    ("/new/", "/spool/", "/baton.db-wal"),
    ("/new/", "/held/", "/baton.db-wal"),
)


def is_all_synced(done: list[Exchange]) -> bool:
    """Whether each of the four was answered, with what it needs synced and nothing left unsynced."""
    return len(done) == len(NEEDED) and all(
        not one.unsynced and all(any(part in path for path in one.synced) for part in needed)
        for one, needed in zip(done, NEEDED, strict=True)
    )


def _short(path: str) -> str:
    return "/".join(path.split("/")[-4:])


if __name__ == "__main__":
    sys.exit(main())
