"""The demo shop: whole at once, plainly not real, and never loaded over what was done with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_security import verify_password
from sqlalchemy import func, select, update

from sync.protocol.problems import Problem
from tests.support.installation import make_settings, running_app
from tests.support.shop import make_shop
from webapp.cli import demo as command
from webapp.cli.demo import welcome
from webapp.services.demo import load as demo
from webapp.services.demo.export import ORDERS
from webapp.services.demo.load import load_demo
from webapp.store.models import Anomaly, Event, Order, Organisation, Parcel, Run, User
from webapp.store.unit import reading, transaction

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def counted(model: type, *rules: object) -> int:
    with reading() as session:
        return session.execute(select(func.count()).select_from(model).where(*rules)).scalar_one()


def test_the_demo_shop_has_people_orders_and_runs_for_today(app_on_both: Flask) -> None:
    loaded = load_demo(NOW)
    assert "not real" in loaded.name
    assert loaded.counts["orders"] == ORDERS
    assert {run["kind"] for run in loaded.runs} == {"collect", "drop_off", "deliver"}
    assert all(run["parcels"] for run in loaded.runs)
    with reading() as session:
        roles = dict(session.execute(select(User.name, User.role).where(User.org_id == loaded.org_id)).all())
        statuses = dict(
            session.execute(
                select(Parcel.status, func.count())
                .where(Parcel.org_id == loaded.org_id)
                .group_by(Parcel.status)
            ).all()
        )
    assert set(roles.values()) == {"admin", "office", "seller", "courier", "driver"}
    assert all(name.startswith("Demo") for name in roles)
    assert statuses["ready"] >= 30
    assert {"expected", "out_for_delivery", "delivered", "cancelled"} <= set(statuses)
    assert counted(Anomaly, Anomaly.org_id == loaded.org_id, Anomaly.code.like("skipped%")) == 0
    assert counted(Order, Order.created_at > NOW) == 0
    assert counted(Event, Event.effective_at > NOW) == 0


def test_the_demo_shop_is_of_the_market_that_was_asked_for(tmp_path: Path) -> None:
    with running_app(make_settings(tmp_path, market="VN")):
        loaded = load_demo(NOW)
        with reading() as session:
            assert session.get_one(Organisation, loaded.org_id).market == "VN"


def test_the_password_is_made_up_told_once_and_kept_as_a_hash(app_on_both: Flask) -> None:
    first = load_demo(NOW)
    assert first.password is not None
    assert load_demo(NOW).password is None
    with reading() as session:
        kept = session.execute(select(User.password).where(User.email == first.admin_email)).scalar_one()
    assert kept is not None
    assert "argon2" in kept
    assert first.password not in kept
    assert verify_password(first.password, kept)


def test_a_start_survives_what_was_done_with_its_people(app_on_both: Flask) -> None:
    first = load_demo(NOW)
    with transaction() as session:
        session.execute(update(User).where(User.email == first.admin_email).values(name="Ada of the shop"))
        session.execute(update(User).where(User.name == "Demo courier").values(active=False))
    again = load_demo(NOW + timedelta(minutes=5))
    assert (again.people["Demo admin"], again.password) == (first.people["Demo admin"], None)
    assert counted(User) == len(first.people)
    tomorrow = load_demo(NOW + timedelta(days=1))
    assert "Demo courier" not in {run["person"] for run in tomorrow.runs}, (
        "and no run stops the next day's start"
    )
    said = welcome(again, "http://127.0.0.1:8000")
    assert "Sign in   admin@demo.test" in said
    assert "works here no more" in said


def test_loading_again_changes_nothing_that_was_done(app_on_both: Flask) -> None:
    first = load_demo(NOW)
    with transaction() as session:
        session.get_one(Organisation, first.org_id).name = "My own name"
        session.execute(update(Order).values(seller_note="tried it out"))
    before = [counted(model) for model in (Event, Parcel, Order, Run, User)]
    again = load_demo(NOW + timedelta(minutes=5))
    assert [counted(model) for model in (Event, Parcel, Order, Run, User)] == before
    assert again.org_id == first.org_id
    assert again.name == "My own name"
    assert counted(Order, Order.seller_note != "tried it out") == 0


def test_a_load_that_broke_off_is_finished_by_the_next(
    app_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(demo, "import_file", lambda *_a, **_k: breaks())
        with pytest.raises(RuntimeError):
            load_demo(NOW)
    loaded = load_demo(NOW)
    assert loaded.counts["orders"] == ORDERS
    assert len(loaded.runs) == 3


@pytest.mark.parametrize("code", ["busy", "storage-full"])
def test_a_start_does_not_take_a_server_in_trouble_for_people_who_left(
    app: Flask, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refuses(*_: object) -> None:
        raise Problem(code)

    loaded = load_demo(NOW)
    monkeypatch.setattr(demo, "make_run", refuses)
    monkeypatch.setattr(command, "make_enrolment", refuses)
    for start in (
        lambda: load_demo(NOW + timedelta(days=1)),
        lambda: welcome(loaded, "http://127.0.0.1:8000"),
    ):
        with pytest.raises(Problem) as told:
            start()
        assert told.value.code == code


def test_the_next_day_has_runs_of_its_own_as_long_as_something_waits(app_on_both: Flask) -> None:
    first = load_demo(NOW)
    tomorrow = load_demo(NOW + timedelta(days=1))
    assert {run["id"] for run in tomorrow.runs}.isdisjoint(run["id"] for run in first.runs)
    assert counted(Order) == ORDERS


def test_a_real_shop_beside_it_is_left_alone(app_on_both: Flask) -> None:
    real = make_shop("A real shop")
    loaded = load_demo(NOW)
    assert loaded.org_id != real
    assert counted(Parcel, Parcel.org_id == real) == 0
