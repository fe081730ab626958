"""The times: what the phone says, corrected by what it knew of the server's clock, within what the server attests."""

from __future__ import annotations

from itertools import pairwise

from sync.evidence.bundle.checks.events import place
from sync.evidence.bundle.checks.keys import Ring
from sync.evidence.bundle.checks.receipts import Received
from sync.evidence.bundle.checks.stamps import Stamped
from sync.evidence.bundle.contents import Bundle, Line
from sync.evidence.bundle.shapes import to_ms

TOLERATED_MS = 5 * 60 * 1000  # as `clock_suspect` has it


def claimed_ms(line: Line) -> int:
    """When its maker says it was, on the server's clock."""
    return to_ms(line.payload["at"]) + (line.payload.get("offset_ms") or 0)


def check_times(
    bundle: Bundle, ring: Ring, receipts: dict[str, Received], stamps: dict[str, Stamped]
) -> None:
    """Each event between what came before it, the server's receipt, and the stamp of its day."""
    told = {event["id"]: event for event in bundle.sealed.get("events") or []}
    lines = [line for line in bundle.events if line.envelope]
    for line in lines:
        received = receipts.get(line.payload["id"])
        known = told.get(line.payload["id"])
        by = to_ms(known["received_at"]) if known else None
        if received is not None:
            _check_receipt(bundle, line, received, by)
            by = received.at_ms
        if by is not None and claimed_ms(line) > by + TOLERATED_MS:
            bundle.findings.add("time_after_receipt", place(line), f"By {_span(claimed_ms(line) - by)}.")
        _check_stamp(bundle, line, stamps.get(line.payload["id"]), by)
        if not _is_servers(ring, line):
            _check_clock(bundle, ring, line, by)
    _check_course(bundle, ring, lines)


def _check_receipt(bundle: Bundle, line: Line, received: Received, told: int | None) -> None:
    if told is not None and received.at_ms < told:
        bundle.findings.add("timeline_contradicts", place(line), "In received_at: the receipt is earlier.")
    elif told is not None and received.at_ms > told:
        bundle.findings.add("receipt_late", place(line), f"By {_span(received.at_ms - told)}.")


def _check_stamp(bundle: Bundle, line: Line, stamped: Stamped | None, by: int | None) -> None:
    if stamped is None:
        return
    if claimed_ms(line) > stamped.at_ms + TOLERATED_MS:
        bundle.findings.add("time_after_stamp", place(line), f"By {_span(claimed_ms(line) - stamped.at_ms)}.")
    if by is not None and by > stamped.at_ms + TOLERATED_MS:
        bundle.findings.add("stamp_before_receipt", place(line), f"By {_span(by - stamped.at_ms)}.")


def _check_clock(bundle: Bundle, ring: Ring, line: Line, by: int | None) -> None:
    offset = line.payload.get("offset_ms")
    if offset is None:
        bundle.findings.add("clock_unmeasured", place(line))
    elif abs(offset) > TOLERATED_MS:
        bundle.findings.add("clock_off", place(line), f"By {_span(abs(offset))}.")
    holder = ring.holder(line.payload["device"])
    if holder is None:
        return
    if claimed_ms(line) < to_ms(holder["enrolled_at"]) - TOLERATED_MS:
        bundle.findings.add("time_before_enrolment", place(line))
    revoked = holder.get("revoked_at")
    if revoked is not None and by is not None and by > to_ms(revoked):
        bundle.findings.add("key_revoked", place(line))


def _check_course(bundle: Bundle, ring: Ring, lines: list[Line]) -> None:
    """On one phone the numbers rise, so the times must not fall. An import tells late what was early: it may."""
    by_device: dict[str, list[Line]] = {}
    for line in lines:
        if not _is_servers(ring, line):
            by_device.setdefault(line.payload["device"], []).append(line)
    for each in by_device.values():
        course = sorted(each, key=lambda line: line.payload["seq"])
        for earlier, later in pairwise(course):
            back = claimed_ms(earlier) - claimed_ms(later)
            if back > TOLERATED_MS:
                bundle.findings.add("time_went_back", place(later), f"By {_span(back)}.")


def _is_servers(ring: Ring, line: Line) -> bool:
    return line.envelope is not None and ring.is_servers(line.envelope.header.kid)


def _span(ms: int) -> str:
    seconds = ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
