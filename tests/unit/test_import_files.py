"""Files of every kind somebody may choose: read in small pieces, or refused by what is wrong with them."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.protocol.problems import Problem
from sync.rules.pack import zone_of
from tests.support.exports import (
    FIELDS,
    as_csv,
    order_id,
    ready,
    row,
    sku_id,
    write_csv,
    write_workbook,
    write_xlsx,
)
from webapp.services.importing.export import open_export
from webapp.services.importing.reading import limits
from webapp.services.importing.reading.columns import HEADINGS
from webapp.services.importing.reading.opening import open_table

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
KUALA_LUMPUR = zone_of("MY")


def read(path: Path, dates: str | None = None):
    """Every order of the file, and every rejection as (row, column, code)."""
    with open_export(path, KUALA_LUMPUR, NOW, dates) as export:
        orders, rejected = [], []
        for group, bad in export.groups():
            orders += group.orders
            rejected += [(one.row, one.column, one.code) for one in bad]
        return orders, sorted(rejected), export


def refusal(path: Path, dates: str | None = None) -> Problem:
    with pytest.raises(Problem) as refused:
        read(path, dates)
    return refused.value


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "export"
    path.write_bytes(data)
    return path


# -- what is read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("tabs", [False, True])
@pytest.mark.parametrize("described", [False, True])
def test_a_seller_center_csv_is_read_with_and_without_its_habits(
    tmp_path: Path, encoding: str, tabs: bool, described: bool
) -> None:
    path = write_csv(
        tmp_path / "o.csv", [row(1), ready(2)], encoding=encoding, tabs=tabs, described=described
    )
    orders, rejected, export = read(path)
    assert [order.order_id for order in orders] == [order_id(1), order_id(2)]
    assert orders[0].rows == (3 if described else 2,)
    assert rejected == []
    assert export.notes == []
    assert orders[0].values["created_at"] == datetime(2026, 11, 20, 1, 0, tzinfo=UTC), (
        "local time of the market"
    )


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_file_with_another_separator_is_read_and_says_so(tmp_path: Path, separator: str, word: str) -> None:
    orders, _, export = read(write_csv(tmp_path / "o.csv", [row(1)], separator=separator))
    assert len(orders) == 1
    assert word in export.notes[0]


def test_line_breaks_and_quotes_inside_a_cell_do_not_move_the_row_numbers(tmp_path: Path) -> None:
    first = row(1, address='12 "Rose" Street,\nGarden\r\nCity', product="a;b\tc")
    path = write_csv(tmp_path / "o.csv", [first, row(2, quantity="many")])
    orders, rejected, _ = read(path)
    assert "Garden" in orders[0].values["address"]
    assert rejected == [(3, "Quantity", "quantity_invalid")]


def test_a_workbook_is_read_as_a_csv_is(tmp_path: Path) -> None:
    rows = [row(1, quantity=2, product="Büste <&> 胸像"), ready(2)]
    in_book, bad, export = read(write_xlsx(tmp_path / "o.xlsx", rows))
    in_text, _, _ = read(write_csv(tmp_path / "o.csv", rows))
    assert [order.digest for order in in_book] == [order.digest for order in in_text]
    assert bad == []
    assert export.kind == "xlsx"


def test_a_workbook_whose_rows_are_torn_apart_as_seller_center_does_is_read_whole(tmp_path: Path) -> None:
    cells = {field: value for field, value in row(1).items() if value}
    header = "".join(
        f'<row r="1"><c r="{chr(65 + x)}1" t="inlineStr"><is><t>{HEADINGS[f]}</t></is></c></row>'
        for x, f in enumerate(cells)
    )
    body = '<row r="2">' + "".join(
        f'<c r="{chr(65 + x)}2" t="inlineStr"><is><t>{escape(v)}</t></is></c>'
        for x, v in enumerate(cells.values())
    )
    orders, _, _ = read(write_workbook(tmp_path / "o.xlsx", f"{header}{body}</row>"))
    assert [order.order_id for order in orders] == [order_id(1)]


def test_ids_that_a_workbook_keeps_as_numbers_are_refused_cell_by_cell(tmp_path: Path) -> None:
    rows = [row(1, order_id=5.76e17), row(2, sku_id=1.729e18), row(3)]
    orders, rejected, _ = read(write_xlsx(tmp_path / "o.xlsx", rows))
    assert [order.order_id for order in orders] == [order_id(3)]
    assert rejected == [(2, "Order ID", "id_number"), (3, "SKU ID", "id_number")]


def test_ids_that_all_end_in_zeros_were_rounded_by_a_spreadsheet(tmp_path: Path) -> None:
    rows = [row(n, order_id=f"{576_460_752_303_420 + n}000") for n in range(6)]
    orders, rejected, _ = read(write_csv(tmp_path / "o.csv", rows))
    assert orders == []
    assert {code for _, _, code in rejected} == {"id_rounded"}
    assert len(rejected) == 6


def test_a_description_row_is_skipped_and_a_row_with_a_bad_id_is_not_taken_for_one(tmp_path: Path) -> None:
    bad_first = row(1, order_id="five hundred")
    orders, rejected, _ = read(write_csv(tmp_path / "o.csv", [bad_first, row(2)]))
    assert len(orders) == 1
    assert rejected == [(2, "Order ID", "id_invalid")]


def test_headings_are_known_in_other_cases_spaces_and_spellings(tmp_path: Path) -> None:
    text = as_csv([row(1, cancel_type="Cancel")])
    for heading, seen in (
        ("Order ID", " ORDER  id "),
        ("Cancelation/Return Type", "Cancellation/Return Type"),
        ("Created Time", "created time"),
        ("Weight(kg)", "Weight (KG)"),
    ):
        text = text.replace(heading, seen, 1)
    orders, _, _ = read(written(tmp_path, text.encode()))
    assert orders[0].values["cancel_type"] == "Cancel"


def test_unknown_columns_are_ignored_and_useful_ones_that_lack_are_told(tmp_path: Path) -> None:
    fields = [f for f in FIELDS if f not in {"tracking", "provider", "package_id"}]
    path = write_csv(
        tmp_path / "o.csv",
        [{**row(1), "SKU Platform Discount": "1"}],
        fields=[*fields, "SKU Platform Discount"],
    )
    orders, _, export = read(path)
    assert len(orders) == 1
    assert len(export.notes) == 3
    assert "Tracking ID" in export.notes[0]


def test_needed_columns_that_lack_are_named_all_at_once(tmp_path: Path) -> None:
    fields = [f for f in FIELDS if f not in {"sku_id", "created_at"}]
    problem = refusal(write_csv(tmp_path / "o.csv", [row(1)], fields=fields))
    assert problem.code == "import-columns"
    assert problem.members["missing"] == ["SKU ID", "Created Time"]
    assert "SKU ID" in problem.detail


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    problem = refusal(write_csv(tmp_path / "o.csv", [row(1)], fields=[*FIELDS, "order_id"]))
    assert problem.code == "import-columns"
    assert "Order ID" in problem.detail


def test_a_short_row_may_lack_only_what_is_not_needed(tmp_path: Path) -> None:
    text = as_csv(
        [row(1)], fields=["order_id", "status", "sku_id", "product", "quantity", "created_at", "tracking"]
    )
    lines = text.splitlines()
    lines[1] = lines[1].rstrip(",")
    lines.append(",".join(lines[1].split(",")[:3]))
    orders, rejected, _ = read(written(tmp_path, "\r\n".join(lines).encode()))
    assert [code for _, _, code in rejected if code != "order_held_back"] == [
        "date_missing",
        "quantity_invalid",
    ]
    assert orders == [], "an order with a bad row is left out whole"


def test_a_row_with_more_cells_than_the_header_is_named(tmp_path: Path) -> None:
    text = as_csv([row(1), row(2)]) + "a" + ",b" * (len(FIELDS) + 1) + "\r\n"
    orders, rejected, _ = read(written(tmp_path, text.encode()))
    assert len(orders) == 2
    assert rejected == [(4, "", "columns_extra")]


def test_the_order_of_a_row_with_more_cells_is_held_back_whole(tmp_path: Path) -> None:
    lines = as_csv([row(1), row(1, sku_id=sku_id(2)), row(2)]).splitlines()
    lines[2] += ",x"
    orders, rejected, _ = read(written(tmp_path, "\r\n".join(lines).encode()))
    assert [order.order_id for order in orders] == [order_id(2)]
    assert [(row, code) for row, _, code in rejected] == [(2, "order_held_back"), (3, "columns_extra")]


def test_half_a_letter_in_a_workbook_is_no_letter_and_a_whole_one_is(tmp_path: Path) -> None:
    rows = [row(1, product="a_xD83D_b"), row(2, product="_xD83D__xDE00_"), row(3, order_id="_xD83D_")]
    orders, rejected, _ = read(write_xlsx(tmp_path / "o.xlsx", rows))
    assert [order.lines[0].product for order in orders] == ["a\ufffdb", "\U0001f600"]
    assert rejected == [(4, "Order ID", "id_invalid")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_people_write_in_a_text_column_the_order_is_read(tmp_path: Path, notes: list[str]) -> None:
    rows = [row(n, seller_note=note, address=note, buyer_message=note) for n, note in enumerate(notes)]
    orders, rejected, _ = read(write_csv(tmp_path / "o.csv", rows))
    assert len(orders) == len(notes)
    assert rejected == []


# -- what is refused


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "import-empty", "empty"),
        (b"\r\n\r\n", "import-empty", "no rows"),
        (as_csv([]).encode(), "import-empty", "no orders"),
        (as_csv([row(1)]).encode("utf-16"), "import-encoding", "UTF-16"),
        (as_csv([row(1)]).encode("utf-16-le"), "import-encoding", "UTF-16"),
        (codecs.BOM_UTF32_LE + as_csv([row(1)]).encode("utf-32-le"), "import-encoding", "UTF-32"),
        (as_csv([row(1, recipient="Zoë")]).encode("cp1252"), "import-encoding", "line 2"),
        (as_csv([row(1, recipient="商店")]).encode("gbk"), "import-encoding", "not UTF-8"),
        (as_csv([row(1)]).encode() + b"\xe5\x95", "import-encoding", "breaks off"),
        (as_csv([row(1)]).encode() + b"x\0y", "import-encoding", "zero byte"),
        (b"%PDF-1.7 ...", "import-format", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "import-format", ".xls"),
        (b"<!DOCTYPE html><html></html>", "import-format", "web page"),
        (b"\x89PNG\r\n\x1a\n", "import-format", "picture"),
        (b"PK\x05\x06" + b"\0" * 18, "import-format", "zip"),
        (b"PK\x03\x04 this is no zip", "import-workbook", "damaged"),
        (b"name,age\r\nAnn,5\r\n", "import-columns", "Order ID"),
        ((as_csv([row(1)]) + '"' + order_id(2) + ",a\r\nb,c\r\n").encode(), "import-format", "row 3"),
        ((as_csv([row(1)]) + '"' + "x" * 200_000).encode(), "import-format", "row 3"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, data: bytes, code: str, says: str
) -> None:
    problem = refusal(written(tmp_path, data))
    assert problem.code == code
    assert says in problem.detail


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    with pytest.raises(Problem) as refused, open_table(path):
        pass
    assert refused.value.code == "import-too-large"


def test_a_file_with_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.services.importing.export.MAX_ROWS", 3)
    problem = refusal(write_csv(tmp_path / "o.csv", [row(n) for n in range(4)]))
    assert problem.code == "import-too-large"


def test_rows_of_one_order_by_the_thousand_are_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.store.staging.MOST_IN_GROUP", 10)
    rows = [ready(n, package_id="1150000000000000001") for n in range(11)]
    assert refusal(write_csv(tmp_path / "o.csv", rows)).code == "import-format"


def test_dates_of_two_kinds_are_refused_with_both_rows(tmp_path: Path) -> None:
    rows = [row(1), row(2, created_at="11/20/2026 09:00:00")]
    problem = refusal(write_csv(tmp_path / "o.csv", rows))
    assert problem.code == "import-dates"
    assert "row 2" in problem.detail
    assert "row 3" in problem.detail


def test_undecidable_dates_are_asked_for_and_the_answer_is_taken(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "o.csv", [row(1, created_at="03/04/2026 09:00:00")])
    assert "ask" in refusal(path).members
    assert read(path, "dmy")[0][0].values["created_at"] == datetime(2026, 4, 3, 1, tzinfo=UTC)
    assert read(path, "mdy")[0][0].values["created_at"] == datetime(2026, 3, 4, 1, tzinfo=UTC)
