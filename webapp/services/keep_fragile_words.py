"""Keep the words by which a shop's seller notes say that a parcel is fragile (`R4`); imports read them."""

from __future__ import annotations

from collections.abc import Iterable

from sync.rules.fragile import WORDS, checked_words, fragile_words
from webapp.store.queries import shop as shops
from webapp.store.unit import lock_org, reading, transaction

SETTING = "fragile_words"


def read_fragile_words(org_id: str) -> tuple[str, ...]:
    """The words in force."""
    with reading() as session:
        return fragile_words(shops.settings(session, org_id).get(SETTING))


def save_fragile_words(org_id: str, lines: Iterable[str] | None) -> None:
    """Put these in the place of the words; None goes back to Baton's own. Problem `field-invalid` (field words)."""
    kept = None if lines is None else checked_words(lines)
    with transaction() as session:
        lock_org(session, org_id)
        shops.set_setting(session, org_id, SETTING, None if kept in (None, WORDS) else list(kept or ()))
