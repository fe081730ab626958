"""People from the command line, as tools call it: one JSON document, and an exit code that says how it went."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.server import BATON, Server


@pytest.fixture
def installation(make_server: Callable[..., Server]) -> Server:
    """A folder with nothing in it yet."""
    made = make_server()
    made.data.parent.mkdir(parents=True, exist_ok=True)
    return made


def run(installation: Server, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [str(BATON), *arguments, "--json"],
        env=installation.environ,
        cwd=installation.data.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def test_people_are_added_and_listed_on_a_fresh_installation(installation: Server) -> None:
    code, cora = run(installation, "user", "add", "--name", "Cora Reyes", "--role", "courier")
    assert (code, cora["name"], cora["role"], cora["email"]) == (0, "Cora Reyes", "courier", None)
    assert "password" not in cora
    _, olga = run(
        installation, "user", "add", "--name", "Olga", "--role", "office", "--email", "o@example.com"
    )
    assert len(olga["password"].replace("-", "")) == 16
    code, listed = run(installation, "users")
    assert code == 0
    told = {each["name"]: each for each in listed["users"]}
    assert told["Cora Reyes"]["id"] == cora["id"]
    assert (told["Olga"]["role"], told["Olga"]["active"], told["Olga"]["phones"]) == ("office", True, 0)
    assert "password" not in json.dumps(listed)


def test_a_refusal_is_a_problem_and_wrong_usage_is_not(installation: Server) -> None:
    code, problem = run(
        installation, "user", "add", "--name", "Olga", "--role", "office", "--email", "nobody"
    )
    assert (code, problem["code"]) == (1, "field-invalid")
    assert {"code", "title", "detail"} <= problem.keys()
    code, said = run(installation, "user", "add", "--name", "Olga", "--role", "king")
    assert (code, said) == (2, {})
