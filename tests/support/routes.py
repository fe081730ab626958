"""Compile each address once a run: every test has an app of its own, and half of making one is compiling its routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_compile = Rule._compile_builder
_made: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}


def compile_once() -> None:
    """From now on the function that builds an address is shared by all rules that read the same."""
    Rule._compile_builder = _remembered  # type: ignore[method-assign]


def _remembered(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
    if key not in _made:
        _made[key] = _compile(self, append_unknown)
    return _made[key]
