"""Quiet hours: when a shop's people are left alone, and until when something is held for it."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo


def read_hours(text: str) -> time:
    """`HH:MM`; ValueError for anything else."""
    hours, _, minutes = text.partition(":")
    if len(text) != 5 or not (
        hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
    ):
        raise ValueError("not a time like 21:30")
    return time(int(hours), int(minutes))


def quiet_until(now: datetime, begin: str | None, end: str | None, zone: tzinfo) -> datetime | None:
    """When the quiet hours that `now` lies in are over; None when it lies in none. They may go over midnight."""
    if not begin or not end or begin == end:
        return None
    here = now.astimezone(zone)
    for days in (-1, 0):
        day = here.date() + timedelta(days=days)
        starts = datetime.combine(day, read_hours(begin), zone)
        ends = datetime.combine(
            day + timedelta(days=read_hours(end) <= read_hours(begin)), read_hours(end), zone
        )
        if starts <= now < ends:
            return ends
    return None
