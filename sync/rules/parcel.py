"""What the rules reason about: facts of one parcel, what is known about it, and its folded state.

Plain frozen data, cheap to build from database columns: nothing here needs the JWS again.
All times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NO_DATA: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on one event (`incomplete`, `unsigned`, `count_mismatch` …), lifted to its parcels.

    `detail` is short and stable ("photo, signature", "short 3"), "" when the code says it all.
    """

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One accepted event as one parcel's fold sees it; the same object may serve many parcels.

    `data` is the event's `data` member (empty for most phone events). `effective_at` is
    at + offset, never later than `received_at`.
    """

    id: str
    device_id: str
    actor_id: str
    seq: int
    kind: str
    effective_at: datetime
    received_at: datetime
    run_id: str | None = None
    carrier: str | None = None
    ref: str | None = None
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What the office's books say of a parcel, beside its facts.

    `known` is false for a parcel that exists only because somebody scanned it. `run_ids` are the
    worklist runs that list it or ever listed it. `pieces` is how many were ordered, None when the books do not
    know; `dangerous` says that a product in it is marked as dangerous goods.
    """

    code: str
    known: bool = True
    tracking_number: str | None = None
    carrier: str | None = None
    run_ids: frozenset[str] = frozenset()
    pieces: int | None = None
    dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something the office must see. `(code, event_id)` is its identity within the parcel.

    `closed_by` is the id of the `resolve` event that closed it, None while it is open.
    """

    code: str
    event_id: str
    detail: str = ""
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """When a status was first reached, by which event, and whose."""

    at: datetime
    event_id: str
    actor_id: str


@dataclass(frozen=True, slots=True)
class Flags:
    """Beside the status; `reported` holds the reasons of open reports, sorted."""

    delayed: bool = False
    damaged_reported: bool = False
    attempts: int = 0
    on_hold: bool = False
    cancel_requested: bool = False
    force_majeure: bool = False
    reported: tuple[str, ...] = ()
    dangerous_cleared: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Every flag by name, as the wire and the database have them; the rare ones only when they are set."""
        rare = {"dangerous_cleared": True} if self.dangerous_cleared else {}
        return {
            "delayed": self.delayed,
            "damaged_reported": self.damaged_reported,
            "attempts": self.attempts,
            "on_hold": self.on_hold,
            "cancel_requested": self.cancel_requested,
            "force_majeure": self.force_majeure,
            "reported": list(self.reported),
            **rare,
        }


@dataclass(frozen=True, slots=True)
class ParcelState:
    """The fold of a parcel's facts.

    `status_event` is the event behind the status (None while `expected` by import), `deemed` says that
    a rule and not a fact put it there. `milestones` maps a status to when it was first reached;
    `handed_over` is in it as soon as a handover is proved, wherever the parcel was by then.
    `anomalies` are sorted by (code, event_id). `last_fact_at` is the latest effective time, `over_since` when the
    parcel came to wait for nothing more, None while it does.
    """

    code: str
    status: str = "expected"
    status_event: str | None = None
    status_at: datetime | None = None
    deemed: bool = False
    flags: Flags = Flags()
    anomalies: tuple[Anomaly, ...] = ()
    milestones: Mapping[str, Milestone] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    last_fact_at: datetime | None = None
    over_since: datetime | None = None

    @property
    def handed_over_at(self) -> datetime | None:
        """Effective time of the first proved handover."""
        return self._at("handed_over")

    @property
    def delivered_at(self) -> datetime | None:
        """Effective time of the first delivery."""
        return self._at("delivered")

    @property
    def open_anomalies(self) -> tuple[Anomaly, ...]:
        """Those nobody has closed."""
        return tuple(a for a in self.anomalies if a.closed_by is None)

    def _at(self, status: str) -> datetime | None:
        reached = self.milestones.get(status)
        return reached.at if reached else None
