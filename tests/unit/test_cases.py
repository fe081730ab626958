"""Cases by rule: the complaint's deadline (R30), who bears the cost (R9), money back (R26), the letters (R23, R31)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sync.rules import letters
from sync.rules.cases import FAULTS, KINDS, Paid, due_at, is_on_delivery, refund_of

OPENED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_r30_a_complaint_has_forty_days_and_nothing_else_has_a_time_without_a_source() -> None:
    assert due_at("complaint", OPENED) == OPENED + timedelta(days=40)
    assert [kind for kind in KINDS if due_at(kind, OPENED)] == ["complaint"]


def test_r9_a_bad_label_is_at_the_sellers_cost() -> None:
    assert FAULTS["seller_label"][1] == "the seller"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("Cash on delivery", True),
        ("COD", True),
        ("cash on Delivery (COD)", True),
        ("Bayar di Tempat", True),
        ("Bayaran tunai semasa penghantaran", True),
        ("เก็บเงินปลายทาง", True),
        ("Thanh toán khi nhận hàng", True),
        ("Thu hộ", True),
        ("货到付款", True),
        ("Online banking", False),
        ("Credit card", False),
        ("GoPay, code 12", False),
        ("", False),
        (None, False),
    ],
)
def test_what_is_paid_at_the_door_is_known_in_every_market(method: str | None, answer: bool) -> None:
    assert is_on_delivery(method) is answer


PREPAID = Paid("1", Decimal("54.80"), "Online banking")
AT_THE_DOOR = Paid("2", Decimal("10.00"), "Cash on delivery")


@pytest.mark.parametrize(
    ("kind", "orders", "state", "amount"),
    [
        ("refund", [PREPAID], "expected", Decimal("54.80")),
        ("loss", [PREPAID, AT_THE_DOOR], "expected", Decimal("54.80")),
        ("damage", [PREPAID, Paid("3", None, "Card")], "expected", None),
        ("refund", [AT_THE_DOOR], "none", None),
        ("refund", [], "none", None),
        ("complaint", [PREPAID], "none", None),
        ("appeal", [PREPAID], "none", None),
        ("force_majeure", [PREPAID], "none", None),
    ],
)
def test_r26_what_was_paid_beforehand_comes_back_and_cash_on_delivery_leaves_nothing(
    kind: str, orders: list[Paid], state: str, amount: Decimal | None
) -> None:
    refund = refund_of(kind, orders)
    assert (refund.state, refund.amount) == (state, amount)
    assert refund.why


def test_r23_and_r31_letters_are_written_in_the_language_of_every_market() -> None:
    for letter in ("refund_notice", "ticket"):
        assert letters.languages_of(letter) == list(letters.LANGUAGES)
    assert set(letters.BY_MARKET.values()) <= set(letters.LANGUAGES)


@pytest.mark.parametrize("letter", letters.LETTERS)
def test_a_letter_has_its_values_in_and_shows_what_is_missing(letter: str) -> None:
    values = {name: f"<{name}>" for name in letters.GAPS}
    for language in letters.languages_of(letter):
        text = letters.write(letter, language, values)
        assert {"<orders>", "<what>", "<shop>", "<number>"} <= {
            name for name in values.values() if name in text
        }
        assert "{" not in text
        assert "…" not in text
        assert "…" in letters.write(letter, language, {})
