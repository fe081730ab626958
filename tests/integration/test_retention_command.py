"""`baton retention`, as a program reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sync.protocol.times import format_time
from sync.rules.keeping import Keeping
from tests.support.keeping import DAYS, LATER, settled
from tests.support.shop import ApiPhone, make_user
from webapp import clock
from webapp.cli.output import open_app
from webapp.services.keeping.policy import save_keeping
from webapp.settings import from_env
from webapp.store.queries import people
from webapp.store.unit import reading


def a_handover_under_a_policy() -> None:
    app = open_app(from_env())
    with app.app_context():
        with reading() as session:
            org_id = people.only_shop(session).id
        clerk = make_user(org_id, "admin")
        settled(ApiPhone(app.test_client(), org_id, make_user(org_id)), org_id, clerk)
        save_keeping(org_id, clerk, Keeping(DAYS, DAYS), clock.now())


def test_a_program_reads_what_would_go_and_cannot_delete_ahead_of_time(baton: Any) -> None:
    assert baton("retention")[1]["shops"][0]["after_days"] == {"photos": None, "signatures": None}
    a_handover_under_a_policy()
    later = format_time(clock.now() + LATER)
    told, refused = baton("retention", "--at", later)
    assert (told, refused["code"]) == (1, "field-invalid")
    told, ahead = baton("retention", "--at", later, "--dry-run")
    (shop,) = ahead["shops"]
    assert (told, ahead["dry_run"], ahead["deleted"]) == (0, True, 2)
    assert (shop["photos"], shop["signatures"], shop["kept"]) == (1, 1, {})
    assert shop["bytes"] > 0
    assert baton("retention", "--at", format_time(clock.now() - timedelta(days=1)))[1]["deleted"] == 0
    assert baton("retention")[1]["deleted"] == 0
