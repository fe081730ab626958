"""The page of the guide that tells the rules is the one the rules write."""

from __future__ import annotations

from scripts.lifecycle_page import PAGE, page


def test_the_page_is_in_step_with_the_rules() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m scripts.lifecycle_page"
