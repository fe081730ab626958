"""/api/v1/carriers: what a carrier, or a program of the shop's, reports of parcels (`R18`, `R19`).

Two doors with one body, `{"reports": [{id, tracking_number, status, substatus, vocabulary, at, place, note}]}`: a
program shows the feed's key as a bearer, a webhook is signed. Either way one bad report never holds back another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from sync.protocol import strictjson
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp import clock
from webapp.access import open_to_all
from webapp.api import blueprint
from webapp.api.bodies import read_body
from webapp.extensions import limiter
from webapp.services.feeds import keys
from webapp.services.feeds.reports import Report, Unusable, report_from
from webapp.services.feeds.take import take_reports

MAX_BYTES = 1024 * 1024
MAX_REPORTS = 1000
PACE = "600 per minute"


@blueprint.post("/api/v1/carriers/<org_id>/<carrier>/reports")
@open_to_all("the feed's key in it is the credential")
@limiter.limit(PACE)
def feed_reports(org_id: str, carrier: str) -> ResponseReturnValue:
    """Reports from a program that holds the feed's key."""
    scheme, _, told = request.headers.get("Authorization", "").partition(" ")
    keys.check_key(org_id, carrier, told.strip() if scheme.lower() == "bearer" else "")
    return _taken(org_id, carrier, "api", read_body(MAX_BYTES))


@blueprint.post("/api/v1/carriers/<org_id>/<carrier>/webhook")
@open_to_all("the signature over its body is the credential")
@limiter.limit(PACE)
def feed_webhook(org_id: str, carrier: str) -> ResponseReturnValue:
    """Reports that are signed with the feed's secret: `Baton-Timestamp`, `Baton-Signature: v1=<hex>`."""
    body = read_body(MAX_BYTES)
    timestamp = request.headers.get("Baton-Timestamp", "")
    signature = request.headers.get("Baton-Signature", "")
    keys.check_signature(org_id, carrier, body, timestamp, signature, clock.now())
    return _taken(org_id, carrier, "webhook", body)


def _taken(org_id: str, carrier: str, source: str, body: bytes) -> ResponseReturnValue:
    now = clock.now()
    said = _said(body)
    slots: list[Report | dict[str, Any]] = [_read(each, at, now) for at, each in enumerate(said)]
    good = [slot for slot in slots if isinstance(slot, Report)]
    taken = iter(take_reports(org_id, carrier, org_id, source, good, now))
    results = [_result(next(taken)) if isinstance(slot, Report) else slot for slot in slots]
    return jsonify({"received_at": format_time(now), "results": results})


def _said(body: bytes) -> Sequence[Any]:
    try:
        value = strictjson.loads(body)
    except strictjson.NotStrict as error:
        raise Problem("body-invalid", f"The body is refused: {error}.") from error
    said = value.get("reports") if isinstance(value, dict) else None
    if not isinstance(said, list):
        raise Problem("body-invalid", "The body is {“reports”: [ … ]}.")
    if len(said) > MAX_REPORTS:
        raise Problem("batch-too-large", f"Send at most {MAX_REPORTS} reports at a time.")
    return said


def _read(said: Any, at: int, now: Any) -> Report | dict[str, Any]:
    """The report, or the answer to one that cannot be read."""
    try:
        if not isinstance(said, Mapping):
            raise Unusable("", "A report is an object.")  # noqa: TRY301 (told like any other that cannot be read)
        return report_from(said, now)
    except Unusable as bad:
        name = said.get("id") if isinstance(said, Mapping) and isinstance(said.get("id"), str) else None
        problem = {"code": "field-invalid", "field": bad.field, "detail": str(bad)}
        return {"id": name, "at": at, "outcome": "refused", "problem": problem}


def _result(taken: Any) -> dict[str, Any]:
    return {"id": taken.id, "outcome": taken.outcome, "parcel": taken.parcel, "status": taken.status}
