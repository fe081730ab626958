"""One worker: a long-lived Node with the phones and the network, and the server in this process, joined by pipes.

`python -m tests.chaos.simulation.worker '{"first": 1, "count": 100}'` prints a line of JSON for each schedule.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from tests.chaos.simulation.server import SimulatedServer
from tests.support.programs import ROOT, find_node

MEMORY = Path("/dev/shm")  # a disk that costs nothing, where there is one


def main(given: str) -> int:
    """Run the schedules; the exit code is Node's."""
    logging.disable()
    asked = json.loads(given)
    with tempfile.TemporaryDirectory(
        dir=MEMORY if MEMORY.is_dir() else None, prefix="baton-chaos-"
    ) as folder:
        server = SimulatedServer(Path(folder))
        # Each mistake put into the server would be a page of log.
        structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
        questions, asking = os.pipe()
        told, answers = os.pipe()
        command = [str(find_node()), *asked.pop("node", []), str(ROOT / "tests/chaos/simulation/main.mjs")]
        with subprocess.Popen(
            [*command, json.dumps(asked), str(asking), str(told)], cwd=ROOT, pass_fds=(asking, told)
        ) as phones:
            os.close(asking)
            os.close(told)
            with os.fdopen(questions, "rb") as reader, os.fdopen(answers, "wb") as writer:
                _serve(server, reader, writer)
            return phones.wait()


def _serve(server: SimulatedServer, reader: BinaryIO, writer: BinaryIO) -> None:
    while sizes := reader.read(8):
        head = json.loads(reader.read(int.from_bytes(sizes[:4], "big")))
        told, body = _do(server, head, reader.read(int.from_bytes(sizes[4:], "big")))
        text = json.dumps(told).encode()
        writer.write(len(text).to_bytes(4, "big") + len(body).to_bytes(4, "big") + text + body)
        writer.flush()


def _do(server: SimulatedServer, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    match head.pop("do"):
        case "answer":
            return server.answer(head, body)
        case "restore":
            return server.restore(head["number"]), b""
        case "revoke":
            return server.revoke(head["device"]), b""
        case "report":
            print(json.dumps(head["result"]), flush=True)
            return {}, b""
        case plain:
            simple = {
                "reset": server.reset,
                "snapshot": server.snapshot,
                "audit": server.audit,
                "compare": server.compare,
            }
            return simple[plain](), b""


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main(sys.argv[1]))
