"""How waitress ends an answer: a connection stays open after one without a body."""

from __future__ import annotations

from waitress.task import WSGITask


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
