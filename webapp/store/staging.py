"""A scratch table on disk for one import: rows in, orders out, however far apart an order's rows stand.

It is a SQLite file of its own in a temporary folder, gone when the import ends; nothing of it is ever shared,
so it needs neither a log nor a sync. Memory stays the same for fifty rows and for five hundred thousand.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_IN_GROUP = 5_000  # rows of orders that hang together by shared packages

Row = tuple[int, str]  # (row number, body)


class GroupTooLarge(ValueError):
    """So many rows hang together that they cannot be one shipment. `row` is the first of them."""

    def __init__(self, row: int, count: int) -> None:
        self.row, self.count = row, count
        super().__init__(f"{count} rows hang together from row {row} on")


class Stage:
    """The rows of one file; `add` them all, `close_in` once, then read `groups` as often as needed."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16384"):
            self._db.execute(f"PRAGMA {setting}")
        self._db.execute("CREATE TABLE rows (row INTEGER PRIMARY KEY, order_id TEXT, parcel TEXT, body TEXT)")
        self._db.execute("BEGIN")

    def add(self, rows: Iterable[tuple[int, str, str | None, str]]) -> None:
        """Rows as (row number, order id, what its parcel is known by or None, body)."""
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)

    def close_in(self) -> None:
        """Put rows of one order, and orders that share a parcel, into one group. Raises GroupTooLarge."""
        self._db.execute("CREATE INDEX by_order ON rows (order_id)")
        self._db.execute("CREATE TABLE groups (order_id TEXT PRIMARY KEY, first INTEGER) WITHOUT ROWID")
        self._db.execute("INSERT INTO groups SELECT order_id, min(row) FROM rows GROUP BY order_id")
        self._join_orders()
        self._db.execute("CREATE INDEX by_first ON groups (first)")
        largest = self._db.execute(
            "SELECT g.first, count(*) AS n FROM groups g JOIN rows r ON r.order_id = g.order_id"
            " GROUP BY g.first ORDER BY n DESC LIMIT 1"
        ).fetchone()
        if largest and largest[1] > MOST_IN_GROUP:
            raise GroupTooLarge(*largest)

    def _join_orders(self) -> None:
        """Union-find over the few parcels that hold several orders."""
        above: dict[str, str] = {}

        def root(order_id: str) -> str:
            while (up := above.get(order_id, order_id)) != order_id:
                above[order_id] = above.get(up, up)
                order_id = up
            return order_id

        shared = self._db.execute(
            "SELECT DISTINCT r.parcel, r.order_id FROM rows r JOIN (SELECT parcel FROM rows WHERE parcel IS NOT NULL"
            " GROUP BY parcel HAVING count(DISTINCT order_id) > 1) s ON s.parcel = r.parcel ORDER BY r.parcel"
        )
        last: tuple[str, str] | None = None
        for parcel, order_id in shared:
            if last and last[0] == parcel:
                above[root(order_id)] = root(last[1])
            last = (parcel, order_id)
        members: dict[str, set[str]] = {}
        for order_id in above:
            members.setdefault(root(order_id), {root(order_id)}).add(order_id)
        for joined in members.values():
            self._give_one_first(sorted(joined))

    def _give_one_first(self, orders: list[str]) -> None:
        firsts = [
            self._db.execute("SELECT first FROM groups WHERE order_id = ?", (o,)).fetchone()[0]
            for o in orders
        ]
        self._db.executemany(
            "UPDATE groups SET first = ? WHERE order_id = ?", [(min(firsts), o) for o in orders]
        )

    def groups(self) -> Iterator[list[Row]]:
        """Groups in the order of their first rows; within a group by row number."""
        found = self._db.execute(
            "SELECT g.first, r.row, r.body FROM groups g CROSS JOIN rows r ON r.order_id = g.order_id ORDER BY g.first"
        )
        group: list[Row] = []
        current: int | None = None
        for first, row, body in found:
            if first != current and group:
                yield sorted(group)
                group = []
            current = first
            group.append((row, body))
        if group:
            yield sorted(group)

    def order_ids(self, most: int) -> list[str]:
        """Some of the order ids."""
        return [order_id for (order_id,) in self._db.execute("SELECT order_id FROM groups LIMIT ?", (most,))]

    def close(self) -> None:
        """Let the file go."""
        self._db.close()


@contextmanager
def open_stage() -> Iterator[Stage]:
    """An empty stage in a folder of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="baton-stage-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder, "rows.db"))
        try:
            yield stage
        finally:
            stage.close()
