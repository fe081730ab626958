"""Backups under fire, and a server that comes back older than what its phones were told: nothing is lost."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from tests.e2e.test_phone_heart import ROOT, pictures, seed
from tests.support.independent import CURVE, Phone, blob, is_problem, photo
from tests.support.installation import Databases, make_settings, running_app
from tests.support.programs import find_node
from tests.support.server import Server
from tests.support.shop import make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import rebuild
from webapp.services.enrol import make_enrolment
from webapp.store import blobs
from webapp.store.models import Blob, BlobRef, Event
from webapp.store.unit import reading

WRITERS, BACKUPS = 3, 2


class Writer(threading.Thread):
    """A phone that hands over parcels with hardly a pause: half of its photos are sent before their event."""

    def __init__(self, number: int, phone: Phone, parcels: list[str], stop: threading.Event) -> None:
        super().__init__()
        self._number, self._phone, self._parcels, self._stop_now = number, phone, parcels, stop
        self.photos: dict[str, bytes] = {}
        self.events: list[str] = []
        self.broke: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._stop_now.is_set():
                self._hand_over(len(self.events))
                self._stop_now.wait(0.05)
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.broke = error

    def _hand_over(self, turn: int) -> None:
        data = photo(self._number * 100_000 + turn, 3000)
        self.photos[blob(data)["sha256"]] = data
        sealed = self._phone.event("collect", [self._parcels[turn % len(self._parcels)]], blobs=[blob(data)])
        steps: list[Callable[[], Any]] = [
            lambda: self._phone.sent(self._phone.sign(sealed)),
            lambda: self._phone.where(self._phone.begin(data, data)),
        ]
        for step in steps if turn % 2 else steps[::-1]:
            step()
        self.events.append(sealed["id"])


@pytest.mark.timeout(600)
def test_a_backup_under_fire_is_of_one_moment_and_has_every_photo_it_speaks_of(
    databases: Databases, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    url = databases.empty()
    server = make_server(BATON_DATABASE_URL=url, BATON_RATE_LIMITS="0")
    with running_app(make_settings(server.data, database_url=url)):
        org_id = make_shop()
        user = make_user(org_id)
        parcels = make_parcels(org_id, 60)
        codes = [make_enrolment(org_id, user, None, clock.now(), server.url).code for _ in range(WRITERS)]
    server.start()
    stop = threading.Event()
    writers = [
        Writer(n, Phone(server.url, code, ec.generate_private_key(CURVE)), parcels[n::WRITERS], stop)
        for n, code in enumerate(codes)
    ]
    for writer in writers:
        writer.start()
    folder = tmp_path / "backups"
    known: list[set[str]] = []  # what was acknowledged before each backup began
    try:
        for _ in range(BACKUPS):
            known.append({event for writer in writers for event in list(writer.events)})
            server.baton("backup", str(folder), "--json")
    finally:
        stop.set()
        for writer in writers:
            writer.join(60)
    assert [writer.broke for writer in writers] == [None] * WRITERS
    photos = {sha256: data for writer in writers for sha256, data in writer.photos.items()}
    assert len(known[-1]) > len(known[0]) + 5, "nobody wrote meanwhile"

    for number, snapshot in enumerate(sorted(path.name for path in folder.glob("0*"))):
        new = databases.empty()
        restored = make_server(BATON_DATABASE_URL=new)
        restored.data.parent.mkdir(exist_ok=True)
        restored.baton("restore", str(folder), "--snapshot", snapshot, "--json")
        assert json.loads(restored.baton("rebuild", "--check", "--json"))["differing"] == []
        with running_app(make_settings(restored.data, database_url=new)):
            assert rebuild.check(clock.now()) == (60, [])
            with reading() as session:
                held = set(session.scalars(select(Blob.sha256)))
                spoken = set(session.scalars(select(BlobRef.sha256).where(~BlobRef.is_awaited)))
                events = set(session.scalars(select(Event.id)))
            assert known[number] <= events, "acknowledged before the backup began"
            assert spoken <= held
            assert held, "there were photos"
            for sha256 in held:
                assert blobs.current().read(org_id, sha256) == photos[sha256]
        databases.forget(new)
    databases.forget(url)


def come_back(server: Server, make_server: Callable[..., Server], folder: Path) -> Server:
    """The server is gone with its disk; another one is made from the backup, at the same address."""
    server.kill()
    new = make_server(is_new=True, BATON_PORT=str(server.port), BATON_PUBLIC_URL=server.url)
    new.port, new.url = server.port, server.url
    new.data.parent.mkdir(exist_ok=True)
    new.baton("restore", str(folder), "--json")
    return new.start()


@pytest.mark.timeout(600)
def test_a_phone_offers_again_what_the_older_server_has_never_heard_of(
    live_server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    """The phone was told that eight handovers are kept; the server that comes back knows four."""
    node = find_node()
    assert node, "no Node 20 or newer"
    made = seed(live_server)
    given = {"url": live_server.url, "photos": pictures(tmp_path), **made}
    phone = subprocess.Popen(
        [str(node), str(ROOT / "tests/js/real/restored.mjs"), json.dumps(given)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert phone.stdin
        assert phone.stderr
        assert phone.stderr.readline() == "sent\n"
        live_server.baton("backup", str(tmp_path / "backups"))
        phone.stdin.write("go on\n")
        phone.stdin.flush()
        assert phone.stderr.readline() == "sent\n"
        server = come_back(live_server, make_server, tmp_path / "backups")
        (device,) = json.loads(server.baton("devices", "--json"))["devices"]
        assert device["high_seq"] == 4, "the server is not older than its phone"
        output, errors = phone.communicate("go on\n", timeout=120)
    finally:
        phone.kill()
        phone.wait()
    assert phone.returncode == 0, errors
    told: dict[str, Any] = json.loads(output)

    assert told["unsentAfter"][-1] == 0
    assert {item["state"] for item in told["items"]} == {"safe"}
    assert len(told["sealed"]) == 8
    for code in made["parcels"]:
        shown = json.loads(server.baton("show", code, "--json"))
        expected = [one["id"] for one in told["sealed"] if one["parcel"] == code]
        assert sorted(e["id"] for e in shown["events"] if e["kind"] != "check") == sorted(expected)
        assert all(each["held"] for each in shown["blobs"])
        assert len(shown["blobs"]) == len(expected)
    (device,) = json.loads(server.baton("devices", "--json"))["devices"]
    assert (device["high_seq"], device["unsent"], device["unsent_blobs"]) == (8, 0, 0)
    assert json.loads(server.baton("rebuild", "--check", "--json"))["differing"] == []


def test_a_phone_let_in_after_the_backup_is_refused_and_its_work_can_still_be_kept(
    live_server: Server, make_server: Callable[..., Server], tmp_path: Path
) -> None:
    live_server.baton("user", "add", "--name", "Cora", "--role", "courier")

    def enrolled(server: Server) -> Phone:
        code = json.loads(server.baton("enrol", "--user", "Cora", "--json"))["code"]
        return Phone(server.url, code, ec.generate_private_key(CURVE))

    before = enrolled(live_server)
    live_server.baton("backup", str(tmp_path / "backups"))
    late = enrolled(live_server)
    sealed = [late.seal("report", ["A parcel"], reason="damaged")]
    late.sent(*sealed)
    epoch = before.sent(told_twice := before.seal("report", ["Another"], reason="damaged"))["epoch"]
    server = come_back(live_server, make_server, tmp_path / "backups")
    answer = late.send(*sealed)
    assert answer.status_code == 401
    is_problem(answer, "token-unknown")
    # The other phone's receipts are signed by the same key as ever: `sent` has checked the new one with it.
    before.enrolled["epoch"] = before.call("GET", "/sync/v1/hello").json()["epoch"]
    assert before.enrolled["epoch"] != epoch
    assert before.sent(told_twice)["results"][0]["status"] in {"applied", "recorded"}
    again = enrolled(server)
    (result,) = again.send(*sealed).json()["results"]
    assert (result["status"], result["problem"]["code"]) == ("quarantined", "not_this_device")
    assert sealed[0] in json.dumps(json.loads(server.baton("quarantine", "--json")))
