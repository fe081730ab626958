"""The words of notices in the languages of the markets, read from `words/*.toml` and filled with a notice's params."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from sync.rules.letters import BY_MARKET
from webapp.services.notices.kinds import TIMES

FOLDER = Path(__file__).with_name("words")
# A code in a param that has words of its own: the param, the table of words.
CODED = {"deadline": "deadlines", "cause": "causes", "what": "alarms"}
MOST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in one language."""

    subject: str
    text: str


@lru_cache
def languages() -> dict[str, dict[str, Any]]:
    """Every language with all its words, by code."""
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))}


def language_names() -> list[tuple[str, str]]:
    """Codes and names, to choose from."""
    return [(code, held["name"]) for code, held in languages().items()]


def language_of(market: str, *chosen: str | None) -> str:
    """The first language that was chosen and is known here, else the market's, else English."""
    known = languages()
    return next((code for code in chosen if code in known), BY_MARKET.get(market, "en"))


def fill(kind: str, params: Mapping[str, Any], language: str, *, shop: str, zone: tzinfo) -> Words:
    """The words of one notice. A code without words of its own is shown as it is, so that nothing is unsayable."""
    held = languages()[language]
    given = {"shop": shop, **{name: _said(held, name, value, zone) for name, value in params.items()}}
    subject, text = (_filled(held[kind][part], given) for part in ("subject", "text"))
    return Words(" ".join(subject.split())[:MOST_SUBJECT], text.strip())


def fill_many(kind: str, each: Sequence[Words], language: str) -> Words:
    """Several notices of one kind as one letter."""
    if len(each) == 1:
        return each[0]
    subject = _filled(languages()[language][kind]["many"], {"count": str(len(each))})
    return Words(subject, "\n\n".join(words.text for words in each))


def _filled(template: str, given: Mapping[str, str]) -> str:
    # Not str.format: a template is data, and must not reach into what it is given.
    for name, value in given.items():
        template = template.replace("{" + name + "}", value.replace("{", "(").replace("}", ")"))
    return template


def _said(held: Mapping[str, Any], name: str, value: Any, zone: tzinfo) -> str:
    if name in TIMES:
        moment = datetime.fromisoformat(str(value))
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
    if name in CODED:
        words: str = held[CODED[name]].get(str(value), str(value).replace("_", " "))
        return words
    return str(value)
