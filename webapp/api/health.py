"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from webapp.access import open_to_all
from webapp.api import blueprint
from webapp.services.readiness import readiness


@blueprint.get("/healthz")
@open_to_all("says only that the process answers")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@open_to_all("says only whether the parts answer")
def readyz() -> ResponseReturnValue:
    """Each part by name, 503 when one does not answer."""
    parts = readiness()
    return jsonify(parts), 200 if all(parts.values()) else 503
