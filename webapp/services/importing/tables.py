"""Files that are no order export: what carriers say, what is in stock, where areas lie; shown before they are taken.

A kind is a reader: it goes through the file, says of each row what it would do or why it is refused, and, when it is
to be applied, does it, some hundred rows a transaction, and says in each how far it is (`files.beat`): a run that died
is gone on with, and of two at once each finds done what the other did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from webapp import clock
from webapp.services.importing import files
from webapp.services.importing.meaning.rejections import Rejection


@dataclass(slots=True)
class TableOutcome:
    """What such a file did, or would do: `figures` are (how many, of what, tone), `changes` the first rows in words."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[tuple[int, str, str]] = field(default_factory=list)
    as_of: datetime | None = None
    dates: str = ""

    def as_dict(self) -> dict[str, Any]:
        """`{rows, good, figures, notes, rejected}`, as the page and the command line tell it."""
        return {
            "rows": self.rows,
            "good": self.rows - len({rejection.row for rejection in self.rejected}),
            "figures": [list(figure) for figure in self.figures],
            "notes": self.notes,
            "rejected": [rejection.as_dict() for rejection in self.rejected],
        }


Reader = Callable[[str, str, Path, Mapping[str, Any], datetime, bool, str | None], TableOutcome]
"""(org_id, actor_id, path, about, now, is_for_good, file_id) → outcome. Problems import-…"""


def readers() -> dict[str, Reader]:
    """What reads each kind of file."""
    from webapp.services.feeds.statuses import read_statuses  # noqa: PLC0415 (both use what is here)
    from webapp.services.keep_stock import read_stock  # noqa: PLC0415

    return {"statuses": read_statuses, "stock": read_stock}


def run(org_id: str, file_id: str, path: Path, task: files.Task) -> None:
    """The job for such a file: make its preview, or take it."""
    now, is_for_good = clock.now(), task.state == "running"
    outcome = readers()[task.kind](org_id, task.actor_id, path, task.about, now, is_for_good, file_id)
    if not is_for_good:
        files.show(org_id, file_id, outcome, clock.now())
        return
    files.finish(org_id, file_id, outcome, clock.now())
    files.forget_bytes(org_id, file_id)
