"""What there is to be told: each kind of notice with what its words need, and how it may travel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`params` must be given when it is raised. `urgent` passes quiet hours; `together` may go as one letter."""

    word: str
    params: tuple[str, ...]
    urgent: bool = False
    together: bool = False


KINDS: dict[str, Kind] = {
    "remind": Kind("Daily reminder", ("order", "until"), together=True),  # R27
    "refund_request": Kind("Refund request", ("order", "cause")),  # R23
    "mark_shipped": Kind("Mark as shipped", ("order", "until"), together=True),  # R11, R13
    "retake": Kind("Retake", ("reason", "count")),
    "alarm": Kind("Alarm", ("what", "detail"), urgent=True),
    "deadline": Kind("Deadline", ("about", "deadline", "until"), together=True),  # R13, R14, R21-R25, R30
    "test": Kind("Test", ()),
}
# Params that are times: given as aware datetimes, kept as the protocol writes them, read in the shop's zone.
TIMES = frozenset({"until"})
# What a text may use without being given it.
ALWAYS = frozenset({"shop"})
# Where a notice leads when `path` is not given: the phone's tasks for a retake.
PATHS = {"retake": "/app/#/tasks"}
