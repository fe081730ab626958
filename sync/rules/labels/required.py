"""What a label must say (`R7`): name, address, item and tracking number, as the order has them.

Exports mask people (`R*** T***`): what is masked is taken for any letters, so a label that shows the whole name fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sync.rules.labels.reading import fold_text

_WORD = re.compile(r"[\w*'’]+")
# What stars stand for, and what stands between two words: hardly a character can be either.
_GAP = r"[\w*'’]{0,40}(?:[.-][\w*'’]{1,40})?"
_BETWEEN = r"[^\w*'’]{1,4}"
_MOST_WORDS = 8  # of a name: each may double the ways to read a text
_ADDRESS_SHARE = 0.6
_ITEM_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Expected:
    """What the books know of a parcel, to be found on its label. Empty where they know nothing."""

    name: str = ""
    address: str = ""
    phone: str = ""
    items: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    tracking: str = ""
    numbers: tuple[str, ...] = ()  # the order's own: order and package ids
    carriers: tuple[str, ...] = ()
    code: str = ""  # our internal code, which is never on a label


def has_name(folded: str, name: str) -> tuple[int, int] | None:
    """Where the name stands, all its words one after the other."""
    words = _words(name)[:_MOST_WORDS]
    if not words:
        return None
    found = re.search(_BETWEEN.join(map(_masked, words)), folded)
    return found.span() if found else None


def address_share(folded: str, address: str) -> tuple[int, int]:
    """How many of the address's words are there, of how many that tell anything."""
    words = [word for word in dict.fromkeys(_words(address)) if len(word.strip("*")) > 1 or word.isdigit()]
    there = [word for word in words if re.search(rf"(?<!\w){_masked(word)}(?!\w)", folded)]
    return len(there), len(words)


def is_enough(share: tuple[int, int]) -> bool:
    """Whether so many words of an address are the address: lines are cut and words abbreviated."""
    return share[0] > 0 and share[0] >= share[1] * _ADDRESS_SHARE


def has_item(folded: str, items: Sequence[str], skus: Sequence[str]) -> tuple[int, int] | None:
    """Where an item stands: the seller's SKU, or enough words of a product's name (labels cut it)."""
    for sku in skus:
        at = folded.find(fold_text(sku.strip())) if sku.strip() else -1
        if at >= 0:
            return at, at + len(fold_text(sku.strip()))
    for item in items:
        words = [word for word in dict.fromkeys(_words(item)) if len(word) > 2]
        spans = [
            found.span() for word in words if (found := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded))
        ]
        if words and len(spans) >= max(1, len(words) * _ITEM_SHARE):
            return spans[0]
        # A language without spaces: the beginning of the name, as much as a label has room for.
        whole = fold_text(item).strip()
        if not whole.isascii() and len(whole) >= 6 and (at := folded.find(whole[:12])) >= 0:
            return at, at + len(whole[:12])
    return None


def has_number(folded: str, number: str) -> tuple[int, int] | None:
    """Where a number stands, however it is spaced."""
    plain = re.sub(r"[^a-z0-9]", "", fold_text(number))
    if not plain:
        return None
    found = re.search(r"(?<![a-z0-9])" + r"[\s.\-]{0,2}".join(plain) + r"(?![a-z0-9])", folded)
    return found.span() if found else None


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(fold_text(text)) if word.strip("*'’_")]


def _masked(word: str) -> str:
    # One gap a word: with several, a text could be split among them in more ways than anybody has time for.
    head, stars, rest = word.partition("*")
    return re.escape(head) + _GAP + re.escape(rest.rpartition("*")[2]) if stars else re.escape(word)
