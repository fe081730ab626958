"""Watches every query of a request: none may reach a table of shops without naming the caller's shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g, has_request_context, request_started
from sqlalchemy import BindParameter, Delete, Engine, Select, Table, Update, event
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, ColumnElement

ORG = "org_id"


@contextmanager
def watch(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that a known caller's request ran without its organisation in them."""
    unscoped: list[str] = []

    def look(_connection: Any, statement: Any, *_: Any) -> None:
        if _caller_is_known() and is_unscoped(statement):
            unscoped.append(" ".join(str(statement).split()))

    def forget(*_: Any, **__: Any) -> None:
        # A test's pushed context is shared by all its requests, and so is `g`: each begins as a stranger.
        g.pop("actor", None)
        g.pop("device", None)

    event.listen(engine, "before_execute", look)
    request_started.connect(forget)
    try:
        yield unscoped
    finally:
        request_started.disconnect(forget)
        event.remove(engine, "before_execute", look)


def _caller_is_known() -> bool:
    """Whether the access rule has let somebody in; what it looks up itself is how it learns the organisation."""
    return has_request_context() and ("actor" in g or "device" in g)


def is_unscoped(statement: Any) -> bool:
    """Whether a statement reaches a table with `org_id` and does not compare it with a given value."""
    if not isinstance(statement, Select | Update | Delete):
        return False
    parts = list(visitors.iterate(statement))
    owned = {part.name for part in parts if isinstance(part, Table) and ORG in part.c}
    if isinstance(statement, Update | Delete):
        if _is_by_key(statement, parts):
            return False
        if ORG in statement.table.c:
            owned.add(statement.table.name)
    if not owned:
        return False
    compared = [pair for part in parts if (pair := _comparison(part)) is not None]
    named = {_table_name(side) for pair in compared for side in pair if _is_org(side)}
    is_given = any(not _is_org(side) for pair in compared for side in pair)
    return not is_given or not owned <= named


def _comparison(part: Any) -> tuple[Any, Any] | None:
    """Both sides of `org_id = …`, if that is what it is."""
    if not isinstance(part, BinaryExpression) or part.operator not in {operators.eq, operators.in_op}:
        return None
    sides = (part.left, part.right)
    return sides if any(_is_org(side) for side in sides) else None


def _is_org(side: Any) -> bool:
    return (
        isinstance(side, ColumnElement)
        and not isinstance(side, BindParameter)
        and getattr(side, "name", "") == ORG
    )


def _table_name(column: Any) -> str:
    """The name of the table under a column, also through an alias."""
    table = column.table
    while hasattr(table, "element"):
        table = table.element
    return str(table.name)


def _is_by_key(statement: Update | Delete, parts: list[Any]) -> bool:
    """Whether it changes one row by its whole key: the unit of work writing back a row that was read before."""
    key = {column.name for column in statement.table.primary_key}
    compared = {
        part.left.name
        for part in parts
        if isinstance(part, BinaryExpression) and part.operator is operators.eq and hasattr(part.left, "name")
    }
    return bool(key) and key <= compared
