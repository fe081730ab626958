"""What a refusal looks like: problem+json to a program, a page with words to a person."""

from __future__ import annotations

import json

import structlog
from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user, url_for_security
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from sync.protocol.problems import Problem
from sync.protocol.strictjson import is_storable
from webapp.access import came_from, the_door
from webapp.store.unit import passing

log = structlog.get_logger()

_HTTP_CODES = {
    400: "body-invalid",
    404: "not-found",
    405: "method-not-allowed",
    413: "batch-too-large",
    415: "encoding-unsupported",
    429: "slow-down",
}


def register(app: Flask) -> None:
    """Answer every refusal and every fault of this app in one way."""
    app.before_request(_refuse_what_no_database_keeps)
    app.register_error_handler(Problem, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broke)


def _refuse_what_no_database_keeps() -> None:
    texts = [request.path, *request.args, *(v for many in request.args.listvalues() for v in many)]
    if request.path.startswith("/office") and request.method == "POST":
        texts += [*request.form, *(v for many in request.form.listvalues() for v in many)]
    if not all(is_storable(text) for text in texts):
        raise Problem("field-invalid", "A field has a character that cannot be kept. Type it again.")


def problem_response(problem: Problem, **members: object) -> Response:
    """RFC 9457: type, title, status, detail, code; `Retry-After` where waiting helps, and how to
    authenticate (RFC 9110, 11.6.1) where that was lacking. `members` are added.
    """
    body = {**members, **problem.as_document()}
    response = Response(json.dumps(body), problem.status, content_type="application/problem+json")
    if problem.status in {429, 503, 507}:
        response.headers["Retry-After"] = str(problem.retry_after or (60 if problem.status == 507 else 5))
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _is_program() -> bool:
    return request.path.startswith(("/sync/", "/api/", "/healthz", "/readyz"))


def _page(status: int, title: str, detail: str) -> str:
    back = came_from() if request.method == "POST" else None
    return render_template("error.html", status=status, title=title, detail=detail, back=back)


def _refused(problem: Problem) -> ResponseReturnValue:
    if _is_program():
        return problem_response(problem)
    page = _page(problem.status, problem.title, problem.detail)
    if "HX-Request" not in request.headers:
        return page, problem.status
    # A whole page has no place inside another: the page that asked stays, and says why it got no answer.
    told = json.dumps({"office:refused": {"detail": problem.detail}})
    return page, problem.status, {"HX-Reswap": "none", "HX-Trigger": told}


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    if isinstance(error, CSRFError) and _is_stranger():
        return the_door()
    if not _is_program():
        title = "Not sent" if isinstance(error, CSRFError) else error.name
        page = _page(status, title, _words(status, error))
        return page, status, [(k, v) for k, v in error.get_headers() if k in {"Allow", "Retry-After"}]
    problem = Problem(
        _HTTP_CODES.get(status, "server-fault" if status >= 500 else "body-invalid"), _words(status, error)
    )
    problem.status = status
    response = problem_response(problem)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _broke(error: Exception) -> ResponseReturnValue:
    problem = passing(error)
    if problem is not None:  # met by a library that asks the database by itself
        return _refused(problem)
    log.error("request failed", path=request.path, method=request.method, exc_info=error)
    problem = Problem(
        "server-fault",
        "The server made a mistake; it is written down. Nothing of this was kept: send it again.",
    )
    if _is_program():
        return problem_response(problem)
    return _page(500, problem.title, problem.detail), 500


def _is_stranger() -> bool:
    """Whether a form of the office comes from somebody who was signed in when it was opened, and is no more."""
    at_the_door = request.path == url_for_security("login")
    return request.path.startswith("/office/") and not at_the_door and not current_user.is_authenticated


def _words(status: int, error: HTTPException) -> str:
    if isinstance(error, CSRFError):
        return (
            "The page is older than your signing in, or the browser keeps no cookies. "
            "Nothing was changed: go back, then send it again."
        )
    return {
        403: "Your role does not open this page. Ask an administrator of the shop.",
        404: "There is nothing here, or it belongs to another shop.",
        413: "This is larger than the server takes. Send less at a time.",
        429: "Too many tries in a short time. Wait a minute, then try again.",
    }.get(status, error.description or error.name)
