"""Seller Center exports made up for tests: rows by field, written as CSV or as a workbook by hand."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from webapp.services.importing.reading.columns import HEADINGS

FIELDS = tuple(HEADINGS)
Row = Mapping[str, Any]


def order_id(number: int) -> str:
    """An id of 18 digits as the marketplace makes them."""
    return str(576_460_000_000_000_013 + 7_919 * number)


def sku_id(number: int) -> str:
    """An id of 19 digits."""
    return str(1_729_000_000_000_000_007 + 31 * number)


def row(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One good row of an order that waits to be shipped; days above 12 tell how dates are written."""
    return {
        "order_id": order_id(number),
        "status": "To ship",
        "substatus": "Awaiting shipment",
        "sku_id": sku_id(number),
        "seller_sku": f"SKU-{number}",
        "product": "Batik shirt",
        "quantity": "1",
        "amount": "MYR 54.80",
        "created_at": "20/11/2026 09:00:00",
        "warehouse": "Main warehouse",
        "provider": "J&T Express",
        "recipient": "R*** T***",
        **fields,
    }


def ready(number: int = 1, **fields: Any) -> dict[str, Any]:
    """The same once the label was made: awaiting collection, with a package and a tracking number."""
    made = {
        "substatus": "Awaiting collection",
        "rts_at": "20/11/2026 11:00:00",
        "package_id": str(1_150_000_000_000_000_000 + number),
        "tracking": f"MY{600_000_000_000 + number}",
    }
    return row(number, **{**made, **fields})


def shipped(number: int = 1, **fields: Any) -> dict[str, Any]:
    """The same when the carrier has it."""
    return ready(
        number,
        **{"status": "Shipped", "substatus": "In transit", "shipped_at": "20/11/2026 18:00:00", **fields},
    )


def as_csv(
    rows: Iterable[Row],
    *,
    fields: Sequence[str] = FIELDS,
    separator: str = ",",
    described: bool = False,
    tabs: bool = False,
) -> str:
    """The text of a CSV file; with the row of descriptions and the tabs behind ids where asked for."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, delimiter=separator)
    lines.writerow([HEADINGS.get(field, field) for field in fields])
    if described:
        lines.writerow(["Platform unique order ID." if f == "order_id" else f"About {f}." for f in fields])
    for each in rows:
        tail = "\t" if tabs else ""
        lines.writerow([f"{each[f]}{tail}" if f in each and each[f] != "" else "" for f in fields])
    return out.getvalue()


def write_csv(path: Path, rows: Iterable[Row], *, encoding: str = "utf-8-sig", **how: Any) -> Path:
    """A CSV file, with a byte order mark unless told otherwise."""
    path.write_bytes(as_csv(rows, **how).encode(encoding))
    return path


def write_xlsx(path: Path, rows: Iterable[Row], fields: Sequence[str] = FIELDS) -> Path:
    """A workbook in which text is text and a Python number is a number, as a spreadsheet would keep it."""
    table = [[HEADINGS.get(field, field) for field in fields]]
    table += [[each.get(field, "") for field in fields] for each in rows]
    lines = [
        f'<row r="{y}">'
        + "".join(_cell(x, y, value) for x, value in enumerate(cells) if value != "")
        + "</row>"
        for y, cells in enumerate(table, start=1)
    ]
    return write_workbook(path, "".join(lines))


def write_workbook(path: Path, rows_xml: str, *, extra: Mapping[str, bytes] | None = None) -> Path:
    """A workbook whose only sheet has these rows; its stated dimension is wrong, as in real exports."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'spreadsheetml.sheet.main+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="OrderSKUList" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><dimension ref="A1:A1"/><sheetData>{rows_xml}</sheetData></worksheet>',
        )
        for name, data in (extra or {}).items():
            book.writestr(name, data)
    return path


def _cell(x: int, y: int, value: Any) -> str:
    place = f"{_letters(x)}{y}"
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def _letters(x: int) -> str:
    text = ""
    while x >= 0:
        text, x = chr(65 + x % 26) + text, x // 26 - 1
    return text
