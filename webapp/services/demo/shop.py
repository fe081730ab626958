"""The demo shop's organisation: found by its mark, made once."""

from __future__ import annotations

from datetime import datetime

import uuid_utils

from webapp.extensions import of_app
from webapp.services.found_shop import MARK
from webapp.store.models import Organisation
from webapp.store.queries import demo as ask
from webapp.store.unit import transaction

NAME = "Demo shop (not real)"


def open_shop(now: datetime) -> tuple[str, str]:
    """(id, name) of the demo shop, made if there is none."""
    with transaction() as session:
        held = ask.find_shop(session)
        if held is None and (untouched := ask.untouched_shop(session, MARK)):
            held = untouched
            held.name, held.settings = NAME, {"demo": "made"}
        if held is None:
            held = Organisation(
                id=str(uuid_utils.uuid7()),
                name=NAME,
                market=of_app("baton-settings").market,
                created_at=now,
                settings={"demo": "made"},
            )
            session.add(held)
        return held.id, held.name


def is_filled(org_id: str) -> bool:
    """Whether its orders are in."""
    with transaction() as session:
        return session.get_one(Organisation, org_id).settings.get("demo") == "filled"


def mark_filled(org_id: str) -> None:
    """Say that its orders are in, so that they are never loaded over what was done with them."""
    with transaction() as session:
        org = session.get_one(Organisation, org_id)
        org.settings = {**org.settings, "demo": "filled"}
