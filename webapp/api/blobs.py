"""/sync/v1/blobs: pictures and signatures by tus 1.0.0 (PROTOCOL section 3).

A phone that is signed out may still bring what its own events speak of: nothing is lost by a revoked phone.
"""

from __future__ import annotations

from datetime import datetime

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.http import http_date

from sync.protocol.problems import Problem
from sync.protocol.schema import MAX_BLOB_BYTES, SHA256
from webapp import access, clock
from webapp.access import open_to_all, phone, refuse_unless
from webapp.api import blueprint, tus
from webapp.api.bodies import read_json
from webapp.api.pace import keep_pace
from webapp.services.receive_upload import (
    Standing,
    begin_upload,
    end_upload,
    look_at_upload,
    take_chunk,
)
from webapp.services.want_blobs import may_bring, may_go_on, want_blobs

PATH = "/sync/v1/blobs"
ONE = f"{PATH}/<upload_id>"
MAX_ASKED = 1000


@blueprint.post(f"{PATH}/want")
@phone
def want() -> Response:
    """Which of up to 1000 digests are not held here."""
    asked = read_json(128 * 1024).get("sha256")
    if not isinstance(asked, list) or len(asked) > MAX_ASKED:
        raise Problem("body-invalid", f"sha256 must be a list of at most {MAX_ASKED} digests.")
    if not all(isinstance(each, str) and SHA256.fullmatch(each) for each in asked):
        raise Problem("body-invalid", "sha256 must hold digests of 64 lower-case hex digits.")
    return jsonify({"missing": want_blobs(access.device(), asked)})


@blueprint.route(PATH, methods=["OPTIONS"], strict_slashes=False, provide_automatic_options=False)
@blueprint.route(ONE, methods=["OPTIONS"], provide_automatic_options=False)
@open_to_all("tells what the server can do")
def capabilities(upload_id: str = "") -> ResponseReturnValue:  # noqa: ARG001 - the same for every upload
    """Versions, extensions and limits."""
    return (
        "",
        204,
        {
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
            "Tus-Max-Size": str(MAX_BLOB_BYTES),
        },
    )


@blueprint.route(PATH, methods=["POST"], strict_slashes=False, provide_automatic_options=False)
@phone
def create() -> ResponseReturnValue:
    """Begin an upload; with a body, take its first bytes or all of them."""
    tus.require_version()
    keep_pace()
    tus.require_body_type()
    caller, asked = access.device(), tus.read_asked()
    refuse_unless(may_bring(caller, asked.sha256))
    standing = begin_upload(
        caller.org_id,
        caller.id,
        asked,
        request.content_length or 0,
        tus.body_reader(),
        clock.now(),
    )
    # An address without scheme and host is right behind any proxy; clients resolve it against what they called.
    return "", 201, {**_headers(standing), "Location": f"{PATH}/{standing.id}"}


@blueprint.route(ONE, methods=["HEAD"], provide_automatic_options=False)
@phone
def look(upload_id: str) -> ResponseReturnValue:
    """How far an upload is."""
    return _look(upload_id)


@blueprint.route(ONE, methods=["PATCH"], provide_automatic_options=False)
@phone
def send(upload_id: str) -> ResponseReturnValue:
    """Take the next bytes."""
    return _send(upload_id)


@blueprint.route(ONE, methods=["DELETE"], provide_automatic_options=False)
@phone
def end(upload_id: str) -> ResponseReturnValue:
    """End an upload without its bytes."""
    return _end(upload_id)


@blueprint.route(ONE, methods=["POST"], provide_automatic_options=False)
@phone
def overridden(upload_id: str) -> ResponseReturnValue:
    """For networks that let no other method through: what is meant is in `X-HTTP-Method-Override`."""
    meant = {"PATCH": _send, "HEAD": _look, "DELETE": _end}
    method = request.headers.get("X-HTTP-Method-Override", "").strip().upper()
    if method not in meant:
        raise MethodNotAllowed(["HEAD", "PATCH", "DELETE", "OPTIONS"])
    return meant[method](upload_id)


@blueprint.after_request
def _say_version(response: Response) -> Response:
    if request.path.startswith(PATH):
        response.headers["Tus-Resumable"] = tus.VERSION
        if response.status_code == 412:
            response.headers["Tus-Version"] = tus.VERSION
        if "upload_offset" in g:
            response.headers["Upload-Offset"] = str(g.upload_offset)
    return response


def _look(upload_id: str) -> ResponseReturnValue:
    tus.require_version()
    caller = access.device()
    refuse_unless(may_go_on(caller, upload_id))
    standing = look_at_upload(caller.org_id, caller.id, upload_id, clock.now())
    headers = {**_headers(standing), "Upload-Length": str(standing.size), "Cache-Control": "no-store"}
    if standing.header:
        headers["Upload-Metadata"] = standing.header
    return "", 200, headers


def _send(upload_id: str) -> ResponseReturnValue:
    tus.require_version()
    caller = access.device()
    refuse_unless(may_go_on(caller, upload_id))
    offset = tus.read_offset()
    try:
        standing = take_chunk(caller.org_id, caller.id, upload_id, offset, tus.body_reader(), clock.now())
    except Problem as problem:
        if problem.code == "offset-conflict":
            g.upload_offset = problem.members["offset"]
        raise
    return "", 204, _headers(standing)


def _end(upload_id: str) -> ResponseReturnValue:
    tus.require_version()
    caller = access.device()
    refuse_unless(may_go_on(caller, upload_id))
    end_upload(caller.org_id, caller.id, upload_id, clock.now())
    return "", 204


def _headers(standing: Standing) -> dict[str, str]:
    headers = {"Upload-Offset": str(standing.offset)}
    if standing.expires_at is not None:
        headers["Upload-Expires"] = _when(standing.expires_at)
    return headers


def _when(moment: datetime) -> str:
    return http_date(moment)
