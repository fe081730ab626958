"""How waitress ends what a narrow line carries: answers without a body, and pieces that were cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from sync.protocol.schema import OFFSET_STREAM


class KeepingTask(WSGITask):
    """Closes no connection for the lack of a Content-Length where there can be none (204, 304).

    Such an answer ends with its headers (RFC 9112, 6.3). Waitress hangs up after it, and a phone on a slow network
    pays a new connection for every piece of a photo.
    """

    def set_close_on_finish(self) -> None:
        """Close, unless it was only for that."""
        headers: dict[str, str] = getattr(self.request, "headers", {})
        is_last = self.version != "1.1" or headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or is_last:
            super().set_close_on_finish()


class KeepingChannel(HTTPChannel):
    """Gives the app what came of a piece of an upload when its connection is cut; waitress would drop it.

    tus 1.0.0 asks a server to keep as much as it can of a PATCH, and a phone on a bad line goes on from there.
    """

    task_class = KeepingTask

    def handle_close(self) -> None:
        """Close; once closed, no request is under way any more."""
        request: Any = self.request
        self.request = None
        super().handle_close()
        if request is not None and _is_worth_keeping(request):
            self.server.add_task(CutPiece(self, request))


class CutPiece(WSGITask):
    """A piece that ended before its announced length, as the shorter piece that it is. Nobody waits for an answer."""

    def service(self) -> None:
        """Let the app take it."""
        request: Any = self.request
        environ = self.get_environment()
        environ["CONTENT_LENGTH"] = str(request.body_bytes_received)
        try:
            answer = self.channel.server.application(environ, _unheard)
            if hasattr(answer, "close"):
                answer.close()
        finally:
            request.close()

    def cancel(self) -> None:
        """The server stops before this one's turn: the phone has the bytes still."""
        request: Any = self.request
        request.close()


def _unheard(
    _status: str, _headers: list[tuple[str, str]], _error: Any = None, /
) -> Callable[[bytes], object]:
    return lambda _data: None


def _is_worth_keeping(request: Any) -> bool:
    """A piece of known length without a checksum, of which something came; what it breaks off at is no chunk's head."""
    if request.completed or request.error or request.chunked or not request.body_bytes_received:
        return False
    headers: dict[str, str] = request.headers
    is_piece = request.command == "PATCH" and headers.get("CONTENT_TYPE") == OFFSET_STREAM
    return is_piece and "UPLOAD_CHECKSUM" not in headers
