"""What one cell says: ids that stay text, numbers in the market's own style, clean words.

Each reader takes a cell and gives its value, or raises `Unreadable` with a code of `rejections`.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation

from webapp.services.importing.meaning.rejections import shown
from webapp.services.importing.reading.table import Cell

_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_LONG_ID = re.compile(r"\d{18,19}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NUMBER = re.compile(r"-?\d[\d.,]*")
_CURRENCY = re.compile(r"^[^\d(),.-]{0,6}|[^\d(),.-]{0,6}$")
_GROUPED = re.compile(r"\d{1,3}(?:([.,\u00a0\u202f' ])\d{3})(?:\1\d{3})*")
_MOST = Decimal(10) ** 15


class Unreadable(Exception):
    """A cell that cannot be read: the rejection's code and its sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


def words(cell: Cell) -> str:
    """Text without the tabs that Seller Center hangs on ids, without characters nobody can see."""
    if isinstance(cell, str):
        text = cell.strip()
        # Nearly every cell is plain: not looking for what cannot be there is worth a third of the import.
        return text if text.isascii() and text.isprintable() else _CONTROL.sub("", text).strip()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.isoformat(sep=" ")


def marketplace_id(cell: Cell) -> str:
    """An id of 18 or 19 digits. Raises Unreadable: id_missing, id_number, id_scientific, id_invalid."""
    text = key(cell)
    if not text:
        raise Unreadable("id_missing", "The id is empty.")
    if not (_LONG_ID.fullmatch(text) and text.isascii()):
        raise Unreadable("id_invalid", f"“{shown(text)}” is not an id of 18 or 19 digits.")
    return text


def package_id(cell: Cell) -> str | None:
    """A package's id, or None; digits as the marketplace writes them, 15 to 20 of them."""
    text = key(cell)
    if not text or text in _NOTHING:
        return None
    if not (text.isascii() and text.isdigit() and 15 <= len(text) <= 20):
        raise Unreadable("id_invalid", f"“{shown(text)}” is not a package id.")
    return text


def tracking_number(cell: Cell) -> str | None:
    """A carrier's number as stored and compared (upper case, no spaces), or None."""
    text = re.sub(r"\s+", "", key(cell)).upper()
    if not text or text in _NOTHING:
        return None
    if len(text) > 64 or not text.isascii() or not text.isprintable():
        raise Unreadable("id_invalid", f"“{shown(text)}” is not a tracking number.")
    return text


_NOTHING = frozenset({"-", "/", "--", "N/A", "NULL"})


def key(cell: Cell) -> str:
    """An id as text, '' when empty. Raises Unreadable when a spreadsheet has made a number of it.

    A number of up to 15 digits is still exact, so a short tracking number survives; longer ones do not.
    """
    if isinstance(cell, bool | datetime):
        raise Unreadable("id_invalid", f"“{shown(cell)}” is not an id.")
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 10**15:
            return str(int(cell))
        raise Unreadable("id_number", f"A spreadsheet keeps this id as the number {cell!r}; {_LOST}")
    text = words(cell).lstrip("'’`").strip()
    # ="5764…" is how some tools keep a spreadsheet from touching an id.
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    if _SCIENTIFIC.fullmatch(text):
        raise Unreadable("id_scientific", f"A spreadsheet has turned this id into {shown(text)}; {_LOST}")
    return text


_LOST = "its last digits are gone. Export the file again and import it without opening it in between."


def quantity(cell: Cell, default: int | None = None) -> int:
    """Whole pieces, 0 to a million; `default` for an empty cell. Raises Unreadable quantity_invalid."""
    text = words(cell)
    if not text and default is not None:
        return default
    if re.fullmatch(r"\d{1,7}(?:[.,]0+)?", text):
        number = int(re.split(r"[.,]", text)[0])
        if number <= 1_000_000:
            return number
    raise Unreadable("quantity_invalid", f"“{shown(text)}” is not a whole number of pieces.")


def money(cell: Cell) -> Decimal | None:
    """An amount in the order's own currency, None for an empty cell. Raises Unreadable amount_invalid.

    Reads `MYR 12.50`, `Rp 12.000`, `12,50`, `₫1.200.000`, `1,234.50`, `(5.00)`. No currency of these
    markets has three decimals, so a last group of three digits is thousands.
    """
    if isinstance(cell, float) and not isinstance(cell, bool):
        return _bounded(Decimal(repr(cell)), "amount_invalid", "0.01")
    text = words(cell)
    if not text or text in _NOTHING:
        return None
    bare = _CURRENCY.sub("", text).strip()
    is_negative = bare.startswith(("-", "(")) or text.startswith("-")
    digits = _decimal_point(bare.strip("()- "), thousands_of_three=True)
    if digits is None:
        raise Unreadable("amount_invalid", f"“{shown(text)}” is not an amount.")
    return _bounded(Decimal(f"-{digits}" if is_negative else digits), "amount_invalid", "0.01")


def weight(cell: Cell) -> Decimal | None:
    """Kilograms, None for an empty cell: `0.500`, `0,5`, `1.250 kg`. Raises Unreadable weight_invalid."""
    if isinstance(cell, float) and not isinstance(cell, bool):
        return _bounded(Decimal(repr(cell)), "weight_invalid", "0.001")
    text = words(cell)
    if not text or text in _NOTHING:
        return None
    # Only from where spaces begin: from each of many, the search would go through all the others.
    bare = re.sub(r"(?<!\s)\s*kg$", "", text, flags=re.IGNORECASE)
    digits = _decimal_point(bare, thousands_of_three=False)
    if digits is None:
        raise Unreadable("weight_invalid", f"“{shown(text)}” is not a weight in kilograms.")
    return _bounded(Decimal(digits), "weight_invalid", "0.001", Decimal(10_000))


def _decimal_point(text: str, *, thousands_of_three: bool) -> str | None:
    """Digits with at most one point; None for what is no number."""
    grouped = _GROUPED.fullmatch(text)
    if grouped and (thousands_of_three and not text.startswith("0")):
        return re.sub(r"\D", "", text)
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        return text.replace(",", ".")
    # Both marks: the last one is the decimal mark, the other one groups thousands.
    both = re.fullmatch(r"(\d{1,3}(?:([.,' \u00a0\u202f])\d{3})+)(?!\2)[.,](\d{1,2})", text)
    if both:
        return re.sub(r"\D", "", both[1]) + "." + both[3]
    return None


def _bounded(number: Decimal, code: str, step: str, most: Decimal = _MOST) -> Decimal:
    try:
        if abs(number) < most:
            return number.quantize(Decimal(step))
    except InvalidOperation:
        pass
    raise Unreadable(code, f"{shown(number)} is out of range.")
