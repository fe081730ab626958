"""Why a row is refused: a stable code with the row, the column and a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass

# code -> what it is about; the message of each rejection says it for its own value.
CODES: dict[str, str] = {
    "id_missing": "A needed id is empty.",
    "id_scientific": "A spreadsheet has turned a long number into 5.76E+17; its last digits are gone.",
    "id_number": "A spreadsheet keeps this id as a number; its last digits are gone.",
    "id_rounded": "Every order id of the file ends in zeros after its 15th digit, as a spreadsheet rounds them.",
    "id_invalid": "This is not an id of 18 or 19 digits.",
    "status_missing": "There is no status.",
    "date_missing": "A needed time is empty.",
    "date_invalid": "This is not a date and time of the file's own order of day and month.",
    "quantity_invalid": "This is not a whole number of pieces.",
    "amount_invalid": "This is not an amount of money.",
    "weight_invalid": "This is not a weight.",
    "text_invalid": "This text cannot be used here.",
    "columns_extra": "The row has more cells than the header.",
    "row_conflict": "The same order and SKU is there twice with different content.",
    "order_held_back": "Another row of this order is refused, so all of the order is.",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One refused cell or row. `row` is the number a spreadsheet shows, `column` the export's heading or ''."""

    row: int
    column: str
    code: str
    message: str

    def as_dict(self) -> dict[str, int | str]:
        """The shape of the command line's and the page's `rejected`."""
        return {"row": self.row, "column": self.column, "code": self.code, "message": self.message}


def shown(value: object, length: int = 40) -> str:
    """A value as a message may quote it: short, on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= length else text[: length - 1] + "…"
