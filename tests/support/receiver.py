"""A real HTTP server on loopback that takes webhooks and pushes, and can be told to be a bad one."""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Keeps what it gets in `got`. `answers` holds what to do next: a status, (status, headers), `drop`, `slow`,
    or one that takes a minute, a byte every tenth of a second: `drip` (its headers) or `drip-text`."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: deque[Any] = deque()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body))
                told = receiver.answers.popleft() if receiver.answers else 200
                if told == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                if told in ("drip", "drip-text"):
                    self._drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n\r\n" * (told == "drip-text"))
                    return
                if told == "slow":
                    time.sleep(1.5)
                    told = 200
                status, more = told if isinstance(told, tuple) else (told, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"told")

            def _drip(self, begin: bytes) -> None:
                self.close_connection = True
                with suppress(OSError):  # whoever listens has hung up
                    self.wfile.write(begin)
                    for _ in range(600):
                        time.sleep(0.1)
                        self.wfile.write(b"x")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def speak_tls(self, name: str, folder: Path) -> ssl.SSLContext:
        """From now on only over TLS, under this name; gives what trusts its certificate. Before the first request."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        certificate = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        file = folder / "tls.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return ssl.create_default_context(cadata=certificate.decode())

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
