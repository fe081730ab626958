"""Parcel codes: what is forgiven, what is refused, and that the check character earns its place."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.protocol import codes

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "codes.json").read_text("utf-8"))
CODES = st.integers(0, 2**32).map(lambda seed: codes.new_code(random.Random(seed).randrange))


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: repr(case["typed"]))
def test_a_typed_code_is_read_as_printed(case: dict[str, str]) -> None:
    assert codes.normalise(case["typed"]) == case["code"]


@pytest.mark.parametrize("typed", VECTORS["invalid"], ids=repr)
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(codes.CodeInvalid) as refused:
        codes.normalise(typed)
    assert refused.value.code == "code-invalid"
    assert not codes.is_code(typed)


@settings(max_examples=60, deadline=None)
@given(code=CODES)
def test_every_single_wrong_character_is_refused(code: str) -> None:
    for place, right in enumerate(code):
        for wrong in codes.ALPHABET:
            if wrong != right:
                assert not codes.is_code(code[:place] + wrong + code[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(code=CODES)
def test_every_swap_of_two_characters_is_refused(code: str) -> None:
    for first in range(codes.LENGTH):
        for second in range(first + 1, codes.LENGTH):
            chars = list(code)
            chars[first], chars[second] = chars[second], chars[first]
            assert codes.is_code("".join(chars)) == (code[first] == code[second])


@given(code=CODES)
def test_a_code_survives_printing_and_careless_typing(code: str) -> None:
    printed = codes.pretty(code)
    assert [len(part) for part in printed.split("-")] == [4, 4, 4]
    careless = printed.lower().replace("0", "o").replace("1", "i").replace("-", " - ")
    assert codes.normalise(careless) == code


def test_the_check_character_is_the_value_of_the_eleven_modulo_37() -> None:
    for seed in range(200):
        code = codes.new_code(random.Random(seed).randrange)
        value = 0
        for char in code[:11]:
            value = value * 32 + codes.ALPHABET.index(char)
        assert value % 37 == codes.ALPHABET.index(code[11])


def test_the_generator_draws_again_when_no_ordinary_check_character_fits() -> None:
    draws = iter([36, 32, 5])
    assert codes.new_code(lambda _: next(draws)) == "000000000055"


@given(text=st.text(max_size=40))
def test_a_tracking_number_always_derives_the_same_valid_code(text: str) -> None:
    assert codes.is_code(codes.derived_code(text))
    assert codes.derived_code(text) == codes.derived_code(text)


def test_tracking_numbers_compare_without_case_and_white_space() -> None:
    assert codes.tracking_key(" jx 123\u00a0abc\n") == "JX123ABC"
