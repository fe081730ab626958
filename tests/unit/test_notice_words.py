"""The words of notices: whole in every language, and filled with nothing but what they are given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from webapp.services.notices import pace
from webapp.services.notices.kinds import ALWAYS, KINDS
from webapp.services.notices.quiet import quiet_until, read_hours
from webapp.services.notices.words import CODED, fill, fill_many, language_names, language_of, languages
from webapp.settings import MARKETS

MANILA = timezone(timedelta(hours=8))
GIVEN: dict[str, Any] = {
    "order": "578", "until": "2026-11-28T04:00:00.000Z", "cause": "lost", "reason": "Take it again.", "count": 3,
    "what": "Fire", "detail": "Look.", "about": "Order 578", "deadline": "delayed",
}  # fmt: skip


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", languages())
def test_a_language_has_all_the_words_and_the_same_placeholders_as_english(language: str) -> None:
    held, english = languages()[language], languages()["en"]
    assert held.keys() == english.keys()
    for name in (*KINDS, *CODED.values()):
        assert held[name].keys() == english[name].keys(), name
        for part, text in held[name].items():
            assert text.strip() == text != "", (name, part)
            assert placeholders(text) == placeholders(english[name][part]), (name, part)


def test_a_text_uses_only_what_its_kind_is_given() -> None:
    for name, kind in KINDS.items():
        words = languages()["en"][name]
        assert placeholders(words["subject"] + words["text"]) <= {*kind.params, *ALWAYS}, name
        assert ("many" in words) == kind.together, name


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", KINDS)
def test_every_notice_can_be_said_in_every_language(kind: str, language: str) -> None:
    words = fill(kind, GIVEN, language, shop="Toko", zone=MANILA)
    assert (
        not re.search(r"[{}]|2026-11-28T|\b(lost|delayed)\b", words.subject + words.text) or language == "en"
    )
    assert not re.search(r"[{}]|2026-11-28T", words.subject + words.text)


def test_every_market_has_a_language_and_the_seven_are_there() -> None:
    assert {language_of(market) for market in MARKETS} == {"en", "ms", "id", "th", "vi", "fil"}
    assert [code for code, _ in language_names()] == ["en", "fil", "id", "ms", "th", "vi", "zh"]
    assert language_of("VN", None, "xx", "zh", "th") == "zh"


def test_what_is_filled_in_is_never_a_template_itself() -> None:
    words = fill("alarm", {"what": "{detail}", "detail": "{what}{shop}"}, "en", shop="{what}", zone=MANILA)
    assert words.text == "(detail). (what)(shop)"


def test_a_code_without_words_is_shown_as_it_is() -> None:
    given = {"about": "Order 1", "deadline": "own_rule", "until": "2026-11-28T04:00:00.000Z"}
    assert (
        fill("deadline", given, "zh", shop="", zone=MANILA).text
        == "Order 1：own rule。期限：2026-11-28 12:00。"
    )


def test_several_of_a_kind_are_counted() -> None:
    each = [fill("remind", {**GIVEN, "order": n}, "en", shop="", zone=MANILA) for n in ("1", "2")]
    assert fill_many("remind", each, "en").subject == "2 orders have had no tracking update"
    assert fill_many("remind", each[:1], "en") == each[0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MANILA)


@pytest.mark.parametrize(
    ("now", "hours", "until"),
    [
        ("2026-11-26T20:59:59", ("21:00", "07:00"), None),
        ("2026-11-26T21:00:00", ("21:00", "07:00"), "2026-11-27T07:00:00"),
        ("2026-11-27T00:00:00", ("21:00", "07:00"), "2026-11-27T07:00:00"),
        ("2026-11-27T06:59:59", ("21:00", "07:00"), "2026-11-27T07:00:00"),
        ("2026-11-27T07:00:00", ("21:00", "07:00"), None),
        ("2026-11-27T12:30:00", ("12:00", "13:00"), "2026-11-27T13:00:00"),
        ("2026-11-27T12:30:00", ("12:00", "12:00"), None),
        ("2026-11-27T12:30:00", (None, None), None),
        ("2026-11-27T12:30:00", ("12:00", None), None),
    ],
)
def test_quiet_hours_begin_and_end_to_the_second_and_go_over_midnight(
    now: str, hours: tuple[str | None, str | None], until: str | None
) -> None:
    assert quiet_until(at(now).astimezone(UTC), *hours, MANILA) == (at(until) if until else None)


@pytest.mark.parametrize("text", ["", "7:00", "24:00", "12:60", "ab:cd", "12-30", "٠٧:٠٠"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|hour|minute"):
        read_hours(text)


def test_waits_have_full_jitter_grow_and_have_an_end() -> None:
    longest = [pace.wait(tries, lambda: 1.0).total_seconds() for tries in range(1, pace.TRIES)]
    assert longest[:4] == [30, 60, 120, 240]
    assert longest == sorted(longest)
    assert longest[-1] == pace.LONGEST_S
    assert {pace.wait(tries, lambda: 0.0).total_seconds() for tries in range(1, pace.TRIES)} == {1}
    assert sum(longest) / 2 > 12 * 3600
    assert pace.wait(1, lambda: 0.5, 100).total_seconds() == 115
