"""The receipts: signed by the server, those that were sealed, and for each event one that names its very bytes."""

from __future__ import annotations

from dataclasses import dataclass

from sync.evidence.bundle.checks.events import place
from sync.evidence.bundle.checks.keys import Ring
from sync.evidence.bundle.checks.seal import is_reordered
from sync.evidence.bundle.contents import RECEIPTS, Bundle, Line
from sync.evidence.bundle.shapes import to_ms


@dataclass(frozen=True, slots=True)
class Received:
    """That the server had an event by then; `text` is the time as the receipt has it."""

    at_ms: int
    text: str


def check_receipts(bundle: Bundle, ring: Ring) -> dict[str, Received]:
    """The earliest receipt that holds for each event, by event id."""
    good = [line for line in bundle.receipts if _is_good(bundle, ring, line)]
    _check_list(bundle)
    return {
        str(line.payload["id"]): received
        for line in bundle.events
        if line.envelope and (received := _of_event(bundle, ring, line, good)) is not None
    }


def _is_good(bundle: Bundle, ring: Ring, line: Line) -> bool:
    where = f"{RECEIPTS}, line {line.number}"
    if line.envelope is None:
        bundle.findings.add("receipt_unreadable", where, f"{line.refused}.".capitalize())
        return False
    kid = line.envelope.header.kid
    if not ring.is_servers(kid) or not ring.has_signed(kid, line.envelope):
        bundle.findings.add("receipt_signature", where)
        return False
    if bundle.seal is not None and line.payload["epoch"] not in (bundle.sealed["epochs"] or []):
        bundle.findings.add("receipt_epoch", where, f"The life {line.payload['epoch']}.")
        return False
    return True


def _check_list(bundle: Bundle) -> None:
    if bundle.seal is None:
        return
    sealed = list(bundle.sealed["receipts"] or [])
    there = [line.sha256 for line in bundle.receipts]
    for line in bundle.receipts:
        if line.sha256 not in sealed and line.envelope is not None:
            bundle.findings.add("receipt_added", f"{RECEIPTS}, line {line.number}")
    for number, digest in enumerate(sealed, start=1):
        if digest not in there:
            bundle.findings.add("receipt_removed", f"{RECEIPTS}, sealed line {number}")
    if is_reordered(there, sealed):
        bundle.findings.add("receipts_reordered", RECEIPTS)


def _of_event(bundle: Bundle, ring: Ring, line: Line, good: list[Line]) -> Received | None:
    id_, find, where = line.payload["id"], bundle.findings, place(line)
    naming = [(r, e["sha256"]) for r in good for e in r.payload.get("events") or [] if e["id"] == id_]
    fitting = [r for r, sha256 in naming if sha256 == line.sha256]
    own = [r for r in fitting if r.payload["device"] == line.payload["device"]]
    if own:
        first = min(own, key=lambda r: to_ms(r.payload["received_at"]))
        if first.payload["epoch"] != bundle.sealed.get("epoch"):
            find.add("epoch_changed", where)
        return Received(to_ms(first.payload["received_at"]), first.payload["received_at"])
    if fitting:
        find.add("receipt_device", where)
    elif naming:
        find.add("receipt_other_bytes", where)
    elif not _is_the_servers_own(ring, line):
        find.add("receipt_missing", where)
    return None


def _is_the_servers_own(ring: Ring, line: Line) -> bool:
    """The server gives itself no receipt: its signature says as much."""
    return line.envelope is not None and ring.is_servers(line.envelope.header.kid)
