"""The phone's own modules, run by Node, against a running Baton: what it believes is what the server knows."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.programs import find_node
from tests.support.server import Server

ROOT = Path(__file__).parents[2]
SEED = """
import json, sys
from tests.support.shop import make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
app = create_app()
with app.app_context():
    org = make_shop()
    user = make_user(org)
    parcels = make_parcels(org, 6, status="ready")
    make_run(org, user, parcels[:4])
    codes = [make_enrolment(org, user, None, clock.now(), "http://x").code for _ in range(2)]
    print(json.dumps({"code": codes[0], "spare": codes[1], "parcels": parcels}))
"""


def seed(server: Server) -> dict[str, Any]:
    """A shop with a courier, a run of four parcels and two more, and two codes to let phones in."""
    environ = {**server.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SEED], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def pictures(folder: Path) -> dict[str, str]:
    """JPEGs of noise (which does not shrink) of about 20, 200 and 900 kB, and a PNG for the signature."""
    draw = random.Random(5)
    files = {}
    for name, side in (("small", 150), ("large", 480), ("huge", 1000)):
        image = Image.frombytes("RGB", (side, side), draw.randbytes(side * side * 3))
        image.save(folder / f"{name}.jpg", quality=80)
        files[name] = str(folder / f"{name}.jpg")
    Image.frombytes("L", (60, 20), draw.randbytes(1200)).save(folder / "signature.png")
    return {**files, "signature": str(folder / "signature.png")}


@pytest.mark.timeout(600)
def test_the_phones_modules_and_the_server_mean_the_same(live_server: Server, tmp_path: Path) -> None:
    node = find_node()
    assert node, "no Node 20 or newer"
    made = seed(live_server)
    given = {"url": live_server.url, "photos": pictures(tmp_path), **made}
    done = subprocess.run(
        [str(node), str(ROOT / "tests/js/real/scenario.mjs"), json.dumps(given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stdout + done.stderr + live_server.text()[-2000:]
    told = json.loads(done.stdout)
    parcels = made["parcels"]

    assert told["verdicts"] == ["known"] * 4 + ["not_on_list"] * 2
    assert told["counts"]["unsent"] == told["counts"]["unsentBlobs"] == 0
    assert [item["state"] for item in told["outbox"]] == ["safe"] * 4
    assert all(item["receiptAt"] for item in told["outbox"])
    assert told["second"] == ["safe"]
    shown = json.loads(live_server.baton("show", parcels[0], "--json"))
    assert shown["status"] == "handed_over"
    assert [event["id"] for event in shown["events"] if event["kind"] == "collect"] == [told["one"]["id"]]
    assert all(blob["held"] for blob in shown["blobs"])
    third = json.loads(live_server.baton("show", parcels[2], "--json"))
    assert [event["kind"] for event in third["events"] if event["kind"] != "check"] == ["collect", "void"]
