"""What is wrong with a workbook: bombs, lies about sizes, endless texts, sheets that no spreadsheet would write."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.exports import row, write_workbook, write_xlsx
from tests.unit.test_import_files import refusal, written
from webapp.services.importing.reading import xlsx_guard, xlsx_parts
from webapp.services.importing.reading.opening import open_table
from webapp.services.importing.reading.xlsx_parts import Parts


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    problem = refusal(written(tmp_path, out.getvalue()))
    assert problem.code == "import-format"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "o.xlsx", "", extra={"xl/media/bomb.bin": b"\0" * (64 * 1024 * 1024)})
    assert path.stat().st_size < 200_000
    problem = refusal(path)
    assert problem.code == "import-workbook"
    assert "times its size" in problem.detail


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "o.xlsx", "", extra={"xl/media/x.bin": bytes(range(256)) * 4000})
    data = bytearray(path.read_bytes())
    claimed = struct.pack("<I", 256 * 4000)
    assert data.count(claimed) == 2
    path.write_bytes(bytes(data).replace(claimed, struct.pack("<I", 100)))
    problem = refusal(path)
    assert problem.code == "import-workbook"
    assert "lies" in problem.detail


def test_too_many_parts_and_too_much_in_all_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_workbook(tmp_path / "o.xlsx", "", extra={f"xl/{n}.bin": b"x" for n in range(1001)})
    assert "1006 parts" in refusal(path).detail
    monkeypatch.setattr(xlsx_guard, "MAX_INFLATED", 2000)
    path = write_workbook(tmp_path / "p.xlsx", "", extra={"xl/x.bin": b"ab" * 2000})
    assert "unpacks to more than" in refusal(path).detail


def with_part(path: Path, name: str, data: bytes) -> Path:
    """The workbook with one part in another's place."""
    with zipfile.ZipFile(path) as old:
        parts = {entry: old.read(entry) for entry in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, held in {**parts, name: data}.items():
            new.writestr(entry, held)
    return path


@pytest.mark.timeout(60)
def test_a_sheet_that_is_named_very_often_is_read_once(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "o.xlsx", [row(1)])
    with zipfile.ZipFile(path) as book:
        told = book.read("xl/workbook.xml")
    sheet = told[told.index(b"<sheet ") : told.index(b"</sheets>")]
    with_part(path, "xl/workbook.xml", told.replace(sheet, sheet * 1000))
    with zipfile.ZipFile(path) as book:
        assert len(Parts(book).sheets) == 1


@pytest.mark.timeout(60)
def test_a_number_format_made_to_stall_the_search_does_not(tmp_path: Path) -> None:
    code = "[" * 900_000
    styles = f'<styleSheet><numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts>'
    styles += '<cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
    path = with_part(write_xlsx(tmp_path / "o.xlsx", [row(1)]), "xl/styles.xml", styles.encode())
    with zipfile.ZipFile(path) as book:
        assert Parts(book).date_styles() == frozenset()


def test_a_text_without_an_end_is_refused_before_it_is_gathered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_parts, "MAX_SHARED_CHARS", 1000)
    endless = b"<sst><si><t>" + b"x" * 2000
    path = with_part(write_xlsx(tmp_path / "o.xlsx", [row(1)]), "xl/sharedStrings.xml", endless)
    assert refusal(path).code == "import-too-large"
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>' + "x" * 40_000
    assert "holds more than" in refusal(write_workbook(tmp_path / "p.xlsx", cell)).detail


def test_a_part_beside_the_sheets_is_of_a_size_that_a_spreadsheet_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_parts, "MAX_BESIDE", 1000)
    styles = b"<styleSheet>" + b"<a/>" * 500 + b"</styleSheet>"
    path = with_part(write_xlsx(tmp_path / "o.xlsx", [row(1)]), "xl/styles.xml", styles)
    assert "xl/styles.xml is too large" in refusal(path).detail


def test_one_cell_at_the_far_corner_of_a_sheet_harms_nobody(tmp_path: Path) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert refusal(write_workbook(tmp_path / "o.xlsx", far)).code == "import-too-large"
    wide = '<row r="1"><c r="XFD1"><v>1</v></c></row>'
    assert "columns" in refusal(write_workbook(tmp_path / "p.xlsx", wide)).detail


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="x"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="AAAA1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1"><v>many</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></row>',
        '<row r="1"><c r="A1" t="inlineStr"><is><t>' + "x" * 40_000 + "</t></is></c></row>",
    ],
)
def test_a_sheet_that_no_spreadsheet_would_write_is_refused(tmp_path: Path, rows: str) -> None:
    assert refusal(write_workbook(tmp_path / "o.xlsx", rows)).code == "import-workbook"


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "o.xlsx", "")
    with zipfile.ZipFile(path, "a") as book:
        book.writestr("xl/sharedStrings.xml", '<!DOCTYPE a [<!ENTITY b "bb">]><sst><si><t>&b;</t></si></sst>')
    assert "entities" in refusal(path).detail


def test_shared_texts_and_date_cells_are_read_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" s="1"><v>46346.5</v></c><c r="D1" t="b"><v>1</v></c></row>'
        '<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3"><v>2.5</v></c><c r="C3" s="0"><v>46346.5</v></c></row>'
    )
    path = write_workbook(tmp_path / "o.xlsx", rows)
    with zipfile.ZipFile(path, "a") as book:
        book.writestr(
            "xl/sharedStrings.xml",
            "<sst><si><t>plain</t></si><si><r><t>rich </t></r><rPh><t>no</t></rPh><r><t>text_x0009_</t></r></si></sst>",
        )
        formats = '<numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy hh:mm"/></numFmts>'
        others = '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        styles = f'{others}<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
        book.writestr("xl/styles.xml", f"<styleSheet>{formats}{styles}</styleSheet>")
    with open_table(path) as table:
        assert list(table.rows) == [
            (1, ["plain", "", datetime(2026, 11, 20, 12), True]),
            (3, ["rich text\t", 2.5, 46346.5]),
        ]


def test_our_reading_of_a_workbook_is_that_of_a_reader_that_many_use(tmp_path: Path) -> None:
    calamine = pytest.importorskip("python_calamine")
    rows = [row(n, product=f"<{n}> & “ü” 商", quantity=n, weight=n / 8) for n in range(50)]
    path = write_xlsx(tmp_path / "o.xlsx", rows)
    theirs = calamine.load_workbook(path).get_sheet_by_index(0).to_python()
    with open_table(path) as table:
        ours = [cells for _, cells in table.rows]
    width = max(map(len, theirs))
    assert [[*cells, *[""] * (width - len(cells))] for cells in ours] == theirs


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    assert refusal(write_workbook(tmp_path / "o.xlsx", "")).code == "import-empty"
