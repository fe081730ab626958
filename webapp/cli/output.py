"""How every command speaks: words for a person, one JSON document for a program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import click
from flask import Flask

from sync.protocol.problems import Problem
from webapp import clock
from webapp.app import create_app
from webapp.services.found_shop import found_shop
from webapp.settings import Settings, SettingsError, from_env

P = ParamSpec("P")
REFUSED, WRONG_USAGE = 1, 2


def say(payload: dict[str, Any], as_json: bool, words: str) -> None:
    """Print `payload` as JSON, or `words`."""
    click.echo(json.dumps(payload, ensure_ascii=False, indent=2) if as_json else words)


def one_line(text: str) -> str:
    """The same without what moves a terminal's cursor, breaks the line or turns the direction of writing.

    For what others wrote: it could draw a verdict of its own.
    """
    return "".join(char if char.isprintable() else " " for char in text)


def with_app(command: Callable[P, None]) -> Callable[..., None]:
    """Run a command inside the app, with `--json`; a Problem ends it with exit code 1, a bad setting with 2."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
    @wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> None:
        with refusing(as_json=bool(kwargs["as_json"])), open_app(settings_or_exit()).app_context():
            found_shop(clock.now())
            command(*args, **kwargs)

    return inner


@contextmanager
def refusing(*, as_json: bool) -> Iterator[None]:
    """Tell a Problem as a command does, and end with exit code 1; a bad setting with one clear line and 2."""
    try:
        yield
    except Problem as problem:
        brief = {"code": problem.code, "title": problem.title, "detail": problem.detail}
        text = json.dumps(brief, ensure_ascii=False) if as_json else f"{problem.title}: {problem.detail}"
        click.echo(text, err=not as_json)
        raise SystemExit(REFUSED) from problem
    except SettingsError as error:
        click.echo(f"baton: {error}", err=True)
        raise SystemExit(WRONG_USAGE) from error


def settings_or_exit(**overrides: object) -> Settings:
    """This installation's settings, or one clear line and exit code 2."""
    try:
        return from_env(**overrides)
    except SettingsError as error:
        click.echo(f"baton: {error}", err=True)
        raise SystemExit(WRONG_USAGE) from error


def open_app(settings: Settings) -> Flask:
    """The app for these settings, its database migrated."""
    try:
        return create_app(settings)
    except SettingsError as error:
        click.echo(f"baton: {error}", err=True)
        raise SystemExit(WRONG_USAGE) from error


def table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """Rows as aligned columns under their names."""
    cells = [
        columns,
        *[["" if row.get(c) is None else one_line(str(row[c])) for c in columns] for row in rows],
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )
