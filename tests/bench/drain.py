"""How a day's work goes home over a narrow line: `python -m tests.bench.drain [2g] [2g-cut] [4g]`, or all three.

200 events and 60 photos of 200 kB, sealed without a network by the phone's own modules (Node), then sent to a real
server over `tests.support.link`. Prints bytes on the wire beside the bytes of events and photos, and the time beside
what the line's bare rate would take. The 2G line takes half an hour.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.test_phone_heart import ROOT, seed
from tests.support.link import Line, Link
from tests.support.programs import find_node
from tests.support.server import Server

LINES = {
    "4g": Line(10_000_000, 0.060),
    "2g": Line(64_000, 0.600),
    # A photo of 200 kB takes 25 s: of ten connections that carry one each, one is cut on its way.
    "2g-cut": Line(64_000, 0.600, lasts_s=250),
}
EVENTS, PHOTOS, PHOTO_BYTES = 200, 60, 200_000


def drain(
    name: str, folder: Path, events: int = EVENTS, photos: int = PHOTOS, seed_: int = 7
) -> dict[str, Any]:
    """`{line, events, photos, wire_ratio, time_ratio, seconds, bytes, connections, cuts}` of one phone's way home."""
    node = find_node()
    assert node, "no Node 20 or newer"
    server = Server(folder)
    server.start()
    link = Link(server.port, LINES[name], seed_)
    try:
        made = seed(server)
        given = {
            "url": server.url,
            "link": link.url,
            "code": made["code"],
            "parcels": made["parcels"],
            "events": events,
            "photos": photos,
            "photoBytes": PHOTO_BYTES,
        }
        done = subprocess.run(
            [str(node), str(ROOT / "tests/js/real/drain.mjs"), json.dumps(given)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr + server.text()[-2000:])
        told = json.loads(done.stdout)
        carried, connections, cuts = link.carried, link.connections, link.cuts
    finally:
        link.stop()
        server.stop()
    bare_s = told["bytes"] * 8 / LINES[name].bits_per_s
    return {
        "line": name,
        "events": events,
        "photos": photos,
        "wire_ratio": round(carried / told["bytes"], 3),
        "time_ratio": round(told["ms"] / 1000 / bare_s, 3),
        "seconds": round(told["ms"] / 1000, 1),
        "bytes": told["bytes"],
        "connections": connections,
        "cuts": cuts,
        "rounds": told["rounds"],
    }


def main() -> int:
    """Measure the lines named."""
    for name in sys.argv[1:] or LINES:
        with tempfile.TemporaryDirectory(prefix="baton-drain-") as folder:
            print(json.dumps(drain(name, Path(folder))), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
