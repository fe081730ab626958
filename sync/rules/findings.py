"""Findings on one event alone: incomplete, unsigned, a clock, a count or a place that does not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync.protocol.events import Event, missing
from sync.rules.geography import Point, distance_km
from sync.rules.parcel import Mark
from sync.rules.policy import Policy

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def claimed_at(event: Event) -> datetime:
    """When the phone says it was, in the server's time: its clock plus the offset it knew."""
    if not event.offset_ms:
        return event.at
    try:
        return event.at + timedelta(milliseconds=event.offset_ms)
    except OverflowError:
        return _LATEST if event.offset_ms > 0 else _EARLIEST


def of_phone_event(
    event: Event,
    parcels: int,
    received_at: datetime,
    policy: Policy,
    *,
    signed: bool,
    planned: Point | None,
) -> list[Mark]:
    """All findings; `parcels` counts the different parcels it names, `planned` is its run's (lat, lon)."""
    marks = []
    lacking = missing(event)
    if lacking:
        marks.append(Mark("incomplete", ", ".join(lacking)))
    if not signed:
        marks.append(Mark("unsigned"))
    if event.expected is not None and event.expected != parcels:
        off = parcels - event.expected
        marks.append(Mark("count_mismatch", f"surplus {off}" if off > 0 else f"short {-off}"))
    clock = clock_doubts(event, received_at, policy)
    if clock:
        marks.append(Mark("clock_suspect", ", ".join(clock)))
    if planned is not None:
        far = metres_off(event, planned)
        if far is not None and far > policy.place_far_m:
            marks.append(Mark("place_far", f"{round(far)} m"))
    return marks


def clock_doubts(event: Event, received_at: datetime, policy: Policy) -> list[str]:
    """Why the phone's time cannot be trusted: `skew … s`, `future`, `offline … days`."""
    doubts = []
    if event.offset_ms is not None and abs(event.offset_ms) > policy.clock_skew_s * 1000:
        doubts.append(f"skew {round(event.offset_ms / 1000)} s")
    behind_s = (received_at - claimed_at(event)).total_seconds()
    if behind_s < -policy.clock_skew_s:
        doubts.append("future")
    elif behind_s > policy.offline_gap_s:
        doubts.append(f"offline {round(behind_s / 86400)} days")
    return doubts


def metres_off(event: Event, planned: Point) -> float | None:
    """How far it was from the planned place, or None when the phone gave no position."""
    place = event.place or {}
    lat, lon = place.get("lat"), place.get("lon")
    if lat is None or lon is None:
        return None
    return 1000 * distance_km((lat, lon), planned)
