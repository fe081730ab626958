"""Pictures and signatures for the office: whole or small, only of events its people may see."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue

from sync.evidence.intake import EXTENSIONS
from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.services.open_blob import find_blob, read_blob, read_thumbnail


@blueprint.get("/photos/<string(length=64):sha256>")
@desk()
def photo(sha256: str) -> ResponseReturnValue:
    """One picture; `?w=320` a small copy of it, `?save` to keep it as a file."""
    facts = find_blob(actor().org_id, actor().seller, sha256)
    width = _width()
    etag = f"{sha256}-{width}" if width is not None else sha256
    if etag in request.if_none_match:
        # Asked again each time, so that a sign-out counts; the bytes of a digest never change.
        return _response(Response(status=304), etag)
    media_type, data = (
        read_blob(actor().org_id, facts) if width is None else read_thumbnail(actor().org_id, facts, width)
    )
    response = Response(data, content_type=media_type)
    shown = "attachment" if "save" in request.args else "inline"
    response.headers["Content-Disposition"] = f'{shown}; filename="{sha256[:16]}.{EXTENSIONS[media_type]}"'
    return _response(response, etag)


def _width() -> int | None:
    asked = request.args.get("w")
    if asked is None:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) < 5):
        raise Problem("field-invalid", "w is a width in pixels.")
    return int(asked)


def _response(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    # Whatever the bytes are made to look like, nothing in them may run or load.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
