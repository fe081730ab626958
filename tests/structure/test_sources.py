"""What no tool knows about our sources: who may read the clock and the environment, sizes, first lines."""

from __future__ import annotations

import ast
import re

from sync.protocol.problems import CATALOGUE
from tests.support.sources import dotted, files, names_used, text, tree, written_by_hand

MOST_LINES = 400
PRODUCT = [path for path in written_by_hand(".py") if path.startswith(("sync/", "webapp/"))]
SCRIPTS = written_by_hand(".js", ".mjs")
CLOCKS = {
    *(
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "func.now",
        "func.current_timestamp",
    ),
    *("datetime.datetime.now", "datetime.date.today", "time.time", "time.time_ns", "time.monotonic"),
    "time.perf_counter",
}
ENVIRONMENT = {"os.environ", "os.getenv", "os.putenv", "environs.Env"}


def users_of(names: set[str]) -> list[str]:
    """Where in the product one of these names is used, as `path:line`."""
    return [f"{path}:{line}" for path in PRODUCT for line, name in names_used(path) if name in names]


def test_only_the_clock_reads_the_time() -> None:
    found = users_of(CLOCKS)
    assert [place for place in found if not place.startswith("webapp/clock.py:")] == []
    assert found, "the test must see the one place that does"


def test_only_the_settings_read_the_environment() -> None:
    found = users_of(ENVIRONMENT)
    assert [place for place in found if not place.startswith("webapp/settings.py:")] == []
    assert found, "the test must see the one place that does"


def test_a_file_is_one_room() -> None:
    lengths = {
        path: text(path).count("\n") for path in written_by_hand(".py", ".js", ".mjs", ".css", ".html")
    }
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_a_python_file_says_its_job_in_its_first_line() -> None:
    first = {
        path: (ast.get_docstring(tree(path)) or "").partition("\n")[0] for path in written_by_hand(".py")
    }
    assert [path for path, said in first.items() if len(said) < 10] == []


def test_a_javascript_file_says_its_job_in_its_first_lines() -> None:
    begins = {path: text(path).removeprefix("#!/usr/bin/env node\n").lstrip()[:2] for path in SCRIPTS}
    assert [path for path, start in begins.items() if start not in {"/*", "//"}] == []


def test_every_refusal_is_in_the_one_catalogue() -> None:
    unknown = []
    for path in PRODUCT:
        for node in ast.walk(tree(path)):
            if not (
                isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "Problem" and node.args
            ):
                continue
            code = node.args[0]
            if isinstance(code, ast.Constant) and code.value not in CATALOGUE:
                unknown.append(f"{path}:{node.lineno} {code.value}")
    assert unknown == []


def test_only_the_catalogue_makes_problem_types() -> None:
    owners = {path for path in written_by_hand(".py", ".html") if "urn:baton:problem:" in text(path)}
    assert {path for path in owners if not path.startswith("tests/")} <= {"sync/protocol/problems.py"}


def test_no_file_knows_a_machine_or_a_registry() -> None:
    homes = "work|home|root|Users"
    known = re.compile(
        rf"(?<![\w.}}/:-])/(?:{homes})/\w|pypi\.org/simple|registry\.npmjs|files\.pythonhosted"
    )
    endings = (
        ".py",
        ".js",
        ".mjs",
        ".json",
        ".toml",
        ".md",
        ".html",
        ".css",
        ".sh",
        ".yml",
        "Makefile",
        "run",
        ".npmrc",
    )
    looked_at = [path for path in files() if path.endswith(endings) and "/vendor/" not in path]
    assert [path for path in looked_at if known.search(text(path))] == []
