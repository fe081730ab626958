"""An engine that is not Chromium, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import NAMES, Engine, lacks


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Not open yet; closed in the end."""
    missing = lacks(request.param)
    if missing:
        pytest.fail(
            f"this machine has no {' and no '.join(missing)}; `make browsers` gets them where apt can"
        )
    made = Engine(request.param, tmp_path / "profile")
    yield made
    made.close()
