"""/sync/v1: what a phone says and is told (PROTOCOL section 3)."""

from __future__ import annotations

from flask import Response, current_app, json, jsonify, request
from flask.typing import ResponseReturnValue

from sync.protocol import batch as wire
from sync.protocol.problems import Problem
from webapp import access, clock
from webapp.access import open_to_all, phone, refuse_revoked
from webapp.api import blueprint
from webapp.api.bodies import read_body, read_json
from webapp.api.pace import keep_pace
from webapp.errors import problem_response
from webapp.extensions import limiter
from webapp.services.accept_batch import accept_batch
from webapp.services.enrol import enrol_device
from webapp.services.hello import hello as say_hello
from webapp.services.hello import refuse_too_old
from webapp.services.rules import rules_for
from webapp.services.worklist import worklist as list_work

SMALL = 16 * 1024


@blueprint.get("/sync/v1/hello")
@open_to_all("tells the protocol's limits, the time and a public key")
def hello() -> Response:
    """Limits, epoch, time and the server's public key."""
    return jsonify(say_hello(clock.now()))


@blueprint.post("/sync/v1/devices")
@open_to_all("the one-time code in it is the credential")
@limiter.limit("30 per minute; 200 per hour", deduct_when=lambda answer: answer.status_code >= 400)
def devices() -> ResponseReturnValue:
    """Let a phone in. Only refused tries count: those of a whole depot come from one address, guesses are refused."""
    asked = read_json(SMALL)
    for name in ("code", "label", "client"):
        if not isinstance(asked.get(name, ""), str):
            raise Problem("body-invalid", f"{name} must be text.")
    made = enrol_device(
        asked.get("code", ""),
        asked.get("jwk"),
        asked.get("label", ""),
        asked.get("client", ""),
        clock.now(),
        repeats=request.headers.get("Idempotency-Key"),
    )
    told = say_hello(clock.now())
    body = {
        "device": made.device,
        "token": made.token,
        "actor": made.actor,
        "org": made.org,
        "epoch": told["epoch"],
        "jwk": told["jwk"],
    }
    return jsonify(body), 201


@blueprint.post("/sync/v1/events")
@phone
def events() -> ResponseReturnValue:
    """Take a batch, or a heartbeat; a revoked phone's events are kept and answered with 403."""
    keep_pace()
    batch = wire.parse_body(read_body(wire.MAX_BATCH_BYTES))
    refuse_too_old(batch.queue.client)
    caller = access.device()
    answer = accept_batch(caller, batch, clock.now())
    if caller.revoked_at is not None:
        refusal = Problem(
            "device-revoked", "The office has signed this phone out. What it sent is kept there."
        )
        return problem_response(refusal, **answer)
    return current_app.response_class(json.dumps(answer), mimetype="application/json")


@blueprint.get("/sync/v1/worklist")
@phone
def worklist() -> ResponseReturnValue:
    """The phone's list, whole or since its cursor."""
    refuse_revoked()
    caller = access.device()
    body, etag = list_work(caller.org_id, caller.user_id, request.args.get("cursor"), clock.now())
    response = jsonify(body)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)


@blueprint.get("/sync/v1/rules")
@phone
def rules() -> ResponseReturnValue:
    """The transition table, reasons, policies and carriers."""
    refuse_revoked()
    body = rules_for(access.device().org_id)
    response = jsonify(body)
    response.set_etag(body["version"])
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)
