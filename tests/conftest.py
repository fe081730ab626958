"""Fixtures for every floor. Heavy ones (servers, browsers) are imported and started only when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.support.ports import free_port as draw_free_port
from tests.support.routes import compile_once

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Playwright

    from tests.support.browser import Chromium
    from tests.support.installation import Databases
    from tests.support.postgres import Postgres
    from tests.support.proxy import Proxy
    from tests.support.s3 import S3
    from tests.support.server import Server
    from webapp.settings import Settings

# How long an example takes says nothing on a busy machine. CI tries the same examples each time, so that a
# change fails for what it changed; a person's runs keep looking for new ones.
hypothesis.settings.register_profile(
    "house", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("house")
compile_once()


@pytest.fixture(autouse=True)
def _no_settings_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is what it says, whatever BATON_* the person who runs it has set."""
    for name in [name for name in os.environ if name.startswith("BATON_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    return draw_free_port()


# --- databases and stores -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, one for the session."""
    from tests.support.postgres import Postgres

    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """A real S3 server, one for the session: `endpoint`, `bucket`, `environ`. Use a prefix of your own."""
    from tests.support.s3 import S3

    store = S3()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Migrated SQLite databases, as many as asked for."""
    from tests.support.installation import Databases

    return Databases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Databases:
    """Migrated PostgreSQL databases, as many as asked for."""
    from tests.support.installation import Databases

    return Databases(tmp_path_factory.mktemp("postgresql"), postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases of one kind; a test that asks for it (or for `database`) runs once on each kind."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[str]:
    """The address of a database without tables, on SQLite and on PostgreSQL."""
    url = databases.empty()
    yield url
    databases.forget(url)


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The address of a database with all tables and no rows, on SQLite and on PostgreSQL."""
    url = databases.migrated()
    yield url
    databases.forget(url)


@pytest.fixture
def sqlite_database(sqlite_databases: Databases) -> Iterator[str]:
    """The same on SQLite only: for what does not differ between the two."""
    url = sqlite_databases.migrated()
    yield url
    sqlite_databases.forget(url)


# --- the app in this process ----------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, sqlite_database: str) -> Settings:
    """An installation's settings, on SQLite, its data under tmp_path."""
    from tests.support.installation import make_settings

    return make_settings(tmp_path / "data", database_url=sqlite_database)


@pytest.fixture
def settings_on_both(tmp_path: Path, database: str) -> Settings:
    """An installation's settings, once on SQLite and once on PostgreSQL."""
    from tests.support.installation import make_settings

    return make_settings(tmp_path / "data", database_url=database)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app on SQLite, its context pushed: for the pages and the API."""
    yield from _watched_app(settings)


@pytest.fixture
def app_on_both(settings_on_both: Settings) -> Iterator[Flask]:
    """The app once on SQLite and once on PostgreSQL, its context pushed: for the store and the services."""
    yield from _watched_app(settings_on_both)


def _watched_app(settings: Settings) -> Iterator[Flask]:
    """An app whose requests are watched: a query that forgets whose data it reads fails the test that ran it."""
    from tests.support import scope
    from tests.support.installation import running_app
    from webapp.extensions import db

    with running_app(settings) as made, scope.watch(db.engine) as unscoped:
        yield made
    assert unscoped == [], "queries that do not name the caller's organisation"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the app on SQLite."""
    return app.test_client()


# --- real processes -------------------------------------------------------------------------------


@pytest.fixture
def make_server(tmp_path: Path, sqlite_databases: Databases) -> Iterator[Callable[..., Server]]:
    """Makes (does not start) `baton serve` processes: `make_server(BATON_DATABASE_URL=…).start("--demo")`.

    On SQLite its tables are there already, unless it `is_new`.
    """
    from tests.support.server import Server

    made: list[Server] = []

    def make(*, is_new: bool = False, **environ: str) -> Server:
        server = Server(tmp_path / f"server{len(made) or ''}", **environ)
        if not is_new and "BATON_DATABASE_URL" not in environ:
            server.data.mkdir(parents=True)
            sqlite_databases.copy_to(server.data / "baton.db")
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def live_server(make_server: Callable[..., Server]) -> Server:
    """A running Baton of its own, on SQLite, empty but for its tables."""
    return make_server().start()


@pytest.fixture
def proxy(live_server: Server) -> Iterator[Proxy]:
    """A bad network in front of the running Baton."""
    from tests.support.proxy import Proxy

    made = Proxy(live_server.port)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, one for the session."""
    from playwright.sync_api import expect, sync_playwright

    from tests.support.programs import find_node

    # Its own Node needs a library (libatomic) that a small machine does not have; ours does not.
    if node := find_node():
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
    expect.set_options(timeout=30_000)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture
def make_browser(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[[], Chromium]]:
    """Makes Chromiums, each with a profile of its own: `make_browser().open(url, camera=video)`."""
    from tests.support.browser import Chromium

    made: list[Chromium] = []

    def make() -> Chromium:
        made.append(Chromium(playwright, tmp_path / f"profile{len(made)}"))
        return made[-1]

    yield make
    for browser in made:
        browser.close()


@pytest.fixture
def browser(make_browser: Callable[[], Chromium]) -> Chromium:
    """A Chromium, not yet open: `browser.open(url)`, `browser.kill()`, `browser.open(url)`."""
    return make_browser()


@pytest.fixture
def camera(tmp_path: Path) -> Callable[..., Any]:
    """Makes a video for a browser's camera: `camera(hurried(codes))`, or of any list of `Shot`."""
    from tests.support.camera import fake_camera

    def make(shots: Any, name: str = "camera.mjpeg", **options: Any) -> Path:
        return fake_camera(tmp_path / name, shots, **options)

    return make
