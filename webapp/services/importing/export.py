"""One export opened for use: read once into the stage, its dates decided, then its orders as often as needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from sync.protocol.problems import Problem
from webapp.services.importing.meaning import values
from webapp.services.importing.meaning.dates import DateJudge, Order
from webapp.services.importing.meaning.orders import Group, build_group, held_back
from webapp.services.importing.meaning.rejections import Rejection, shown
from webapp.services.importing.meaning.rows import Line, read_row
from webapp.services.importing.meaning.zones import to_utc
from webapp.services.importing.reading.columns import HEADINGS, TIMES, map_header, missing_wanted
from webapp.services.importing.reading.limits import MAX_BAD_ROWS, MAX_ROWS
from webapp.services.importing.reading.opening import open_table
from webapp.services.importing.reading.table import Cell, Table
from webapp.store.staging import GroupTooLarge, Stage, open_stage

_AT_ONCE = 500
_ENOUGH_TO_JUDGE = 5  # so many order ids that all end in zeros are no accident any more

Progress = Callable[[int], None]


@dataclass(slots=True)
class Export:
    """An export, scanned. `rows` counts the rows of data, `as_of` is the newest time any row says (UTC)."""

    stage: Stage
    zone: tzinfo
    kind: str = ""
    rows: int = 0
    order: Order = "dmy"
    as_of: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    notes: list[str] = field(default_factory=list)
    early: list[Rejection] = field(default_factory=list)
    # By row: its cells moved, yet its order is known.
    spoilt: dict[int, Rejection] = field(default_factory=dict)
    is_rounded: bool = False

    def groups(self) -> Iterator[tuple[Group, list[Rejection]]]:
        """Orders that belong together, with what was refused of them; the early refusals come first."""
        if self.early:
            yield Group((), ()), self.early
        for staged in self.stage.groups():
            yield self._group(staged)

    def _group(self, staged: list[tuple[int, str]]) -> tuple[Group, list[Rejection]]:
        good: list[Line] = []
        refused: list[Rejection] = []
        bad_orders: dict[str, set[int]] = {}
        for row, body in staged:
            raw = _unpack(body)
            spoilt = self.spoilt.get(row)
            read = [spoilt] if spoilt else read_row(row, raw, self.order, self.zone)
            if isinstance(read, Line) and not self.is_rounded:
                good.append(read)
                continue
            order_id = values.words(raw["order_id"])
            bad_orders.setdefault(order_id, set()).add(row)
            refused += [_rounded(row, order_id)] if isinstance(read, Line) else read
        for order_id, bad in bad_orders.items():
            refused += held_back(order_id, [line for line in good if line.order_id == order_id], bad)
        group, conflicts = build_group([line for line in good if line.order_id not in bad_orders])
        return group, refused + conflicts


@contextmanager
def open_export(
    path: Path, zone: tzinfo, now: datetime, dates: Order | None = None, progress: Progress | None = None
) -> Iterator[Export]:
    """Scan a file. Raises a Problem `import-…` for what is wrong with the file as a whole.

    `dates` is a person's answer when no row tells day from month. `progress` hears of rows read so far.
    """
    with open_stage() as stage, open_table(path) as table:
        export = Export(stage, zone)
        judge = DateJudge(now.astimezone(zone))
        _Scan(export, judge, progress or (lambda _: None)).run(table)
        export.order = judge.decide(dates)
        try:
            stage.close_in()
        except GroupTooLarge as error:
            raise Problem(
                "import-format",
                f"{error.count} rows from row {error.row} on share one order or package: this is no order export.",
            ) from error
        export.is_rounded = _is_rounded(stage.order_ids(1000))
        newest = judge.newest(export.order)
        # A file's clock may be wrong; what it says of the future must not make every later export look old.
        export.as_of = min(to_utc(newest, zone), now) if newest else now
        yield export


class _Scan:
    """The one pass over the file: header, description row, ids, dates; everything else waits on the stage."""

    def __init__(self, export: Export, judge: DateJudge, progress: Progress) -> None:
        self._export, self._judge, self._progress = export, judge, progress
        self._waiting: list[tuple[int, str, str | None, str]] = []
        self._columns: dict[str, int] = {}
        self._width = 0

    def run(self, table: Table) -> None:
        self._export.kind = table.kind
        self._export.notes += table.notes
        self._read_header(table)
        for row, cells in table.rows:
            if any(cell not in ("", None) for cell in cells):
                self._take(row, cells)
        self._flush()
        if not self._export.rows:
            raise Problem("import-empty", "The file has a header, but no orders.")

    def _read_header(self, table: Table) -> None:
        for _, cells in table.rows:
            if any(isinstance(cell, str) and cell.strip() for cell in cells):
                self._columns, self._width = map_header(cells), len(cells)
                self._export.notes += missing_wanted(self._columns)
                return
        raise Problem("import-empty", "The file has no rows.")

    def _take(self, row: int, cells: list[Cell]) -> None:
        raw = self._known_cells(cells)
        if not self._export.rows and not self._waiting and row <= 3 and is_description(raw):
            return
        self._export.rows += 1
        if self._export.rows > MAX_ROWS:
            raise Problem(
                "import-too-large", f"The file has more than {MAX_ROWS} rows. Export a shorter period."
            )
        spoilt = self._beyond_header(row, cells)
        try:
            order_id = values.marketplace_id(raw.get("order_id", ""))
        except values.Unreadable as error:
            self._refuse(spoilt or Rejection(row, HEADINGS["order_id"], error.code, error.message))
            return
        if spoilt:
            # Its order is known, so the rest of the order is held back with it.
            self._export.spoilt[row] = spoilt
            self._count_bad()
            self._waiting.append((row, order_id, None, _pack({"order_id": order_id})))
        else:
            self._judge.feed(row, {name: _as_date(raw[name]) for name in TIMES if name in raw})
            self._waiting.append((row, order_id, _parcel_of(raw), _pack(raw)))
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def _known_cells(self, cells: list[Cell]) -> dict[str, Cell]:
        """The cells we know, by field, cleaned; empty ones left out."""
        width = len(cells)
        raw: dict[str, Cell] = {}
        for name, index in self._columns.items():
            cell = cells[index] if index < width else ""
            if cell != "" and (clean := values.words(cell) if isinstance(cell, str) else cell) != "":
                raw[name] = clean
        return raw

    def _beyond_header(self, row: int, cells: list[Cell]) -> Rejection | None:
        if not any(values.words(cell) for cell in cells[self._width :]):
            return None
        said = f"The row has {len(cells)} cells, the header {self._width}: a quotation mark may be missing."
        return Rejection(row, "", "columns_extra", said)

    def _refuse(self, rejection: Rejection) -> None:
        self._export.early.append(rejection)
        self._count_bad()

    def _count_bad(self) -> None:
        refuse_too_many(len(self._export.early) + len(self._export.spoilt))

    def _flush(self) -> None:
        self._export.stage.add(self._waiting)
        self._waiting.clear()
        self._progress(self._export.rows)


def refuse_too_many(bad: int) -> None:
    """Problem import-too-bad when so many rows are bad that this cannot be the file that was meant."""
    if bad > MAX_BAD_ROWS:
        raise Problem(
            "import-too-bad",
            f"More than {MAX_BAD_ROWS} rows are bad, so nothing was imported. Is this the order export?",
        )


def is_description(raw: Mapping[str, Cell]) -> bool:
    """Whether the row below the header says what the columns mean, as Seller Center's own exports have it.

    A row of data has digits in its ids and its quantity. This one has words in every one of them that is not
    empty, so a row of data with one bad id is never taken for it.
    """
    cells = [
        values.words(raw[name]) for name in ("order_id", "sku_id", "quantity", "created_at") if name in raw
    ]
    return len(cells) >= 2 and all(cell and not any(char.isdigit() for char in cell) for cell in cells)


def _as_date(cell: Cell) -> str | datetime:
    return cell if isinstance(cell, datetime) else values.words(cell)


def _parcel_of(raw: Mapping[str, Cell]) -> str | None:
    """What the row's parcel is known by, for grouping; a bad id is named when the row is read."""
    try:
        if package := values.package_id(raw.get("package_id", "")):
            return f"package {package}"
        tracking = values.tracking_number(raw.get("tracking", ""))
    except values.Unreadable:
        return None
    return f"tracking {tracking}" if tracking else None


def _pack(raw: Mapping[str, Cell]) -> str:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"), default=_packed)


def _packed(cell: datetime) -> dict[str, str]:
    return {"at": cell.isoformat()}


def _unpack(body: str) -> dict[str, Cell]:
    raw: dict[str, Any] = json.loads(body)
    for name in TIMES:
        if isinstance(raw.get(name), dict):
            raw[name] = datetime.fromisoformat(raw[name]["at"])
    return raw


def _is_rounded(order_ids: list[str]) -> bool:
    """Whether a spreadsheet has kept only 15 digits of every id and filled up with zeros."""
    return len(order_ids) >= _ENOUGH_TO_JUDGE and all(set(order_id[15:]) == {"0"} for order_id in order_ids)


def _rounded(row: int, order_id: str) -> Rejection:
    said = (
        f"{shown(order_id)} ends in zeros after its 15th digit, as all ids of the file do: a spreadsheet has rounded "
        "them. Export the file again and import it without opening it in between."
    )
    return Rejection(row, HEADINGS["order_id"], "id_rounded", said)
