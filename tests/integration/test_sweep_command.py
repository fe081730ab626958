"""`baton sweep` and the deadlines of `baton show`, as a program reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.exports import ready, write_csv


def test_a_program_sweeps_at_a_time_and_reads_what_is_due(baton: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", [ready(1)])
    assert baton("import", str(path))[0] == 0
    _, listed = baton("parcels")
    code = listed["parcels"][0]["code"]
    told, shown = baton("show", code)
    assert told == 0
    by_rule = {deadline["rule"]: deadline for deadline in shown["deadlines"]}
    assert by_rule["deemed_cancelled"]["due_at"] == "2026-12-05T01:00:00.000Z"
    told, swept = baton("sweep", "--at", "2099-01-01T00:00:00Z")
    assert (told, swept["reminders"]) == (0, 0)
    assert [(step["parcel"], step["kind"]) for step in swept["applied"]] == [(code, "deem_cancelled")]
    _, shown = baton("show", code)
    assert shown["status"] == "cancelled"
    assert baton("sweep", "--at", "2099-01-01T00:00:00Z")[1]["applied"] == []
    assert baton("rebuild", "--check")[1]["differing"] == []


def test_a_time_that_is_none_is_refused_with_an_example(baton: Any) -> None:
    for text in ("tomorrow", "2026-12-08", "2026-12-08T09:00:00"):
        told, refused = baton("sweep", "--at", text)
        assert (told, refused["code"]) == (1, "field-invalid")
        assert "2026-12-08T09:00:00Z" in refused["detail"]
