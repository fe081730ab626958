"""What a trial in a browser says of a page, it waits for: a page that is a moment late is not a fault of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.programs import ROOT

READS = {
    "all_inner_texts",
    "all_text_contents",
    "count",
    "get_attribute",
    "inner_html",
    "inner_text",
    "input_value",
    "is_checked",
    "is_disabled",
    "is_enabled",
    "is_hidden",
    "is_visible",
    "text_content",
}
FILES = sorted(path for floor in ("e2e", "elsewhere") for path in (ROOT / "tests" / floor).glob("*.py"))


def looks_once(source: str) -> list[str]:
    """The assertions that look at a page a single time: `line: what`; `expect(…)` looks until its time is over."""
    return [
        f"{check.lineno}: {ast.unparse(check)}"
        for check in ast.walk(ast.parse(source))
        if isinstance(check, ast.Assert)
        for call in ast.walk(check.test)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in READS
        and not (call.func.attr == "count" and call.args)  # a list's own
    ]


def test_there_are_trials_in_browsers() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_assertion_looks_at_a_page_only_once(path: Path) -> None:
    assert looks_once(path.read_text()) == []


def test_an_assertion_that_looks_once_is_found() -> None:
    assert looks_once("assert page.inner_text('h1') == 'Sealed'") == [
        "1: assert page.inner_text('h1') == 'Sealed'"
    ]
    assert looks_once("assert roles.count('photo') == 2") == []
    assert looks_once("expect(page.locator('h1')).to_have_text('Sealed')") == []
