"""Keep the words by which a shop's seller notes say that a parcel is fragile (`R4`); imports read them."""

from __future__ import annotations

from sync.rules.fragile import SETTING, WORDS, checked_words, fragile_words
from webapp.store.queries import shop as shops
from webapp.store.unit import lock_org, reading, transaction


def read_fragile_words(org_id: str) -> tuple[str, ...]:
    """The words in force."""
    with reading() as session:
        return fragile_words(shops.settings(session, org_id))


def save_fragile_words(org_id: str, text: str | None) -> None:
    """Put these in the place of the words; None goes back to Baton's own. Problem `field-invalid` (field words)."""
    kept = WORDS if text is None else checked_words(text)
    with transaction() as session:
        lock_org(session, org_id, 0)
        shops.set_setting(session, org_id, SETTING, None if kept == WORDS else list(kept))
