"""The desk's libraries look at every request for a session: phones carry a token and are spared it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue

_PHONES = "/sync/"


class _NotKept(SecureCookieSession):
    """An empty session that no answer carries."""


class DeskSessions(SecureCookieSessionInterface):
    """The signed cookie of the desk; a phone's requests neither read nor set it.

    The phone's app and the office may live in one browser, which sends its cookies with both.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of this request."""
        return _NotKept() if request.path.startswith(_PHONES) else super().open_session(app, request)

    def is_null_session(self, obj: object) -> bool:
        """Whether it is not to be written back."""
        return isinstance(obj, _NotKept) or super().is_null_session(obj)


def spare_phones(app: Flask) -> None:
    """Leave out, where the rule is `phone`, all hooks there are by now: sign-in, forms' tokens, limits by address.

    Call it when all views are there, and before hooks are added that are for everybody.
    """
    phones = frozenset(
        name for name, view in app.view_functions.items() if getattr(view, "__access__", "") == "phone"
    )
    before: list[Callable[[], Any]] = app.before_request_funcs.pop(None, [])
    after: list[Callable[[Response], Any]] = app.after_request_funcs.pop(None, [])

    @app.before_request
    def _look() -> ResponseReturnValue | None:
        if request.endpoint in phones:
            return None
        answers = (app.ensure_sync(hook)() for hook in before)
        return next((answer for answer in answers if answer is not None), None)

    @app.after_request
    def _finish(response: Response) -> Response:
        if request.endpoint not in phones:
            for hook in reversed(after):
                response = app.ensure_sync(hook)(response)
        return response
