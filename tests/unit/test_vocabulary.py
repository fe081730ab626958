"""What a carrier's words mean: the vocabularies of RULES section 2 (`R18`, `R19`)."""

from __future__ import annotations

import pytest

from sync.rules.lifecycle import TABLE
from sync.rules.vocabulary import MEANINGS, VOCABULARIES, Word, meaning

# RULES section 2, row by row: (our status, TikTok, EPCIS bizStep / disposition, AfterShip)
BOOK = [
    ("told", "AWAITING_SHIPMENT", ("", "reserved"), ("Pending", "")),
    ("told", "UNPAID", ("packing", "container_closed"), ("Pending", "Pending_001")),
    ("told", "AWAITING_COLLECTION", ("staging_outbound", "in_progress"), ("InfoReceived", "")),
    ("scan", "IN_TRANSIT", ("transporting", "in_transit"), ("InTransit", "InTransit_003")),
    ("delivered", "DELIVERED", ("accepting", ""), ("Delivered", "Delivered_003")),
    ("returning", None, ("shipping", "returned"), ("Exception", "Exception_010")),
    ("returned", "returned_to_shipper_refused", ("receiving", "returned"), ("Exception", "Exception_011")),
    ("lost", "package_lost", ("", "unknown"), ("Exception", "Exception_013")),
    ("damaged", "package_damaged", ("inspecting", "damaged"), ("Exception", "Exception_012")),
]


@pytest.mark.parametrize(("wanted", "tiktok", "epcis", "aftership"), BOOK)
def test_every_row_of_the_book(
    wanted: str, tiktok: str | None, epcis: tuple[str, str], aftership: tuple[str, str]
) -> None:
    if tiktok:
        assert meaning(Word(tiktok), "tiktok") == wanted
    assert meaning(Word(*epcis), "epcis") == wanted
    assert meaning(Word(*aftership), "aftership") == wanted


def test_what_moves_a_parcel_is_a_row_of_the_table() -> None:
    for word in set(MEANINGS) - {"told", "scan", "attempt"}:
        assert f"carrier_scan.{word}" in TABLE


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        (Word("OutForDelivery"), "out_for_delivery"),
        (Word("out_for_delivery"), "out_for_delivery"),
        (Word("Out for delivery"), "out_for_delivery"),
        (Word("AttemptFail", "AttemptFail_002"), "attempt"),
        (Word("Exception"), "scan"),
        (Word("Exception", "Exception_099"), "scan"),
        (Word("Exception_013"), "lost"),
        (Word("in_transit"), "scan"),
        (Word("IN_TRANSIT"), "scan"),
        (Word("COMPLETED"), "delivered"),
        (Word("CANCELLED", "package_lost_in_transit"), "lost"),
        (Word("urn:epcglobal:cbv:bizstep:inspecting", "urn:epcglobal:cbv:disp:damaged"), "damaged"),
        (
            Word("https://ref.gs1.org/cbv/BizStep-receiving", "https://ref.gs1.org/cbv/Disp-returned"),
            "returned",
        ),
        (Word("returned"), "returned"),
    ],
)
def test_a_word_is_understood_whoever_says_it(word: Word, wanted: str) -> None:
    assert meaning(word) == wanted


@pytest.mark.parametrize("word", ["accepting", "unknown", "Teleported", "", "ส่งแล้ว", "5"])
def test_a_word_nobody_knows_is_never_guessed(word: str) -> None:
    assert meaning(Word(word)) is None


def test_a_shops_own_translation_goes_first_and_must_lead_somewhere() -> None:
    own = {"ส่งสำเร็จ": "delivered", "Exception": "lost", "5": "delivered", "bad": "teleported"}
    assert meaning(Word("ส่งสำเร็จ"), own=own) == "delivered"
    assert meaning(Word("exception"), "aftership", own) == "lost"
    assert meaning(Word("5"), own=own) == "delivered"
    assert meaning(Word("bad"), own=own) is None


def test_a_named_vocabulary_is_the_only_one_asked() -> None:
    assert meaning(Word("OutForDelivery"), "tiktok") is None
    assert meaning(Word("Delivered"), "klingon") is None
    assert set(VOCABULARIES) == {"baton", "aftership", "epcis", "tiktok"}
