"""The rule packs: each can be read, says where its numbers are from, and counts days as its market does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from sync.protocol.problems import Problem
from sync.rules import pack
from webapp import settings

MARKETS = ("guide", "id", "my", "ph", "sg", "th", "vn")
PLAIN = 'name = "x"\nversion = "1"\nzone = "UTC"\n'


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_there_is_a_pack_for_the_guide_and_each_market() -> None:
    assert pack.names() == MARKETS


def test_a_shop_can_choose_each_market_that_has_a_pack_and_no_other() -> None:
    assert sorted(market.lower() for market in settings.MARKETS) == sorted(pack.names())


def test_a_shops_own_zone_beats_its_markets() -> None:
    assert pack.zone_of("ID").key == "Asia/Jakarta"
    assert pack.zone_of("ID", "Asia/Makassar").key == "Asia/Makassar"
    assert pack.zone_of("guide").key == pack.zone_of("nowhere").key == "Asia/Kuala_Lumpur"


@pytest.mark.parametrize("name", MARKETS)
def test_every_number_has_a_source_and_every_pack_a_date(name: str) -> None:
    held = pack.load(name)
    datetime.fromisoformat(held.version)
    for term in held.terms:
        assert len(term.source) > 20
        assert ("Guide: “" in term.source or "Baton's own" in term.source) == (name == "guide")


def test_a_market_without_numbers_is_judged_by_the_guide() -> None:
    terms = pack.load("SG").term_list("tiktok", is_preorder=False)
    assert {(term.rule, term.pack) for term in terms} >= {
        ("deemed_lost", "guide"),
        ("status_update", "guide"),
    }


def test_vietnams_own_cancellation_replaces_the_guides_for_standard_orders_of_the_marketplace_only() -> None:
    def cancels(shipping: str | None, *, is_preorder: bool) -> set[tuple[str, str]]:
        terms = pack.load("VN").term_list(shipping, is_preorder=is_preorder)
        return {(term.pack, term.unless) for term in terms if term.rule == "deemed_cancelled"}

    assert cancels("tiktok", is_preorder=False) == {("vn", "ready"), ("vn", "in_transit")}
    assert cancels("tiktok", is_preorder=True) == {("guide", "in_transit")}
    assert cancels("seller", is_preorder=False) == {("guide", "in_transit")}
    assert cancels(None, is_preorder=False) == {("guide", "in_transit")}


def term_of(market: str, rule: str, unless: str) -> tuple[pack.Pack, pack.Term]:
    held = pack.load(market)
    (term,) = [term for term in held.terms if (term.rule, term.unless) == (rule, unless)]
    return held, term


@pytest.mark.parametrize(
    ("placed", "due"),
    [
        # Vietnam works Monday to Saturday; times are UTC, the day ends there at 16:59:59.
        ("2026-11-26T03:00:00", "2026-11-28T16:59:59"),  # Thursday: Friday, Saturday
        ("2026-11-27T03:00:00", "2026-11-30T16:59:59"),  # Friday: Saturday, Monday
        ("2026-11-26T18:00:00", "2026-11-30T16:59:59"),  # already Friday there
        ("2026-04-28T03:00:00", "2026-05-02T16:59:59"),  # 30 April and 1 May are public holidays
    ],
)
def test_working_days_skip_the_markets_days_off_and_holidays(placed: str, due: str) -> None:
    held, term = term_of("VN", "deemed_cancelled", "ready")
    assert held.due(term, at(placed)) == at(due)


@pytest.mark.parametrize(
    ("placed", "due"),
    [
        ("2026-11-26T06:59:59", "2026-11-26T16:59:59"),  # one second before 14:00 in Hanoi
        ("2026-11-26T07:00:00", "2026-11-27T16:59:59"),  # at 14:00
        ("2026-11-29T03:00:00", "2026-11-30T16:59:59"),  # on a Sunday
    ],
)
def test_a_cut_off_moves_what_came_later_to_the_next_working_day(placed: str, due: str) -> None:
    held, term = term_of("VN", "handover_by", "handed_over")
    assert held.due(term, at(placed)) == at(due)


def test_a_day_that_summer_time_makes_shorter_still_ends_at_its_last_second() -> None:
    text = PLAIN.replace("UTC", "Europe/Berlin") + (
        '[[term]]\nrule = "r"\nsince = "created"\nworking_days = 1\nunless = "ready"\nsource = "a test of clocks"\n'
    )
    held = pack.read(text)
    assert held.due(held.terms[0], at("2026-03-28T12:00:00")) == at("2026-03-29T21:59:59")
    hours = pack.read(text.replace("working_days = 1", "hours = 24"))
    assert hours.due(hours.terms[0], at("2026-03-28T12:00:00")) == at("2026-03-29T12:00:00")


@pytest.mark.parametrize(
    "wrong",
    [
        "not toml",
        PLAIN.replace("zone", "zoen"),
        PLAIN.replace("UTC", "Nowhere/Land"),
        PLAIN + '[[term]]\nrule="r"\nsince="created"\nunless="ready"\nsource="s"\n',
        PLAIN + '[[term]]\nrule="r"\nsince="created"\nhours=1\ndays=1\nunless="ready"\nsource="s"\n',
        PLAIN + '[[term]]\nrule="r"\nsince="never"\nhours=1\nunless="ready"\nsource="s"\n',
        PLAIN + '[[term]]\nrule="r"\nsince="created"\nhours=1\nunless="gone"\nsource="s"\n',
        PLAIN
        + '[[term]]\nrule="r"\nsince="created"\nhours=1\nunless="ready"\neffect="explode"\nsource="s"\n',
        PLAIN + '[[term]]\nrule="r"\nsince="created"\nhours=1\nunless="ready"\n',
    ],
)
def test_a_pack_that_cannot_be_right_is_refused(wrong: str) -> None:
    with pytest.raises(Problem) as refused:
        pack.read(wrong)
    assert refused.value.code == "rules-invalid"


@pytest.mark.parametrize("name", ["xx", "../guide", "guide.toml", ""])
def test_a_market_without_a_pack_is_refused_by_name(name: str) -> None:
    with pytest.raises(Problem):
        pack.load(name)


def test_a_number_is_said_in_words() -> None:
    words = {term.rule: term.number for term in pack.load("guide").terms}
    assert words["mark_shipped"] == "48 hours after “handed over”"
    assert words["deemed_lost"] == "12 days after the order"


def test_the_packs_travel_with_the_package() -> None:
    assert (resources.files("sync.rules") / "packs" / "vn.toml").is_file()
    assert timedelta(hours=120) in {term.after for term in pack.load("guide").terms}
