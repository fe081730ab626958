"""The office has a word and an icon for all that the rules know, and says times as a shop reads them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync.rules import pack
from sync.rules.anomalies import CATALOGUE
from sync.rules.lifecycle import STATUSES, TABLE
from sync.rules.parcel import Flags
from tests.support.programs import ROOT
from webapp.office import context, rule_words, times, words
from webapp.services.review_proof import REASONS, VERDICTS

MANILA = ZoneInfo("Asia/Manila")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_every_status_kind_severity_and_verdict_has_words() -> None:
    kinds = {row.partition(".")[0] for row in TABLE}
    assert set(STATUSES) == set(words.STATUSES)
    assert kinds <= set(words.KINDS)
    assert {kind.severity for kind in CATALOGUE.values()} <= set(words.SEVERITIES)
    assert set(VERDICTS) <= set(words.PROOFS)


def test_a_cancellation_that_is_only_asked_for_or_taken_back_is_called_so() -> None:
    assert words.kind_words("cancel").word == "Cancelled"
    assert words.kind_words("cancel", {"requested": True}).word == "Cancellation asked for"
    assert words.kind_words("cancel", {"withdrawn": True}).word == "Cancellation taken back"


def test_every_flag_that_is_set_is_shown() -> None:
    every = {name: True for name, value in Flags().as_dict().items() if value is False}
    shown = words.flag_words({**every, "attempts": 2, "reported": ["short_count", "damage"]})
    assert len(shown) == len(every) + 2
    assert words.flag_words(None) == []
    assert words.flag_words(Flags().as_dict()) == []


def test_every_icon_the_office_names_is_in_the_sprite() -> None:
    [sprite] = (ROOT / "webapp/static").glob("vendor/lucide-*/sprite.svg")
    have = set(re.findall(r'<symbol id="([\w-]+)"', sprite.read_text()))
    templates = [*(ROOT / "webapp/templates").rglob("*.html")]
    named = {name for path in templates for name in re.findall(r'\bicon\("([\w-]+)"', path.read_text())}
    named |= {it.icon for listed in (words.STATUSES, words.KINDS, words.SEVERITIES) for it in listed.values()}
    named |= {it.icon for it in words.PROOFS.values()} | {page[2] for page in context.PAGES}
    assert named - have == set()


def test_every_reason_for_a_rejection_tells_the_phones_person_what_to_do() -> None:
    assert all(desk and (phone or code == "other") for code, (desk, phone) in REASONS.items())


def test_the_office_calls_the_place_for_a_typed_code_as_the_phone_does() -> None:
    phone = (ROOT / "webapp/templates/field/_enrol.html").read_text()
    label = re.search(r'<label for="enrol-code">([^<]+)</label>', phone)
    assert label
    assert f"under “{label[1]}”" in (ROOT / "webapp/templates/office/phone_code.html").read_text()


def test_what_the_marketplace_calls_canceled_is_spelt_as_in_the_office() -> None:
    assert words.marketplace_word("Canceled") == words.status_words("cancelled").word
    assert words.marketplace_word("To ship") == "To ship"
    assert words.marketplace_word(None) == ""


def test_where_a_number_was_read_opens_its_page_and_has_the_offices_dates() -> None:
    told = "seller-th.tiktok.com/university/essay?knowledge_id=1, of 2025-08-01: not ready"
    it = rule_words.source_words(told)
    assert it.address == "https://seller-th.tiktok.com/university/essay?knowledge_id=1"
    assert (it.site, it.said) == ("seller-th.tiktok.com", ", of 1 Aug 2025: not ready")
    own = rule_words.source_words("Guide: “after 15 days, e.g. by then.”")
    assert (own.address, own.said) == ("", "Guide: “after 15 days, e.g. by then.”")
    for name in pack.names():
        for term in pack.load(name).terms:
            assert bool(rule_words.source_words(term.source).address) == (name != "guide"), term.source


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-90), "in the future"),
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_how_long_ago_is_said_in_its_largest_unit(ago: timedelta, said: str) -> None:
    assert times.ago_text(NOON - ago, NOON) == said


def test_a_time_is_told_in_the_shops_zone_and_with_the_year_only_when_it_is_another() -> None:
    assert times.local_text(NOON, MANILA, NOON) == "22 Nov, 20:00"
    assert times.local_text(NOON, MANILA, NOON, seconds=True) == "22 Nov, 20:00:00"
    assert times.local_text(NOON - timedelta(days=400), MANILA, NOON) == "18 Oct 2025, 20:00"
    # New Year comes to Manila eight hours before it comes to UTC.
    eve = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)
    assert times.local_text(eve, MANILA, eve) == "1 Jan, 02:00"


def test_a_days_bounds_are_the_shops_midnights() -> None:
    first, until = times.day_bounds(date(2026, 11, 22), date(2026, 11, 22), MANILA)
    assert first == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert until == datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    assert times.day_bounds(None, None, MANILA) == (None, None)
    assert times.today(datetime(2026, 11, 22, 17, 0, tzinfo=UTC), MANILA) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (363_400, "363 kB"),
        (4_200_000, "4.2 MB"),
        (900e6, "900 MB"),
        (10_737e6, "10.7 GB"),
    ],
)
def test_a_size_is_said_with_as_few_digits_as_tell_it(count: float, said: str) -> None:
    assert words.size_words(count) == said


def test_a_number_of_a_pack_is_of_a_market_and_a_day() -> None:
    assert rule_words.pack_words("id 2025-08-27") == "Indonesia, 27 Aug 2025"
    assert rule_words.pack_words("guide 2026-11-22") == "Seller’s guide, 22 Nov 2026"
    assert rule_words.pack_words("marketplace") == "the marketplace’s own time"
    markets = {name.upper() for name in pack.names()} - {"GUIDE"}
    assert markets == set(rule_words.MARKET_NAMES)
