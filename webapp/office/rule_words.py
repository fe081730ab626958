"""What the office calls each rule that makes a deadline, and what happens when it is missed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class RuleWords:
    """`title` names the rule, `due` says what has to be there in time, `then` what follows if it is not."""

    title: str
    due: str
    then: str
    icon: str


MARKET_NAMES = {
    "MY": "Malaysia",
    "ID": "Indonesia",
    "PH": "Philippines",
    "TH": "Thailand",
    "VN": "Vietnam",
    "SG": "Singapore",
}
RULES: dict[str, RuleWords] = {
    "handover_by": RuleWords(
        "Hand over",
        "The parcel is with the carrier.",
        "The dispatch counts as late with the marketplace.",
        "hand",
    ),
    "ready_by": RuleWords(
        "Make ready",
        "The parcel is labelled and waits for its handover.",
        "The dispatch counts as late with the marketplace.",
        "tag",
    ),
    "awaiting_carrier_scan": RuleWords(
        "First scan by the carrier",
        "The carrier has scanned what we handed over.",
        "It is raised on the parcel: ask the carrier, with the handover's proof in hand.",
        "scan-barcode",
    ),
    "mark_shipped": RuleWords(
        "Mark as shipped",
        "The order is marked as shipped in Seller Center after the handover.",
        "It stays on the list of what is to be marked.",
        "truck",
    ),
    "status_update": RuleWords(
        "First update",
        "The order has had a tracking update.",
        "It is reminded of once a day, until an update comes or the order is cancelled.",
        "bell",
    ),
    "delayed": RuleWords("Deliver", "The parcel is delivered.", "The parcel is marked as delayed.", "clock"),
    "deemed_lost": RuleWords(
        "Deemed lost",
        "The recipient has acknowledged the parcel.",
        "The parcel is deemed lost; a delivery that is proved later still counts.",
        "circle-help",
    ),
    "deemed_cancelled": RuleWords(
        "Deemed cancelled",
        "The order has moved on in time.",
        "The order is deemed cancelled, as the marketplace would cancel it.",
        "ban",
    ),
}


@dataclass(frozen=True, slots=True)
class SourceWords:
    """Where a number was read: `address` is a public page, "" for none, `site` its host; then what is `said` of it."""

    address: str
    site: str
    said: str


_PAGE = re.compile(r"((?:[a-z0-9-]+\.)+[a-z]{2,})(/\S+)(?=, )")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def source_words(source: str) -> SourceWords:
    """A term's source with its page to open and its days as the office writes them."""
    page = _PAGE.match(source)
    said = _DAY.sub(lambda day: _day_words(day[0]), source[page.end() :] if page else source)
    return SourceWords(f"https://{page[0]}" if page else "", page[1] if page else "", said)


def _day_words(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def pack_words(pack: str) -> str:
    """Whose number it is and of when: "Indonesia, 27 Aug 2025" for `id 2025-08-27`."""
    name, _, version = pack.partition(" ")
    if not version:
        return "the marketplace’s own time"
    return f"{MARKET_NAMES.get(name.upper(), 'Seller’s guide')}, {_day_words(version)}"


def rule_words(rule: str) -> RuleWords:
    """The words of a rule; an unknown one by its own name."""
    return RULES.get(rule) or RuleWords(rule.replace("_", " ").capitalize(), "", "", "gavel")


def rule_choices() -> list[tuple[str, str]]:
    """All rules that make deadlines, for a form: (rule, title)."""
    return [(rule, words.title) for rule, words in RULES.items()]
