"""Share schedules out to workers, gather what they report, and add it up."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.programs import ROOT

CHUNK = 250  # schedules of one process: what fake databases leave in memory goes with it


def run(
    first: int, count: int, *, workers: int | None = None, is_told: bool = False, mutant: str | None = None
) -> Iterator[dict[str, Any]]:
    """Live the schedules of the seeds from `first` on; gives each one's result as it comes."""
    chunks: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    for start in range(first, first + count, CHUNK):
        size = min(CHUNK, first + count - start)
        chunks.put({"first": start, "count": size, "isTold": is_told, "mutant": mutant})
    crew = min(workers or os.cpu_count() or 1, -(-count // CHUNK))
    for _ in range(crew):
        chunks.put(None)
    results: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threads = [threading.Thread(target=_work, args=(chunks, results), daemon=True) for _ in range(crew)]
    for thread in threads:
        thread.start()
    while crew:
        result = results.get()
        if result is None:
            crew -= 1
        else:
            yield result


def _work(chunks: Any, results: Any) -> None:
    try:
        while chunk := chunks.get():
            command = [sys.executable, "-m", "tests.chaos.simulation.worker", json.dumps(chunk)]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
                assert worker.stdout is not None
                for line in worker.stdout:
                    results.put(json.loads(line))
            if worker.returncode:
                words = f"the simulation itself failed: a worker ended with {worker.returncode}"
                results.put({"seed": chunk["first"], "failures": [words]})
    finally:
        results.put(None)


@dataclass
class Tally:
    """What many schedules came to."""

    schedules: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    drains: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def add(self, result: dict[str, Any]) -> None:
        """Count one."""
        self.schedules += 1
        for name in ("events", "photos", "quarantined", "requests", "lost", "duplicated", "differing"):
            self.sums[name] += result.get(name, 0)
        self.sums["minutes"] += round(result.get("minutes", 0))
        self.faults.update(result.get("counts", {}))
        if result.get("drained") is None:
            self.sums["undrained"] += 1
        else:
            self.drains.append(result["drained"] / 1000)
        if result["failures"]:
            self.failed.append(result["seed"])

    def told(self, took: float) -> str:
        """The summary, a figure a line."""
        said = self.sums
        longest = sorted(self.drains)
        at = {
            q: longest[min(len(longest) - 1, int(len(longest) * q))] if longest else 0 for q in (0.5, 0.99, 1)
        }
        lines = [
            *(f"  {count:9,} × {name}" for name, count in sorted(self.faults.items())),
            f"schedules          {self.schedules:,} in {took:.0f} s ({said['minutes'] / 1440:,.0f} simulated days)",
            f"requests           {said['requests']:,}",
            f"events             {said['events']:,} in the ledger, {said['quarantined']:,} held back of revoked phones",
            f"photos             {said['photos']:,}",
            f"lost               {said['lost']:,}",
            f"duplicated         {said['duplicated']:,}",
            f"differing          {said['differing']:,} after rebuild --check",
            f"queues not drained {said['undrained']:,}",
            f"time to drain      median {at[0.5]:.0f} s, 99 of 100 {at[0.99]:.0f} s, longest {at[1]:.0f} s (virtual)",
        ]
        if self.failed:
            seeds = ", ".join(map(str, sorted(self.failed)[:50]))
            lines.append(f"seeds of failures  {seeds}")
            lines.append(f'live one again:    make chaos ARGS="--seed {min(self.failed)}"')
        return "\n".join(lines)
