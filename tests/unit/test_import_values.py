"""What one cell of an export says: ids stay text, numbers are read in every market's style."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.services.importing.meaning import values
from webapp.services.importing.meaning.values import Unreadable


def code_of(reader, cell) -> str:
    with pytest.raises(Unreadable) as refused:
        reader(cell)
    return refused.value.code


@given(st.integers(10**17, 10**19 - 1))
def test_an_id_of_18_or_19_digits_comes_back_digit_for_digit(number: int) -> None:
    for written in (f"{number}", f"{number}\t", f"'{number}", f' "{number}'.replace('"', ""), f'="{number}"'):
        assert values.marketplace_id(written) == str(number)


@pytest.mark.parametrize("text", ["5.76E+17", "5.76461E+17\t", "5,76E+17", "5e17", "'5.76E+17", "1E18"])
def test_an_id_that_a_spreadsheet_made_scientific_is_refused_by_that_name(text: str) -> None:
    assert code_of(values.marketplace_id, text) == "id_scientific"
    assert code_of(values.package_id, text) == "id_scientific"
    assert code_of(values.tracking_number, text) == "id_scientific"


def test_an_id_that_a_workbook_keeps_as_a_number_is_refused_by_that_name() -> None:
    assert code_of(values.marketplace_id, 5.764607523034235e17) == "id_number"
    assert code_of(values.package_id, 1.15e18) == "id_number"


def test_a_short_tracking_number_survives_as_a_number_because_it_is_still_exact() -> None:
    assert values.tracking_number(630012345678.0) == "630012345678"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "id_missing"),
        ("\t", "id_missing"),
        ("12345", "id_invalid"),
        ("1" * 20, "id_invalid"),
        ("57646075230342348A", "id_invalid"),
        ("５７６４６０７５２３０３４２３４８８", "id_invalid"),
        ("-57646075230342348", "id_invalid"),
        (True, "id_invalid"),
        (datetime(2026, 11, 22), "id_invalid"),
    ],
)
def test_anything_else_is_no_id(text: object, code: str) -> None:
    assert code_of(values.marketplace_id, text) == code


def test_a_tracking_number_is_kept_upper_case_and_without_spaces() -> None:
    assert values.tracking_number(" my6000 0001a\t") == "MY60000001A"
    assert values.tracking_number("-") is None
    assert code_of(values.tracking_number, "x" * 65) == "id_invalid"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("MYR 12.50", "12.50"),
        ("12,50", "12.50"),
        ("Rp 12.000", "12000"),
        ("Rp12.000.000", "12000000"),
        ("₫1.200.000", "1200000"),
        ("1.200.000 ₫", "1200000"),
        ("฿1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("0.00", "0"),
        ("0", "0"),
        ("-5.00", "-5"),
        ("(5.00)", "-5"),
        ("RM-5.00", "-5"),
        ("SGD 7", "7"),
        (12.5, "12.50"),
    ],
)
def test_money_is_read_in_every_markets_style(text: object, amount: str) -> None:
    assert values.money(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["abc", "1.2.3", "12,34,5", "1.23.456", "1e400", "9" * 30, "1,2345.6"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    assert code_of(values.money, text) == "amount_invalid"


@given(st.decimals(0, 10**9, places=2), st.sampled_from(["MYR {}", "{}", "${}"]))
def test_money_written_plainly_comes_back(amount: Decimal, form: str) -> None:
    assert values.money(form.format(f"{amount:,.2f}")) == amount
    assert values.money(form.format(f"{amount:.2f}")) == amount


@pytest.mark.parametrize(
    ("text", "kg"), [("0.500", "0.5"), ("0,5", "0.5"), ("1.250 kg", "1.25"), ("2", "2"), (0.35, "0.35")]
)
def test_three_digits_of_a_weight_are_grams_and_not_thousands(text: object, kg: str) -> None:
    assert values.weight(text) == Decimal(kg)


def test_a_weight_of_ten_tons_is_refused() -> None:
    assert code_of(values.weight, "10000") == "weight_invalid"
    assert code_of(values.weight, "heavy") == "weight_invalid"


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("12\t", 12), (2.0, 2), ("3.0", 3), ("0", 0)])
def test_a_quantity_is_whole_pieces(text: object, number: int) -> None:
    assert values.quantity(text) == number


@pytest.mark.parametrize("text", ["", "1.5", 1.5, "-1", "two", "1000001", "1e3", True])
def test_anything_else_is_no_quantity(text: object) -> None:
    assert code_of(values.quantity, text) == "quantity_invalid"


@given(st.text())
def test_words_never_keep_what_nobody_can_see(text: str) -> None:
    clean = values.words(text)
    assert clean == clean.strip()
    assert not any(char in clean for char in "\x00\u200b\u202e\ufeff")
    assert values.words(clean) == clean


@given(st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.datetimes()))
def test_no_cell_breaks_a_reader(cell: object) -> None:
    for reader in (
        values.marketplace_id,
        values.package_id,
        values.tracking_number,
        values.money,
        values.weight,
        values.quantity,
    ):
        with suppress(Unreadable):
            reader(cell)


def test_a_refusal_quotes_a_long_value_shortly() -> None:
    with pytest.raises(Unreadable) as refused:
        values.money("x" * 5000 + "\n")
    assert len(refused.value.message) < 100


@pytest.mark.timeout(30)
def test_a_weight_of_very_many_spaces_is_refused_at_once() -> None:
    assert code_of(values.weight, "1" + " " * 32_000 + "x") == "weight_invalid"
    assert values.weight("1" + " " * 32_000 + "kg") == Decimal("1.000")
