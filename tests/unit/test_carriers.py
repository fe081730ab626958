"""Whose a tracking number may be (`R15`, `R19`): the same in Python and on the phone, and never a wrong certainty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules import carriers
from sync.rules.carriers import BY_CODE, CHECKS, CONFIDENCE, TABLE, UNKNOWN, fits, guess, likely, named
from sync.rules.export import export
from webapp.services.keep_carriers import is_plain

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "carriers.json").read_text("utf-8"))


def test_guesses_are_those_of_the_vectors() -> None:
    for row in VECTORS["rows"]:
        told = [{"code": c.code, "name": c.name, "confidence": c.confidence} for c in guess(row["text"])]
        assert told == row["guess"], row["text"]
        sure = likely(row["text"])
        assert (sure.code if sure else None) == row["likely"], row["text"]
    assert carriers.for_phones() == VECTORS["known"]


def test_the_check_digit_is_that_of_the_standard() -> None:
    # RN473124829GB is the worked example of UPU S10.
    assert carriers.s10_check("47312482") == 9
    assert {serial: carriers.s10_check(serial) for serial in VECTORS["s10"]} == VECTORS["s10"]


@given(st.integers(0, 99_999_999), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_of_an_s10_number_is_no_guess(serial: int, at: int, off: int) -> None:
    digits = f"{serial:08}"
    whole = digits + str(carriers.s10_check(digits))
    assert likely(f"EE{whole}MY") is not None
    wrong = whole[:at] + str((int(whole[at]) + off) % 10) + whole[at + 1 :]
    # The standard folds two remainders into digits that others have too: only there may a wrong digit pass.
    if likely(f"EE{wrong}MY") is not None:
        assert carriers.s10_check(wrong[:8]) in {0, 5}


@pytest.mark.parametrize("digits", [10, 11, 12, 13, 14, 15, 16])
def test_digits_alone_are_never_believed_to_be_one_carriers(digits: int) -> None:
    assert likely("6" * digits) is None


def test_two_carriers_that_begin_alike_are_both_told() -> None:
    told = guess("TH4701CBYHA0A1B")
    assert [(candidate.code, candidate.confidence) for candidate in told] == [
        ("flash-express", "shape"),
        ("spx", "shape"),
    ]


def test_every_form_has_a_source_and_is_plain_enough_for_every_scan() -> None:
    for carrier in TABLE:
        for form in carrier.patterns:
            assert form.source, carrier.code
            assert form.confidence in CONFIDENCE
            assert (form.check is not None) == (form.confidence == "check")
            assert form.check is None or form.check in CHECKS
            assert is_plain(form.pattern), f"{carrier.code}: {form.pattern}"


def test_codes_and_names_are_each_one_carriers() -> None:
    names = [name for carrier in TABLE for name in {carrier.code, carrier.name, *carrier.names}]
    assert len({carrier.code for carrier in TABLE}) == len(TABLE)
    for name in names:
        assert named(name) is not None, name
    assert named("J&T express") is BY_CODE["jt-express"]
    assert named("KERRY-EXPRESS") is BY_CODE["kex"]
    assert named("Somebody's van") is None


def test_a_carrier_of_which_nothing_is_public_is_never_guessed() -> None:
    assert {"lbc", "dhl-ecommerce", "city-link", "gdex"} <= set(UNKNOWN)
    assert all(not BY_CODE[code].patterns for code in UNKNOWN)


def test_a_shops_carrier_begins_with_the_surest_form() -> None:
    assert carriers.starting_pattern(BY_CODE["pos-malaysia"]) == (r"[A-Z]{2}\d{9}MY", "s10")
    pattern, check = carriers.starting_pattern(BY_CODE["lazada-logistics"])
    assert check is None
    assert fits(pattern, check, "lexvn00123456")
    assert fits(pattern, check, "LXAD-12345678")
    assert carriers.starting_pattern(BY_CODE["lbc"]) == (None, None)
    for carrier in TABLE:
        pattern, _ = carriers.starting_pattern(carrier)
        assert pattern is None or is_plain(pattern), carrier.code


def test_a_pattern_counts_only_as_a_whole_and_a_strange_check_never_fits() -> None:
    assert fits(r"JT\d{2}", None, " jt 12 ")
    assert not fits(r"JT\d{2}", None, "XJT12")
    assert not fits(r"JT\d{2}", None, "JT123")
    assert not fits(r"[A-Z]{2}\d{9}MY", "luhn", "EE876543216MY")
    assert not fits(None, None, "JT12")


def test_phones_get_the_table_and_the_shops_own_carriers() -> None:
    own = {"code": "jt", "name": "J&T", "tracking_pattern": "JX.*", "check": None, "built_in": "jt-express"}
    rules = export([own])
    assert rules["carriers"] == [own]
    assert rules["known_carriers"] == carriers.for_phones()
