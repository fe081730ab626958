"""Every address has a rule that says who may call it, and the rule is in force."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

# What stands for a part of an address; none of it exists.
STAND_INS = ("x", "0" * 64, "1", "1.0", "00000000-0000-7000-8000-000000000000")


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every rule of the app with its access rule ("" when it has none)."""
    for rule in app.url_map.iter_rules():
        yield rule, getattr(app.view_functions[rule.endpoint], "__access__", "")


def address(app: Flask, rule: Rule) -> str:
    """An address that the rule takes."""
    values = {
        name: converter.to_python(next(text for text in STAND_INS if re.fullmatch(converter.regex, text)))
        for name, converter in rule._converters.items()
        if name not in (rule.defaults or {})
    }
    with app.test_request_context():
        built = app.url_map.bind("").build(rule.endpoint, values, method=next(iter(rule.methods or {"GET"})))
    return re.sub(r"^(https?:)?//[^/]*", "", built)


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    assert sorted(rule.rule for rule, access in rules(app) if not access) == []


def test_an_open_route_says_why_that_is_safe(app: Flask) -> None:
    opened = {rule.rule: access for rule, access in rules(app) if access.startswith("open")}
    assert {path: why for path, why in opened.items() if len(why) < len("open: ") + 10} == {}


def test_rules_are_only_the_known_ones(app: Flask) -> None:
    kinds = {access.partition(":")[0] for _, access in rules(app)}
    assert kinds <= {"open", "desk", "phone"}


def test_a_stranger_reaches_nothing_that_is_not_open(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = (
        False  # a form without its token is sent to the door before the rule is asked
    )
    let_in = []
    for rule, access in rules(app):
        if access.startswith("open"):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = client.open(address(app, rule), method=method)
            to_the_door = answer.status_code in {302, 303} and "sign-in" in answer.headers["Location"]
            if answer.status_code not in {401, 403} and not to_the_door:
                let_in.append(f"{method} {rule.rule}: {answer.status_code}")
    assert let_in == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_is_no_get(app: Flask, method: str) -> None:
    both = [
        rule.rule
        for rule, _ in rules(app)
        if method in (rule.methods or ()) and "GET" in (rule.methods or ())
    ]
    forms = [path for path in both if not path.startswith("/office/")]
    # A page may show its form at the address that takes it; the protocol never answers GET with a change.
    assert [path for path in forms if not path.startswith("/app/")] == []
