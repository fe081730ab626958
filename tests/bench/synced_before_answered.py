"""Show, by strace, that a photo is on the disk before its answer is on the wire.

`python -m tests.bench.synced_before_answered` starts a Baton of its own under strace (Linux), sends one photo in one
request and one in two pieces, and prints the system calls between each request and its answer. Exit 1 if an answer
was sent before the file, its folder or the database had been synced.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.support.server import Server
from tests.support.tus import BLOBS, STREAM, digest, make_photo, metadata

CALL = re.compile(r"^\d+ +[\d.]+ (fsync|fdatasync|rename|sendto|recvfrom)\((\d+)?(?:<([^>]*)>)?,? ?(.*)$")


def main() -> int:
    """Run it; 0 when all was synced in time."""
    if shutil.which("strace") is None:
        print("strace is not installed")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        token = _enrol(server)
        assert server.process is not None
        trace = Path(folder) / "trace"
        calls = "trace=fsync,fdatasync,rename,sendto,recvfrom"
        command = ["strace", "-f", "-ttt", "-y", "-s", "60", "-e", calls, "-o", str(trace)]
        watcher = subprocess.Popen(
            [*command, "-p", str(server.process.pid)], stderr=subprocess.PIPE, text=True
        )
        assert watcher.stderr is not None
        watcher.stderr.readline()  # "attached"
        _send(server.url, token)
        watcher.send_signal(signal.SIGINT)
        watcher.wait(10)
        server.kill()
        return _judge(trace.read_text(errors="replace"))


def _enrol(server: Server) -> str:
    server.baton("user", "add", "--name", "Dewi", "--role", "courier")
    code = json.loads(server.baton("enrol", "--user", "Dewi", "--json"))["code"]
    asked = {"code": code, "jwk": None, "label": "bench", "client": "bench"}
    request = urllib.request.Request(
        f"{server.url}/sync/v1/devices", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["token"])


def _send(url: str, token: str) -> None:
    whole, pieces = make_photo((640, 480)), make_photo((640, 480))
    usual = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0", "Content-Type": STREAM}

    def call(method: str, address: str, data: bytes, **more: str) -> str:
        headers = {**usual, **{name.replace("_", "-"): value for name, value in more.items()}}
        request = urllib.request.Request(address, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return url + (answer.headers["Location"] or "")

    def create(photo: bytes, sent: bytes) -> str:
        said = metadata(sha256=digest(photo))
        return call("POST", url + BLOBS, sent, Upload_Length=str(len(photo)), Upload_Metadata=said)

    create(whole, whole)
    upload = create(pieces, pieces[:5000])
    call("PATCH", upload, pieces[5000:], Upload_Offset="5000")


def _judge(trace: str) -> int:
    synced: list[str] = []
    is_sound = True
    asked = 0
    for line in trace.splitlines():
        found = CALL.match(line)
        if found is None:
            continue
        name, _, path, rest = found.groups()
        if name == "recvfrom" and re.search(r'"(POST|PATCH)', rest):
            asked += 1
            synced = []
            print(f"\nrequest {asked}: {rest[:40]}")
        elif name in {"fsync", "fdatasync"} and path:
            synced.append(path)
            print(f"  {name} {_short(path)}")
        elif name == "rename":
            print(f"  rename {_short(line.rpartition(', ')[2].partition(')')[0])}")
        elif name == "sendto" and "HTTP/1.1 20" in rest:
            area = "spool" if asked == 2 else "held"
            needed = ("/new/", f"/{area}/", "baton.db-wal")
            missing = [part for part in needed if not any(part in each for each in synced)]
            is_sound = is_sound and not missing
            print(
                f"  answer {rest[:30]} -> {'NOT SYNCED: ' + ', '.join(missing) if missing else 'all synced before'}"
            )
    print(f"\n{'sound' if is_sound and asked == 3 else 'NOT SOUND'}: {asked} requests")
    return 0 if is_sound and asked == 3 else 1


def _short(path: str) -> str:
    return "/".join(path.strip('"').split("/")[-4:])


if __name__ == "__main__":
    sys.exit(main())
