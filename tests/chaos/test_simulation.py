"""A short slice of `make chaos`: some fixed days, some new ones, and phones broken on purpose that are found out."""

from __future__ import annotations

import os
import re
import secrets

import pytest

from tests.chaos.simulation.runner import Tally, run
from tests.support.programs import ROOT

MUTANTS = re.findall(
    r'^  "([^"]+)": {$', (ROOT / "tests/chaos/simulation/mutants.mjs").read_text(), re.MULTILINE
)


def live(first: int, count: int) -> Tally:
    tally = Tally()
    for result in run(first, count, workers=1):
        assert result["failures"] == [], f'make chaos ARGS="--seed {result["seed"]}"'
        tally.add(result)
    return tally


def test_known_days_end_with_everything_home() -> None:
    tally = live(1, 20)
    assert tally.schedules == 20
    assert tally.sums["events"] > 60
    assert tally.sums["photos"] > 60
    assert len(tally.faults) > 20


@pytest.mark.parametrize("seed", [101_388_259, 924_637_670, 1_044_439_786, 1_044_442_665, 1_694_977_179])
def test_a_day_that_once_ended_badly_ends_with_everything_home(seed: int) -> None:
    assert live(seed, 1).schedules == 1


def test_days_nobody_has_seen_end_with_everything_home() -> None:
    first = 20_261_126 if os.environ.get("CI") else secrets.randbelow(2**31)  # `make chaos` draws thousands
    print(f"from seed {first}")
    assert live(first, 6).schedules == 6


def test_the_same_seed_is_the_same_day() -> None:
    one, other = ([(result["seed"], result["print"]) for result in run(500, 3, workers=1)] for _ in range(2))
    assert len(one) == 3
    assert one == other


@pytest.mark.parametrize(
    "mutant", [MUTANTS[0], *(pytest.param(name, marks=pytest.mark.chaos) for name in MUTANTS[1:])]
)
def test_a_phone_that_is_broken_on_purpose_is_found_out(mutant: str) -> None:
    days = run(1, 150, workers=1, mutant=mutant)
    found = next((result for result in days if result["failures"]), None)
    days.close()
    assert found is not None
    promises = ("lost:", "duplicated:", "undrained:", "unsound:", "unproved:", "differing:")
    assert found["failures"][0].startswith(promises), found["failures"]


def test_there_are_mutants() -> None:
    assert len(MUTANTS) >= 5
