"""Long lives of a shop's stock: any mix of imports, confirms, cancels, corrections and sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.stock_life import STEP, live_through


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=2, max_size=16))
def test_many_long_mixes_of_imports_confirms_corrections_and_sweeps_keep_the_stock_sound(
    app: Flask, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    live_through(tmp_path, steps)
