"""Give a new installation its one shop, so that the first command on it has somewhere to put things."""

from __future__ import annotations

from datetime import datetime

import uuid_utils

from webapp.extensions import of_app
from webapp.store import database
from webapp.store.models import Organisation
from webapp.store.queries import shop
from webapp.store.unit import reading, transaction

NAME = "My shop"
MARK = "founded"  # in its settings: nobody has named it yet, so a demo may take it over while it is empty


def found_shop(now: datetime) -> None:
    """Make the shop of an installation that has none."""
    with reading() as session:
        if shop.is_founded(session):
            return
    # Not on the transaction's word: of two that see none on PostgreSQL, both would make one.
    with database.alone(of_app("baton-settings")), transaction() as session:
        if not shop.is_founded(session):
            session.add(
                Organisation(
                    id=str(uuid_utils.uuid7()),
                    name=NAME,
                    market=of_app("baton-settings").market,
                    created_at=now,
                    settings={MARK: "by itself"},
                )
            )
