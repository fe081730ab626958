"""The books of one shop as a test of the import writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from tests.support.exports import order_id, write_csv
from tests.support.shop import make_shop, make_user
from webapp.services.importing import files
from webapp.services.importing.apply import import_file
from webapp.services.record import Draft, record
from webapp.store.models import (
    Anomaly,
    Event,
    EventParcel,
    Order,
    Parcel,
)
from webapp.store.unit import reading, transaction

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Books:
    """One shop, and an importer that writes a file of rows and reads it in."""

    def __init__(self, folder: Path) -> None:
        self.org, self._folder, self._count = make_shop(), folder, 0
        self.user = make_user(self.org, "admin", "Olga Office")

    def put(self, *rows: dict[str, Any], now: datetime = NOW, **how: Any) -> dict[str, Any]:
        self._count += 1
        path = write_csv(self._folder / f"{self._count}.csv", rows)
        return import_file(self.org, self.user, path, now, **how).as_dict()

    def upload(self, *rows: dict[str, Any], name: str = "up.csv") -> str:
        with write_csv(self._folder / "up.csv", rows).open("rb") as stream:
            return files.receive(self.org, self.user, name, stream, NOW)

    def parcels(self) -> list[Parcel]:
        with reading() as session:
            query = (
                select(Parcel)
                .where(Parcel.org_id == self.org)
                .order_by(Parcel.created_at, Parcel.tracking_number)
            )
            return list(session.execute(query).scalars())

    def parcel(self) -> Parcel:
        (only,) = self.parcels()
        return only

    def order(self, number: int = 1) -> Order:
        with reading() as session:
            return session.get_one(Order, (self.org, order_id(number)))

    def kinds(self, code: str) -> list[str]:
        with reading() as session:
            rows = session.execute(
                select(Event.kind)
                .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
                .where(EventParcel.org_id == self.org, EventParcel.code == code)
                .order_by(Event.effective_at, Event.seq)
            )
            return list(rows.scalars())

    def anomalies(self) -> set[str]:
        with reading() as session:
            return set(session.execute(select(Anomaly.code).where(Anomaly.org_id == self.org)).scalars())

    def count(self, model: Any) -> int:
        with reading() as session:
            return session.execute(
                select(func.count()).select_from(model).where(model.org_id == self.org)
            ).scalar_one()

    def record(self, kind: str, *named: str, **members: Any) -> None:
        with transaction() as session:
            record(session, self.org, self.user, [Draft(kind, named, **members)], NOW)
