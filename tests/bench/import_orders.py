"""How long an import takes and how much memory: `python -m tests.bench.import_orders [orders] [csv|xlsx]`.

Prints rows, seconds (wall and processor) and the process's peak memory before and after, for the first import
and for the same file again. A database of its own in a temporary folder, thrown away at the end.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.exports import FIELDS, ready, row, shipped, write_csv, write_xlsx
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop, make_user
from webapp.services.importing.apply import import_file

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_ADDRESS = {"address": "12 Jalan Besar\nTaman Damai", "city": "Petaling Jaya", "country": "Malaysia"}


def orders(count: int) -> Iterator[dict[str, Any]]:
    """A shop's month: two of ten wait for the seller, four for the carrier, two are on their way, two delivered."""
    for number in range(count):
        made = datetime(2026, 11, 20, 9) - timedelta(minutes=number)
        times = {
            "created_at": f"{made:%d/%m/%Y %H:%M:%S}",
            "rts_at": f"{made + timedelta(hours=2):%d/%m/%Y %H:%M:%S}",
        }
        left = {"shipped_at": f"{made + timedelta(hours=9):%d/%m/%Y %H:%M:%S}"}
        stage = number % 10
        if stage < 2:
            yield row(number, **_ADDRESS, created_at=times["created_at"])
        elif stage < 6:
            yield ready(number, **_ADDRESS, **times)
        elif stage < 8:
            yield shipped(number, **_ADDRESS, **times, **left)
        else:
            home = f"{made + timedelta(hours=20):%d/%m/%Y %H:%M:%S}"
            yield shipped(number, **_ADDRESS, **times, **left, substatus="Delivered", delivered_at=home)


def peak() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int, kind: str) -> None:
    """Write the file, import it twice, print."""
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as folder:
        path = Path(folder, f"orders.{kind}")
        if kind == "csv":
            write_csv(path, orders(count), described=True, tabs=True, fields=FIELDS)
        else:
            write_xlsx(path, orders(count))
        with running_app(make_settings(Path(folder, "data"))):
            org_id = make_shop()
            user = make_user(org_id, "admin", "Bench")
            print(
                f"{count} orders, {path.stat().st_size / 1e6:.1f} MB of {kind}; peak memory before {peak():.0f} MB"
            )
            for which in ("first", "again"):
                wall, work = time.monotonic(), time.process_time()
                told = import_file(org_id, user, path, NOW).as_dict()
                wall, work = time.monotonic() - wall, time.process_time() - work
                print(
                    f"{which}: {told['orders']} orders, {told['parcels']} parcels, {told['unchanged']} unchanged "
                    f"in {wall:.1f} s (processor {work:.1f} s), peak memory {peak():.0f} MB"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000, sys.argv[2] if len(sys.argv) > 2 else "csv")
