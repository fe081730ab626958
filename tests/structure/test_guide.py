"""The guide keeps its word: every link leads somewhere, and every fault it speaks of has a trial that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.programs import ROOT
from tests.support.sources import files

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
PAGES = [path for path in files() if path.endswith(".md")]
FAULTS = "docs/guide/what-happens-to-my-work.md"


def links_of(page: str) -> list[tuple[str, Path]]:
    """(words, file) of each link to a file of ours."""
    found = LINK.findall((ROOT / page).read_text())
    return [
        (words, (ROOT / page).parent / target.partition("#")[0])
        for words, target in found
        if not re.match(r"[a-z]+:|#|/", target)
    ]


def rows_of_faults() -> list[str]:
    rows = [line for line in (ROOT / FAULTS).read_text().splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith("| If …")]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file(page: str) -> None:
    assert [f"{words}: {target}" for words, target in links_of(page) if not target.exists()] == []


def test_the_pages_are_found_and_have_links() -> None:
    assert FAULTS in PAGES
    assert len(links_of(FAULTS)) > 40


def test_every_fault_in_the_guide_names_a_trial() -> None:
    rows = rows_of_faults()
    assert len(rows) > 30
    for row in rows:
        fault, promise, shown = [cell.strip() for cell in row.strip("|").split(" | ")]
        trials = [target for _, target in LINK.findall(shown) if "/tests/" in target]
        commands = re.findall(r"`python -m ([\w.]+)`", shown)
        assert trials or commands, fault
        assert promise, fault
        for command in commands:
            assert (ROOT / f"{command.replace('.', '/')}.py").exists(), command


def test_a_simulated_fault_is_linked_by_its_name() -> None:
    named = [(words, target) for words, target in links_of(FAULTS) if target.suffix == ".mjs"]
    assert len(named) >= 5
    for words, target in named:
        names = re.findall(r"“([^”]+)”", words)
        assert names, words
        for name in names:
            assert re.search(rf'^  "?{name}[^"]*"?: ', target.read_text(), re.MULTILINE), name
