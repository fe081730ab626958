"""Who may call what: every view carries exactly one rule, and a structure test finds the one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from flask import abort, current_app, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_security import current_user, url_for_security
from werkzeug.exceptions import HTTPException

from sync.protocol.problems import Problem
from webapp.services.find_device import CallingDevice, find_device
from webapp.store.models import DESK_ROLES, NO_SHOP

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person of a request. `seller` narrows a seller to their own parcels; None sees the whole shop."""

    org_id: str
    user_id: str
    name: str
    role: str
    seller: str | None


def open_to_all(why: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view that needs no credentials, and say why that is safe."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.__access__ = f"open: {why}"  # type: ignore[attr-defined]
        return view

    return mark


def desk(*roles: str) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let only these signed-in roles in (all who may use the office when none is named); others get 403."""
    allowed = roles or DESK_ROLES

    def guard(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def inner(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not current_user.is_authenticated:
                return the_door()
            if current_user.role not in allowed or not current_user.is_desk:
                abort(403)
            g.actor = Actor(
                current_user.org_id, current_user.id, current_user.name, current_user.role, _own(current_user)
            )
            return view(*args, **kwargs)

        inner.__access__ = "desk: " + ", ".join(allowed)  # type: ignore[attr-defined]
        return inner

    return guard


def phone(view: Callable[P, R]) -> Callable[P, R]:
    """Let an enrolled phone in by its bearer token: `token-unknown` 401 otherwise. Revoked ones reach the view."""

    @wraps(view)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        g.device = _calling_device()
        return view(*args, **kwargs)

    inner.__access__ = "phone"  # type: ignore[attr-defined]
    return inner


def actor() -> Actor:
    """The signed-in person of this request."""
    return cast(Actor, g.actor)


def device() -> CallingDevice:
    """The phone of this request."""
    return cast(CallingDevice, g.device)


def refuse_revoked() -> None:
    """Stop a revoked phone: `device-revoked` 403."""
    refuse_unless(device().revoked_at is None)


def refuse_unless(may_be: bool) -> None:
    """Stop a revoked phone that may not do just this: `device-revoked` 403."""
    if not may_be:
        raise Problem(
            "device-revoked",
            "The office has signed this phone out. Its unsent work stays on it; ask the office.",
        )


def the_door() -> ResponseReturnValue:
    """To sign in, and back: after a form to the page that it was on, since what was sent cannot be asked for."""
    if request.method in {"GET", "HEAD"}:
        return cast(ResponseReturnValue, current_app.login_manager.unauthorized())  # type: ignore[attr-defined]
    flash("You are not signed in any more, so nothing was changed. Sign in, then send it again.", "unsent")
    return redirect(url_for_security("login", next=came_from() or "/office/"), 303)


def came_from() -> str | None:
    """The page of this office that a form was sent from, as the browser tells it; None when it is no such page."""
    said = urlsplit(request.referrer or "")
    if said.netloc != request.host or not said.path.startswith("/office/"):
        return None
    try:
        current_app.url_map.bind(request.host).match(said.path, "GET")
    except HTTPException:  # a page that was shown at the address of a form, which answers nothing else
        return None
    return f"{said.path}?{said.query}" if said.query else said.path


def _own(user: Any) -> str | None:
    # A seller without a named shop sees nothing rather than everything.
    return (user.seller or NO_SHOP) if user.role == "seller" else None


def _calling_device() -> CallingDevice:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = find_device(token.strip()) if scheme.lower() == "bearer" and token else None
    if found is None:
        raise Problem(
            "token-unknown", "This phone is not signed in here. Its work is safe on it; enrol it again."
        )
    return found
