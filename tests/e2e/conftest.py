"""Somebody with a phone whose camera sees a table, at a Baton that all tests of a file share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.screens import Person
from tests.support.browser import Chromium
from tests.support.camera import Shot, fake_camera
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running Baton for all tests of a file; each seeds a shop of its own."""
    made = Server(tmp_path_factory.mktemp("server"))
    yield made.start()
    made.kill()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera that sees a table without any tag, never twice the same."""
    shots = [Shot(None, seconds=0.2, seed=seed) for seed in range(1, 40)]
    return fake_camera(tmp_path_factory.mktemp("camera") / "table.mjpeg", shots)


@pytest.fixture
def person(make_browser: Callable[[], Chromium], server: Server, table: Path) -> Person:
    """Somebody with a phone that has a camera, not enrolled yet."""
    browser = make_browser()
    browser.open(server.url, camera=table)
    return Person(browser, server.url)
