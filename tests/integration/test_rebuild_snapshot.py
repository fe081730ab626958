"""`rebuild --check` looks at one moment: what is written while it looks is no difference."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from webapp import clock
from webapp.services import rebuild
from webapp.store.models import Parcel
from webapp.store.unit import transaction


def in_another_thread(app: Flask, work: Any) -> None:
    def run() -> None:
        with app.app_context():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_an_event_that_comes_between_the_fold_and_the_rows_is_no_difference(
    app_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    org_id = make_shop()
    codes = make_parcels(org_id, 5)
    phone = ApiPhone(app_on_both.test_client(), org_id, make_user(org_id))
    real: Any = rebuild.ledger.refold
    sent: list[str] = []

    def refold_then_send(*about: Any) -> Any:
        states = real(*about)
        if not sent:
            event = phone.seal("collect", codes, intact=True, counterpart={"name": "S", "role": "seller"})
            in_another_thread(app_on_both, lambda: sent.append(phone.send(event)["results"][0]["status"]))
        return states

    monkeypatch.setattr(rebuild.ledger, "refold", refold_then_send)
    assert rebuild.check(clock.now()) == (5, [])
    assert sent == ["applied"]
    assert rebuild.check(clock.now()) == (5, [])


def test_a_parcel_that_comes_while_it_looks_is_not_counted(
    app_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    org_id = make_shop()
    make_parcels(org_id, 5)
    monkeypatch.setattr(rebuild, "CHUNK", 2)
    real: Any = rebuild.ledger.refold
    late: list[str] = []

    def refold_then_make(*about: Any) -> Any:
        if not late:
            in_another_thread(app_on_both, lambda: late.extend(make_parcels(org_id, 4, seed=9)))
        return real(*about)

    monkeypatch.setattr(rebuild.ledger, "refold", refold_then_make)
    assert rebuild.check(clock.now()) == (5, [])
    assert rebuild.check(clock.now()) == (9, [])


def test_a_row_that_says_something_else_is_named(app_on_both: Flask) -> None:
    org_id = make_shop()
    codes = make_parcels(org_id, 3)
    with transaction() as session:
        session.execute(
            update(Parcel).where(Parcel.org_id == org_id, Parcel.code == codes[1]).values(status="delivered")
        )
    count, differing = rebuild.check(clock.now())
    assert (count, [d.code for d in differing]) == (3, [codes[1]])
    assert differing[0].columns["status"] == ["delivered", "expected"]
    assert rebuild.rebuild(clock.now()) == 3
    assert rebuild.check(clock.now()) == (3, [])
