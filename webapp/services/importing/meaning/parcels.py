"""What the rows of an export say of each parcel: what is in it, how far it got, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from webapp.services.importing.meaning.platform import Stage, stage_of
from webapp.services.importing.meaning.rows import Line


@dataclass(slots=True)
class ParcelDraft:
    """What the file says of one parcel; `orders` lists the ids it holds, first come first.

    `times` are the earliest of its rows'. `stage` is the furthest any of its rows got, `cancelled` only if
    all of them were, and `items` counts cancelled pieces only then. `key` is unique within the file.
    """

    key: str
    package_id: str | None
    tracking: str | None
    orders: list[str] = field(default_factory=list)
    provider: str | None = None
    seller: str | None = None
    items: int = 0
    note: str = ""
    stages: set[Stage] = field(default_factory=set)
    times: dict[str, datetime] = field(default_factory=dict)
    cancel_reason: str | None = None
    cancel_by: str | None = None
    is_cancel_asked: bool = False

    @property
    def is_called_off(self) -> bool:
        """Whether all of it was cancelled."""
        return all(stage.is_cancelled for stage in self.stages)


def parcel_key(order_id: str, package: str | None, tracking: str | None) -> str:
    """What makes rows of a file one parcel: the package, else the tracking number, else the order."""
    if package:
        return f"package {package}"
    return f"tracking {tracking}" if tracking else f"order {order_id}"


def key_of(line: Line) -> str:
    """Which parcel a row is of."""
    return parcel_key(line.order_id, line.package_id, line.tracking)


def stage_of_line(line: Line) -> Stage:
    """How far one row is."""
    return stage_of(line.status, line.text("substatus"), line.times)


def asks_to_cancel(cancel_type: str | None) -> bool:
    """Whether the marketplace's word of a cancellation or return is that of a cancellation."""
    return (cancel_type or "").casefold().startswith("cancel")


def build_parcels(lines: Iterable[Line]) -> dict[str, ParcelDraft]:
    """The parcels of these lines by key."""
    by_key: dict[str, list[Line]] = {}
    for line in lines:
        by_key.setdefault(key_of(line), []).append(line)
    parcels: dict[str, ParcelDraft] = {}
    for key, its in by_key.items():
        parcel = parcels[key] = ParcelDraft(key, its[0].package_id, its[0].tracking)
        for line in its:
            _add_to_parcel(parcel, line)
        is_all = parcel.is_called_off
        parcel.items = sum(line.quantity for line in its if is_all or not stage_of_line(line).is_cancelled)
    return parcels


def _add_to_parcel(parcel: ParcelDraft, line: Line) -> None:
    if line.order_id not in parcel.orders:
        parcel.orders.append(line.order_id)
    parcel.tracking = parcel.tracking or line.tracking
    parcel.provider = parcel.provider or line.text("provider")
    parcel.seller = parcel.seller or line.text("warehouse")
    parcel.cancel_reason = parcel.cancel_reason or line.text("cancel_reason")
    parcel.cancel_by = parcel.cancel_by or line.text("cancel_by")
    parcel.note = f"{parcel.note}\n{line.text('seller_note') or ''}".strip()
    stage = stage_of_line(line)
    parcel.stages.add(stage)
    parcel.is_cancel_asked = parcel.is_cancel_asked or (
        not stage.is_cancelled and asks_to_cancel(line.text("cancel_type"))
    )
    for name, at in line.times.items():
        parcel.times[name] = min(at, parcel.times.get(name, at))
