"""Who guesses at a door is slowed down; who is let in is not counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import hostile
from tests.support.desk import PASSWORD, csrf_in, make_desk_user, sign_in
from tests.support.hostile import code_of
from tests.support.installation import Databases, make_settings, running_app
from tests.support.shop import make_shop, make_user
from webapp import clock
from webapp.extensions import limiter
from webapp.services.enrol import make_enrolment


@pytest.fixture
def _limits_end_with_the_test() -> Iterator[None]:
    """The limiter is one for the process: what the last app was set to holds for all of them."""
    yield
    limiter.enabled = False


@pytest.mark.usefixtures("_limits_end_with_the_test")
def test_who_guesses_is_slowed_down(tmp_path: Path, sqlite_databases: Databases) -> None:
    settings = make_settings(tmp_path / "data", database_url=sqlite_databases.migrated(), rate_limits=True)
    with running_app(settings) as app:
        client = app.test_client()
        tried = [sign_in(client, "nobody@example.com", "guess")[0] for _ in range(12)]
        assert (tried[0], tried[-1]) == (200, 429)
        asked = [client.post(hostile.DEVICES, json={"code": "ABCDEFGHJKMN", "jwk": None}) for _ in range(32)]
        assert (asked[0].status_code, asked[-1].status_code, code_of(asked[-1])) == (404, 429, "slow-down")
        assert int(asked[-1].headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200


@pytest.mark.usefixtures("_limits_end_with_the_test")
def test_a_program_that_guesses_is_slowed_down_too(tmp_path: Path, sqlite_databases: Databases) -> None:
    settings = make_settings(tmp_path / "data", database_url=sqlite_databases.migrated(), rate_limits=True)
    with running_app(settings) as app:
        client = app.test_client()
        page = client.get("/office/sign-in").text
        form = {"email": "nobody@example.com", "password": "guess", "csrf_token": csrf_in(page)}
        as_json = {"Accept": "application/json"}
        tried = [client.post("/office/sign-in", data=form, headers=as_json).status_code for _ in range(12)]
        assert (tried[0], tried[-1]) == (400, 429)


@pytest.mark.usefixtures("_limits_end_with_the_test")
def test_who_is_let_in_is_not_counted(tmp_path: Path, sqlite_databases: Databases) -> None:
    settings = make_settings(tmp_path / "data", database_url=sqlite_databases.migrated(), rate_limits=True)
    with running_app(settings) as app:
        org_id = make_shop()
        courier = make_user(org_id)
        make_desk_user(org_id, email="desk@example.com")
        for _ in range(32):
            code = make_enrolment(org_id, courier, None, clock.now(), "http://127.0.0.1").code
            assert (
                app.test_client().post(hostile.DEVICES, json={"code": code, "jwk": None}).status_code == 201
            )
            assert sign_in(app.test_client(), "desk@example.com", PASSWORD)[0] in {302, 303}
