"""The phone's own modules and a real server, the network dropping, stalling and cutting, the server killed."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_phone_heart import ROOT, pictures, seed
from tests.support.programs import find_node
from tests.support.proxy import Fault, Proxy
from tests.support.server import Server

FAULTS = (Fault.DROP, Fault.CUT_AFTER_ANSWER, Fault.STALL, Fault.OK, Fault.OK)
WEATHERS = 30


def storm(proxy: Proxy, server: Server, draw: random.Random) -> None:
    """Half a minute of bad weather; in the middle the server is killed and started again."""
    for turn in range(WEATHERS):
        proxy.fault = draw.choice(FAULTS)
        proxy.latency = draw.choice((0.0, 0.0, 0.05))
        time.sleep(draw.uniform(0.1, 1.2))  # the weather has no event to wait for
        if turn == WEATHERS // 2:
            proxy.fault = Fault.OK
            server.restart()
    proxy.fault, proxy.latency = Fault.OK, 0.0


@pytest.mark.timeout(600)
def test_all_that_was_sealed_in_a_storm_is_home_once_afterwards(
    live_server: Server, proxy: Proxy, tmp_path: Path
) -> None:
    node = find_node()
    assert node, "no Node 20 or newer"
    made = seed(live_server)
    given = {"url": proxy.url, "photos": pictures(tmp_path), **made}
    phone = subprocess.Popen(
        [str(node), str(ROOT / "tests/js/real/storm.mjs"), json.dumps(given)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert phone.stderr
        assert phone.stderr.readline() == "enrolled\n"
        storm(proxy, live_server, random.Random(11))
        output, errors = phone.communicate("calm\n", timeout=300)
    finally:
        phone.kill()
        phone.wait()
    assert phone.returncode == 0, errors
    told: dict[str, Any] = json.loads(output)

    assert told["counts"]["unsent"] == told["counts"]["unsentBlobs"] == 0
    assert {item["state"] for item in told["items"]} == {"safe"}
    assert proxy.answers_cut > 0, "the storm was none"
    for code in made["parcels"]:
        shown = json.loads(live_server.baton("show", code, "--json"))
        expected = [one["id"] for one in told["sealed"] if one["parcel"] == code]
        assert sorted(e["id"] for e in shown["events"] if e["kind"] != "check") == sorted(expected)
        assert all(blob["held"] for blob in shown["blobs"])
    (device,) = json.loads(live_server.baton("devices", "--json"))["devices"]
    assert device["high_seq"] == device["head_seq"] == len(told["sealed"])
    assert device["unsent"] == device["unsent_blobs"] == 0
