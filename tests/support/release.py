"""Two releases of the app from one server: a proxy that, once told, serves the next build, and can lose answers."""

from __future__ import annotations

import hashlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEXT = "f" * 16
SKIPPED = ("content-length", "transfer-encoding", "connection", "etag", "content-encoding")
SENDER = "/static/js/outbox/context.js"


class Release:
    """Passes everything on. After `release`, the shell has another version and the phone says another `client`."""

    def __init__(self, port: int, version: str = "") -> None:
        self.version = version
        self.is_next = False
        self.losing = threading.Event()
        self.lost = threading.Event()
        self.sent: list[int] = []
        self._old, self._new = self._sender(port)
        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(port))
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        threading.Thread(target=self._httpd.serve_forever, daemon=True).start()

    def release(self) -> None:
        """From now on the next build is served."""
        assert self.version
        self.is_next = True

    def lose_answers(self) -> None:
        """The server takes every batch, and nobody hears of it."""
        self.lost.clear()
        self.losing.set()

    def close(self) -> None:
        """End it."""
        self._httpd.shutdown()
        self._httpd.server_close()

    def _sender(self, port: int) -> tuple[bytes, bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        upstream.request("GET", SENDER, headers={"Accept-Encoding": "identity"})
        old = upstream.getresponse().read()
        upstream.close()
        new = old.replace(b"baton-web/0.1.0", b"baton-web/0.2.0")
        assert new != old
        return old, new

    def _change(self, path: str, body: bytes) -> bytes:
        if not self.is_next:
            return body
        if path == SENDER:
            return self._new
        if path.startswith("/app/"):
            was, becomes = (hashlib.sha256(one).hexdigest().encode() for one in (self._old, self._new))
            return body.replace(self.version.encode(), NEXT.encode()).replace(was, becomes)
        return body

    def _handler(self, port: int) -> type[BaseHTTPRequestHandler]:
        release = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                headers = {
                    name: value for name, value in self.headers.items() if name.lower() != "connection"
                }
                headers["Accept-Encoding"] = "identity"
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                upstream.request(self.command, self.path, body=body, headers=headers)
                answer = upstream.getresponse()
                got = release._change(self.path, answer.read())
                upstream.close()
                if self.path == "/sync/v1/events" and release.losing.is_set():
                    release.lost.set()
                    self.close_connection = True
                    return  # committed, and the answer is lost
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in SKIPPED:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(got)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(got)

            do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = _pass  # noqa: N815 (the names http.server calls)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
