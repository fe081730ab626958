"""A backup beside a retention round: what the shop lets go meanwhile is no damage, and stays let go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.backups import Backups
from tests.support.desk import hand_over, keep, reference
from tests.support.installation import Databases
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tus import TusPhone, digest, held, make_photo
from webapp import clock
from webapp.services import backup as backing_up
from webapp.services.keeping.delete_old import clear_marked
from webapp.store.models import Blob
from webapp.store.queries import deletions
from webapp.store.unit import reading, transaction


@pytest.mark.parametrize("is_copied", [False, True], ids=["never copied", "in an earlier backup"])
def test_a_photo_that_the_shop_lets_go_meanwhile_is_no_damage_and_is_not_asked_for_again(
    app_on_both: Flask,
    tmp_path: Path,
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    is_copied: bool,
) -> None:
    backups, org_id = Backups(tmp_path, databases), make_shop()
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))
    gone, stays = make_photo(), make_photo()
    for seed, photo in enumerate((gone, stays), 1):
        hand_over(phone, org_id, make_parcels(org_id, 1, seed), is_home=False, blobs=[reference(photo)])
        keep(org_id, phone.device, photo)
    if is_copied:
        backups.make()
    now = clock.now()
    real: Any = backing_up._copy_blobs

    def let_go_first(*about: Any, **how: Any) -> Any:
        with transaction() as session:
            old = session.get_one(Blob, (org_id, digest(gone)))
            deletions.mark(session, org_id, [old], deletions.POLICY, now, days={digest(gone): 60})
        clear_marked(org_id, now)
        return real(*about, **how)

    monkeypatch.setattr(backing_up, "_copy_blobs", let_go_first)
    made = backups.make()
    assert made.manifest.lacking == ()
    assert [(it.sha256, it.why, it.after_days) for it in made.manifest.let_go] == [
        (digest(gone), "policy", 60)
    ]
    with backups.restored() as app:
        assert (held(org_id, gone), held(org_id, stays)) == (False, True)
        with reading() as session:
            told = deletions.find(session, org_id, digest(gone))
            assert deletions.uncleared(session, org_id, 10) == []
        assert told is not None
        assert (told.why, told.after_days, told.deleted_at) == ("policy", 60, now)
        phone.client = app.test_client()
        assert phone.send()["want"] == []
        assert TusPhone(phone).missing(digest(gone), digest(stays)) == []
