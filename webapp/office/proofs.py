"""Proofs to take away: the bundle and the appeal pack of a parcel or of one handover, as files."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, abort, request, send_file

from sync.protocol.problems import Problem
from webapp.access import actor, desk
from webapp.office import blueprint
from webapp.office.context import moment
from webapp.services.proving.appeal import export_appeal
from webapp.services.proving.export_proof import export_proof
from webapp.services.proving.gather import Wanted
from webapp.store.queries import proofs
from webapp.store.queries import timeline as ask
from webapp.store.unit import reading

_IN_HAND = 16 * 1024 * 1024  # a larger one is written to the disk while it is made
_WAIT_S = 30
# Printing and copying pictures take a processor each: the phones' work must not wait for many of them.
_turns = threading.BoundedSemaphore(2)


@blueprint.get("/proofs/parcels/<code>")
@desk()
def parcel_proof(code: str) -> Response:
    """A parcel's proof bundle; `?appeal` the pack for a marketplace, `&redact` with text blurred.

    Another shop's or seller's is 404.
    """
    with reading() as session:
        held = ask.resolve_code(session, actor().org_id, actor().seller, code)
    return _file(Wanted(actor().org_id, parcel=held or abort(404), is_redacted=_is_redacted()))


@blueprint.get("/proofs/events/<event_id>")
@desk()
def event_proof(event_id: str) -> Response:
    """The same of one handover. A seller gets it when all its parcels are theirs."""
    if actor().seller is not None:
        with reading() as session:
            # All that the bundle would show: a check or a void is of one parcel, what it speaks of of many.
            shown = proofs.events_of_handover(session, actor().org_id, event_id)
            owners = proofs.owners(session, actor().org_id, [event.id for event in shown])
        if owners != {actor().seller}:
            abort(404)
    return _file(Wanted(actor().org_id, event=event_id, is_redacted=_is_redacted()))


def _is_redacted() -> bool:
    return "redact" in request.args


def _file(wanted: Wanted) -> Response:
    write = export_appeal if "appeal" in request.args else export_proof
    out = tempfile.SpooledTemporaryFile(max_size=_IN_HAND)  # noqa: SIM115  (closed when it was sent)
    try:
        with _turn():
            done = write(wanted, out, moment())  # type: ignore[arg-type]  # a spooled file is a binary one
        size = out.tell()
        out.seek(0)
        response = send_file(out, "application/zip", as_attachment=True, download_name=done.name)
    except BaseException:
        out.close()
        raise
    response.call_on_close(out.close)
    response.content_length = size
    response.headers["Cache-Control"] = "private, no-store"
    return response


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=_WAIT_S):
        raise Problem("busy", "Other proofs are being made just now. Try again in a minute.", retry_after=60)
    try:
        yield
    finally:
        _turns.release()
