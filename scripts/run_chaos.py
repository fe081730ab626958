"""Simulate days of phones, network and server under every fault; say what was lost, doubled, or not brought home.

With no arguments the long trials of tests/chaos, with real processes, come after it.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.chaos.simulation.runner import Tally, run
from tests.support.programs import ROOT

SCHEDULES = 10_000
PROGRESS_EVERY_S = 15


def main(arguments: Sequence[str]) -> int:
    """Run them; 0 when every promise was kept."""
    asked = _read(arguments)
    count = asked.schedules or (SCHEDULES if asked.seed is None else 1)
    first = secrets.randbelow(2**31) if asked.seed is None else asked.seed
    print(f"chaos: {count} schedules from seed {first}", flush=True)
    tally, began, told_at = Tally(), time.monotonic(), time.monotonic()
    for result in run(first, count, workers=asked.workers, is_told=count == 1, mutant=asked.mutant):
        tally.add(result)
        for line in result.get("lines") or ():
            print(line)
        for failure in result["failures"]:
            print(f"seed {result['seed']}: {failure}", flush=True)
        if time.monotonic() - told_at > PROGRESS_EVERY_S:
            told_at = time.monotonic()
            print(f"chaos: {tally.schedules} of {count} after {told_at - began:.0f} s", flush=True)
    print(tally.told(time.monotonic() - began))
    is_whole = tally.schedules == count
    if not is_whole:
        print(f"chaos: only {tally.schedules} of {count} schedules were reported")
    is_sound = is_whole and not tally.failed
    if asked.seed is None and asked.schedules is None:
        trials = [sys.executable, "-m", "pytest", "-q", "-m", "chaos", "tests/chaos"]
        is_sound = subprocess.run(trials, cwd=ROOT, check=False).returncode == 0 and is_sound
    return 0 if is_sound else 1


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--seed", type=int, help="live the schedule of this seed again, and tell it line by line"
    )
    parser.add_argument(
        "--schedules", type=int, help=f"how many, from that seed on ({SCHEDULES} without one)"
    )
    parser.add_argument("--workers", type=int, default=None, help="how many at once; one a processor")
    parser.add_argument(
        "--mutant", help="break the code on purpose, by a name of tests/chaos/simulation/mutants.mjs"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
