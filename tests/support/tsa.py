"""A real time-stamping authority on loopback: `openssl ts` with certificates of its own, and it can be a bad one."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rfc3161_client._rust import parse_timestamp_request

from tests.support.ports import free_port

_CONFIG = """\
[req]
distinguished_name=dn
prompt=no
[dn]
CN=unused
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[signer]
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[tsa]
default_tsa=own
[own]
serial={folder}/serial
signer_cert={folder}/tsa.pem
signer_key={folder}/tsa.key
certs={folder}/ca.pem
signer_digest=sha256
default_policy=1.2.3.4.1
other_policies=1.2.3.4.2
digests=sha256
accuracy=secs:1
ess_cert_id_alg=sha256
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
NAME = "Stamps of the tests, A company whose name is longer than its root's Ltd"


class TimeAuthority:
    """`url` answers stamp requests, `certs` is the file of its roots; `asked` keeps the requests.

    `answers` holds what to do with the next ones: a status, `wrong nonce`, `other digest`, `refuse`, `garbage`, `cut`,
    `slow` (three seconds), `drop` (hang up). An empty one answers well.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.certs = folder, folder / "ca.pem"
        self.asked: list[bytes] = []
        self.answers: deque[str | int] = deque()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/tsr"
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()  # its serial number is a file
        self._make_keys()

    def _make_keys(self) -> None:
        (self.folder / "tsa.cnf").write_text(_CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        root = ("-subj", "/CN=Root", "-extensions", "ca", "-set_serial", "1", "-days", "2")
        self.openssl("req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", *root)
        subject = "/CN={}/O={}".format(*NAME.split(", "))
        self.openssl("req", *_NEW_KEY, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", subject)
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2", "-days", "2")
        made = ("-extfile", "tsa.cnf", "-extensions", "signer", "-out", "tsa.pem")
        self.openssl("x509", "-req", "-in", "tsa.csr", *signed, *made, config=False)

    def openssl(self, *words: str, config: bool = True) -> bytes:
        """Run it in the authority's folder; raises CalledProcessError."""
        asked = ["openssl", *words, *(("-config", "tsa.cnf") if config else ())]
        return subprocess.run(asked, cwd=self.folder, check=True, capture_output=True).stdout

    def start(self) -> TimeAuthority:
        """Listen (again)."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                authority.asked.append(query)
                mood = authority.answers.popleft() if authority.answers else ""
                if mood == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                if mood == "slow":
                    time.sleep(3)
                body = authority.answer(query, str(mood))
                with suppress(OSError):
                    self.send_response(mood if isinstance(mood, int) else 200)
                    self.send_header("Content-Type", "application/timestamp-reply")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def answer(self, query: bytes, mood: str = "") -> bytes:
        """What it says to a request."""
        with self._lock:
            return self._answer(query, mood)

    def stamp(self, data: bytes) -> bytes:
        """A stamp of these bytes, as if somebody had asked for it."""
        (self.folder / "data").write_bytes(data)
        return self.answer(self.openssl("ts", "-query", "-data", "data", "-sha256", "-cert"))

    def _answer(self, query: bytes, mood: str) -> bytes:
        if mood == "garbage":
            return b"<html>This is a captive portal.</html>"
        digest = parse_timestamp_request(query).message_imprint.message.hex()
        about = {
            "wrong nonce": ("-digest", digest),
            "other digest": ("-digest", "00" * 32),
            "refuse": ("-digest", digest, "-tspolicy", "1.2.3.4.99"),
        }.get(mood)
        if about:
            query = self.openssl("ts", "-query", *about, "-sha256", "-cert")
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-queryfile", "query", "-out", "reply")
        said = (self.folder / "reply").read_bytes()
        return said[:-40] if mood == "cut" else said

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
