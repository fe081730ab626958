"""How good a page is: axe's violations and Lighthouse's scores, asked of a browser that is open and signed in."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.support.programs import ROOT, find_node

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LIGHTHOUSE = ROOT / "node_modules" / "lighthouse" / "cli" / "index.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def axe(page: Page) -> list[str]:
    """What axe finds wrong on the page as it is now: `rule (impact): where`, one a line; empty when all is well."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", list(WCAG))
    return [
        f"{wrong['id']} ({wrong['impact']}): {' '.join(str(part) for part in node['target'])}"
        for wrong in found["violations"]
        for node in wrong["nodes"]
    ]


@dataclass(frozen=True, slots=True)
class Scores:
    """Lighthouse's scores from 0 to 100 by category, and what lost points: `audit: title`."""

    of: dict[str, int]
    lost: list[str]


def lighthouse(
    url: str,
    devtools_port: int,
    categories: Sequence[str] = ("accessibility", "best-practices"),
    *,
    phone: bool = True,
) -> Scores:
    """Rate an address in the browser that `Chromium.open(devtools_port=…)` has opened, signed in as it is there."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            str(find_node()),
            str(LIGHTHOUSE),
            url,
            f"--port={devtools_port}",
            "--disable-storage-reset",
        ]
        command += ["--output=json", f"--output-path={report}", "--quiet", "--no-enable-error-reporting"]
        command += [f"--only-categories={','.join(categories)}", *([] if phone else ["--preset=desktop"])]
        done = subprocess.run(
            command,
            env={**os.environ, "HOME": folder},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if not report.exists():
            raise RuntimeError(f"lighthouse: exit {done.returncode}\n{done.stderr}")
        said = json.loads(report.read_text())
    if trouble := said.get("runtimeError"):
        raise RuntimeError(f"lighthouse: {trouble['message']}")
    of = {name: round(100 * (part["score"] or 0)) for name, part in said["categories"].items()}
    weighed = {
        ref["id"] for part in said["categories"].values() for ref in part["auditRefs"] if ref["weight"]
    }
    audits = [said["audits"][name] for name in sorted(weighed)]
    lost = [
        f"{audit['id']}: {audit['title']}"
        for audit in audits
        if audit["score"] is not None and audit["score"] < 1
    ]
    return Scores(of, lost)
