"""A year of a shop, with time as an argument: `python -m tests.bench.year [orders]`, or `… rest [parcels …]`.

The year imports each day's export through the importer, records handovers, attempts and returns in the ledger, lets the
clock look every six hours, and prints how many parcels ended where and how often each rule struck. It is made from a
fixed seed: a second run prints the same numbers. `rest` prints what a sweep costs for each due parcel beside ten
thousand, a hundred thousand and a million parcels at rest.
"""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from tests.support.exports import ready, row, shipped, write_csv
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop, make_user
from webapp.services.importing.apply import import_file
from webapp.services.rebuild import check
from webapp.services.record import Draft, record
from webapp.services.sweep import sweep
from webapp.store.models import Anomaly, Deadline, Event, Parcel
from webapp.store.unit import lock_org, reading, transaction

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 365
LOCAL = timedelta(hours=8)
LOOKS = 4  # a day
# How many of a hundred orders go which way; the rest arrive.
_FATES = (
    ("forgotten", 2),
    ("never_scanned", 2),
    ("vanished", 2),
    ("recovered", 1),
    ("refused", 2),
    ("cancelled", 3),
)


@dataclass(slots=True)
class Day:
    """What happens on one day: rows that its export has, and facts of couriers and drivers by (hour, kind)."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[int, str, int]] = field(default_factory=list)


def plan(orders: int) -> dict[int, Day]:
    """The whole year by day, from a fixed seed."""
    chance = random.Random(20261126)
    days: dict[int, Day] = defaultdict(Day)
    for number in range(orders):
        placed = chance.randrange(DAYS * 24 * 60) * 60
        _live(number, placed, _fate(chance.randrange(100)), chance, days)
    return days


def _fate(draw: int) -> str:
    for name, share in _FATES:
        if draw < share:
            return name
        draw -= share
    return "delivered"


def _live(number: int, placed: int, fate: str, chance: random.Random, days: dict[int, Day]) -> None:
    times = {"created_at": placed, "rts_at": placed + chance.randint(1, 8) * 3600}
    # The courier comes on a later day than the label's: the night's export has told of the parcel by then.
    handed_over = (times["rts_at"] // 86400 + 1) * 86400 + chance.randint(1, 12) * 3600

    def told(make: Any, at: int, **more: Any) -> None:
        # An export is drawn in the night after.
        days[at // 86400 + 1].rows.append(make(number, **{n: _local(t) for n, t in times.items()}, **more))

    if fate == "forgotten":
        times.pop("rts_at")
        return told(row, placed)
    if fate == "cancelled":
        told(ready, times["rts_at"])
        times["cancelled_at"] = times["rts_at"] + 3600
        return told(ready, times["cancelled_at"], status="Canceled", substatus="Canceled", cancel_by="Buyer")
    told(ready, times["rts_at"])
    days[(handed_over // 86400)].facts.append((handed_over % 86400, "collect", number))
    if fate == "never_scanned":
        return None
    times["shipped_at"] = handed_over + chance.randint(2, 40) * 3600
    told(shipped, times["shipped_at"])
    if fate == "vanished":
        return None
    home = times["shipped_at"] + chance.randint(1, 6) * 86400
    if fate == "refused":
        for _ in range(2):
            days[home // 86400].facts.append((home % 86400, "attempt", number))
            home += 86400
        return None
    if fate == "recovered":
        home = placed + chance.randint(13, 18) * 86400
    times["delivered_at"] = home
    return told(shipped, home, status="Completed", substatus="Completed")


def _local(seconds: int) -> str:
    return f"{BEGIN + LOCAL + timedelta(seconds=seconds):%d/%m/%Y %H:%M:%S}"


def live(orders: int) -> None:
    """Live the year and print what became of it."""
    began, clock, kinds = time.monotonic(), time.process_time(), Counter[str]()
    with (
        tempfile.TemporaryDirectory(prefix="baton-year-") as folder,
        running_app(make_settings(Path(folder, "data"))),
    ):
        org_id = make_shop()
        user = make_user(org_id, "admin", "Bench")
        days = plan(orders)
        looked = reminders = 0
        spent = 0.0
        for day in range(DAYS + 40):
            _work(org_id, user, day, days.pop(day, Day()), Path(folder, "export.csv"))
            at = time.process_time()
            for hour in range(0, 24, 24 // LOOKS):
                done = sweep(BEGIN + timedelta(days=day, hours=hour))
                kinds.update(f"{step['kind']} {step['rule'] or ''}".strip() for step in done.applied)
                looked, reminders = looked + done.looked_at, reminders + done.reminders
            spent += time.process_time() - at
        _print(org_id, kinds, reminders)
        _, differing = check(BEGIN + timedelta(days=DAYS + 40))
        print(f"parcels that differ from the fold of their events: {len(differing)}")
        each = spent / max(looked, 1) * 1000
        print(f"{looked} looks at a parcel, {each:.2f} ms of processor each, what it records included")
        print(
            f"the year took {time.monotonic() - began:.0f} s ({time.process_time() - clock:.0f} s of processor)"
        )


def _work(org_id: str, user: str, day: int, its: Day, path: Path) -> None:
    if its.rows:
        import_file(org_id, user, write_csv(path, its.rows), BEGIN + timedelta(days=day), dates="dmy")
    by_hour: dict[tuple[int, str], list[int]] = defaultdict(list)
    for second, kind, number in its.facts:
        by_hour[second // 3600, kind].append(number)
    for (hour, kind), numbers in sorted(by_hour.items()):
        at = BEGIN + timedelta(days=day, hours=hour)
        with transaction() as session:
            codes = session.execute(
                select(Parcel.code)
                .where(
                    Parcel.org_id == org_id,
                    Parcel.tracking_number.in_([f"MY{600_000_000_000 + number}" for number in numbers]),
                )
                .order_by(Parcel.tracking_number)
            ).scalars()
            reason = "nobody_home" if kind == "attempt" else None
            record(session, org_id, "courier", [Draft(kind, list(codes), at=at, reason=reason)], at)


def _print(org_id: str, kinds: Counter[str], reminders: int) -> None:
    told: list[tuple[str, dict[Any, int]]] = [("clock", dict(kinds) | {"reminders": reminders})]
    with reading() as session:
        for title, column, model in (
            ("status", Parcel.status, Parcel),
            ("deadline", Deadline.rule + " " + Deadline.state, Deadline),
            ("open anomaly", Anomaly.code, Anomaly),
            ("event", Event.kind, Event),
        ):
            query = select(column, func.count()).where(model.org_id == org_id).group_by(column)
            if model is Anomaly:
                query = query.where(Anomaly.is_open)
            told.append((title, dict(session.execute(query).all())))  # type: ignore[arg-type]
    lines = [f"{title:<13} {name:<34} {n:>8}" for title, found in told for name, n in sorted(found.items())]
    print("\n".join(lines))
    print(f"digest of these numbers: {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}")


def rest(counts: Iterator[int]) -> None:
    """What a sweep costs for a due parcel, beside ever more parcels that wait for nothing."""
    due = 2000
    now = BEGIN + timedelta(days=30)
    with (
        tempfile.TemporaryDirectory(prefix="baton-rest-") as folder,
        running_app(make_settings(Path(folder, "data"))),
    ):
        org_id = make_shop()
        user = make_user(org_id, "admin", "Bench")
        held = 0
        for round_, count in enumerate(counts):
            _lay_down(org_id, held, count - held, now)
            held = count
            numbers = range(10_000_000 + round_ * due, 10_000_000 + (round_ + 1) * due)
            placed = now - timedelta(days=15)
            stamp = f"{placed + LOCAL:%d/%m/%Y %H:%M:%S}"
            path = write_csv(Path(folder, "due.csv"), [row(n, created_at=stamp) for n in numbers])
            import_file(org_id, user, path, placed + timedelta(hours=1), dates="dmy")
            sweep(now - timedelta(seconds=1))
            idle, at = time.process_time(), time.monotonic()
            assert not sweep(now - timedelta(seconds=1)).looked_at
            idle = time.process_time() - idle
            clock, at = time.process_time(), time.monotonic()
            done = sweep(now)
            clock, took = time.process_time() - clock, time.monotonic() - at
            assert len(done.applied) == due
            each = clock / due * 1000
            told = f"{due} due parcels in {took:.1f} s, {each:.2f} ms of processor each"
            print(f"{count:>9,} at rest: {told}; with nothing due {idle * 1000:.1f} ms", flush=True)


def _lay_down(org_id: str, start: int, count: int, now: datetime) -> None:
    """Delivered parcels with a settled deadline each, written in bulk: nothing of them is ever due."""
    with transaction() as session:
        head = lock_org(session, org_id)
        numbers = "WITH RECURSIVE n(i) AS (SELECT :a UNION ALL SELECT i + 1 FROM n WHERE i < :b)"
        values = {"a": start, "b": start + count - 1, "org": org_id, "now": now.isoformat(" "), "head": head}
        session.execute(
            text(
                f"{numbers} INSERT INTO parcels (org_id, code, is_known, fragile, items, status, flags, is_deemed, "
                "milestones, open_anomalies, created_at, updated_at, changed) "
                "SELECT :org, 'REST' || i, 1, 0, 1, 'delivered', '{}', 0, '{}', 0, :now, :now, :head FROM n"
            ),
            values,
        )
        session.execute(
            text(
                f"{numbers} INSERT INTO deadlines (org_id, parcel, rule, due_at, state, number, pack, source) "
                "SELECT :org, 'REST' || i, 'status_update', :now, 'met', '', '', '' FROM n"
            ),
            values,
        )
        session.execute(
            text("UPDATE organisations SET swept_changed = :head, swept_code = 'Z' WHERE id = :org"), values
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["rest"]:
        rest(iter([int(count) for count in sys.argv[2:]] or [10_000, 100_000, 1_000_000]))
    else:
        live(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
