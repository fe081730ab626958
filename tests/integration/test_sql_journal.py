"""The ledger's store does what the port asks: the same batches leave the same ledger as in memory."""

from __future__ import annotations

from typing import Any

import uuid_utils
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync import ledger
from sync.rules.parcel import ParcelState
from tests.support.shop import make_shop
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import NOON
from tests.unit.test_any_order import ABOUTS, PLACES, STEPS, Step, play
from webapp.store.journal import SqlJournal
from webapp.store.models import Anomaly, Device, Event, Parcel, Place, Run, RunParcel
from webapp.store.unit import lock_org, reading, transaction


def furnish(org_id: str, devices: list[str]) -> None:
    """The same books as in memory: parcels, a run with its place, devices."""
    with transaction() as session:
        head = lock_org(session, org_id)
        times: dict[str, Any] = {"created_at": NOON, "changed": head}
        for about in ABOUTS:
            number, carrier = about.tracking_number, about.carrier
            row = {"code": about.code, "tracking_number": number, "carrier": carrier, "updated_at": NOON}
            session.add(Parcel(org_id=org_id, **row, **times))
            session.add_all(RunParcel(org_id=org_id, run_id=run, code=about.code) for run in about.run_ids)
        for run, (lat, lon) in PLACES.items():
            session.add(Place(org_id=org_id, id=f"{run}'s", name="A place", lat=lat, lon=lon))
            more = {"kind": "collect", "title": "A run", "day": NOON.date(), "place_id": f"{run}'s"}
            session.add(Run(org_id=org_id, id=run, **more, **times))
        for device in devices:
            session.add(Device(id=device, org_id=org_id, label="A phone", enrolled_at=NOON))


def row_of(parcel: Parcel) -> tuple[Any, ...]:
    return (
        parcel.status,
        parcel.status_event_id,
        parcel.status_at,
        parcel.is_deemed,
        parcel.flags,
        parcel.handed_over_at,
        parcel.delivered_at,
        parcel.open_anomalies,
    )


def row_for(state: ParcelState) -> tuple[Any, ...]:
    return (
        state.status,
        state.status_event,
        state.status_at,
        state.deemed,
        state.flags.as_dict(),
        state.handed_over_at,
        state.delivered_at,
        len(state.open_anomalies),
    )


@settings(
    max_examples=15,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each example writes a shop: shrinking takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, data=st.data())
def test_the_same_batches_leave_the_same_ledger_as_in_memory(
    app_on_both: Flask, steps: list[Step], data: st.DataObject
) -> None:
    org_id = make_shop()
    devices = play(steps, prefix=str(uuid_utils.uuid4())[:12])
    furnish(org_id, list(devices))
    memory = MemoryJournal(*ABOUTS, places=PLACES)
    everything = [(name, jws) for name, (_, sent) in devices.items() for jws in sent]
    for name, jws in data.draw(st.permutations(everything + everything[:3])):
        batch = ledger.Batch(devices[name][0], [jws, jws])
        expected = ledger.accept(batch, memory, NOON)
        with transaction() as session:
            journal = SqlJournal(session, org_id, lock_org(session, org_id), NOON)
            answer = ledger.accept(batch, journal, NOON)
            assert journal.head(name) == memory.head(name)
        assert answer == expected

    with reading() as session:
        rows = session.execute(select(Parcel).where(Parcel.org_id == org_id)).scalars()
        held = {row.code: row_of(row) for row in rows if row.code in memory.states}
        events = session.execute(select(Event.id, Event.marks).where(Event.org_id == org_id)).all()
        closed = session.execute(
            select(Anomaly.parcel, Anomaly.code, Anomaly.event_id, Anomaly.detail, Anomaly.closed_by).where(
                Anomaly.org_id == org_id
            )
        ).all()
        again = ledger.refold(list(memory.states), SqlJournal(session, org_id, 0, NOON))
    assert held == {code: row_for(state) for code, state in memory.states.items()}
    assert {id_: [tuple(mark) for mark in marks or ()] for id_, marks in events} == {
        id_: [(mark.code, mark.detail) for mark in entry.marks] for id_, entry in memory.entries.items()
    }
    assert sorted(map(tuple, closed), key=str) == sorted(
        (
            (code, a.code, a.event_id, a.detail, a.closed_by)
            for code, state in memory.states.items()
            for a in state.anomalies
        ),
        key=str,
    )
    assert {state.code: state for state in again} == memory.states
