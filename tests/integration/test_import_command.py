"""`baton import` and `baton demo` as tools call them: one JSON document, exit codes that say how it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.exports import as_csv, ready, row, shipped, write_csv, write_xlsx
from webapp.cli.group import group

Baton = Callable[..., Result]


@pytest.fixture
def baton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Baton:
    monkeypatch.setenv("BATON_DATA", str(tmp_path / "data"))
    runner = CliRunner()

    def run(*words: object) -> Result:
        return runner.invoke(group, [str(word) for word in words])

    run("demo", "--json")
    return run


def told(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_an_import_answers_with_its_counts_and_every_bad_row(baton: Baton, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "o.csv", [row(1), ready(2), row(3, order_id="5.76E+17")])
    result = baton("import", path, "--json")
    assert result.exit_code == 0
    answer = told(result)
    assert (answer["orders"], answer["parcels"], answer["unchanged"]) == (2, 2, 0)
    (bad,) = answer["rejected"]
    assert set(bad) == {"row", "column", "code", "message"}
    assert (bad["row"], bad["column"], bad["code"]) == (4, "Order ID", "id_scientific")
    again = told(baton("import", path, "--json"))
    assert (again["orders"], again["unchanged"]) == (0, 2)


def test_a_workbook_does_too_and_words_are_for_people(baton: Baton, tmp_path: Path) -> None:
    result = baton("import", write_xlsx(tmp_path / "o.xlsx", [row(1), row(2, quantity="x")]))
    assert result.exit_code == 0
    assert "1 orders were new" in result.output
    assert "1 rows were refused" in result.output
    assert "quantity_invalid" in result.output


def test_a_file_that_cannot_be_read_ends_with_1_and_its_problem(baton: Baton, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(as_csv([row(1)]).encode("utf-16"))
    result = baton("import", path, "--json")
    assert result.exit_code == 1
    assert told(result)["code"] == "import-encoding"
    assert set(told(result)) == {"code", "title", "detail"}


def test_no_such_file_is_wrong_usage(baton: Baton, tmp_path: Path) -> None:
    assert baton("import", tmp_path / "nothing.csv", "--json").exit_code == 2
    assert baton("import", tmp_path, "--json").exit_code == 2
    assert baton("import", tmp_path / "x", "--dates", "ymd").exit_code == 2


def test_dates_that_nobody_can_tell_are_refused_until_they_are_told(baton: Baton, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "o.csv", [row(1, created_at="03/04/2026 10:00:00")])
    refused = baton("import", path, "--json")
    assert refused.exit_code == 1
    assert "--dates" in told(refused)["detail"]
    assert told(baton("import", path, "--dates", "dmy", "--json"))["orders"] == 1


def test_looking_changes_nothing(baton: Baton, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "o.csv", [row(1)])
    assert told(baton("import", path, "--look", "--json"))["orders"] == 1
    assert told(baton("import", path, "--look", "--json"))["orders"] == 1


def test_the_demo_says_how_to_sign_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATON_DATA", str(tmp_path / "data"))
    first = told(CliRunner().invoke(group, ["demo", "--json"]))
    again = told(CliRunner().invoke(group, ["demo", "--json"]))
    assert first["admin"]["password"]
    assert again["admin"]["password"] is None
    assert again["org"] == first["org"]
    words = CliRunner().invoke(group, ["demo"]).output
    assert "Demo courier" in words
    assert first["admin"]["password"] not in words


def test_what_an_import_made_can_be_made_again_from_the_events_alone(baton: Baton, tmp_path: Path) -> None:
    baton("import", write_csv(tmp_path / "o.csv", [row(1), ready(2), shipped(3)]), "--json")
    gone = {"status": "Canceled", "substatus": "Canceled", "cancelled_at": "21/11/2026 09:00:00"}
    baton("import", write_csv(tmp_path / "p.csv", [ready(1), shipped(2), ready(4, **gone)]), "--json")
    result = baton("rebuild", "--check", "--json")
    assert result.exit_code == 0
    assert told(result)["differing"] == []
    assert told(result)["parcels"] > 60
