"""Modules joined to one classic script: what Node says they do, and what is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.programs import ROOT, find_node
from webapp.field.classic import NotJoinable, join_modules


def joined(folder: Path, **files: str) -> str:
    """The script of `main`, with these files beside it."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return join_modules(folder, "/static/main.js", "JOINED")[0]


def run(script: str, ask: str) -> object:
    """What `ask` gives after the script ran, in Node."""
    node = find_node()
    assert node is not None
    code = f"globalThis.self = globalThis;\n{script}\nprocess.stdout.write(JSON.stringify({ask}));"
    done = subprocess.run([str(node), "-"], input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_imports_exports_and_their_other_names_mean_what_they_did(tmp_path: Path) -> None:
    script = joined(
        tmp_path,
        main=(
            'import { Box, twice as double } from "./low.js";\nimport {\n  LIMIT,\n} from "./low.js";\n'
            "/**\n * export is a word here: import x\n */\n"
            "export async function answer() {\n  return 1;\n}\n"
            "export const told = [double(LIMIT), new Box().name];\n"
        ),
        low=(
            "const LIMIT = 20;\nfunction twiceOf(n) {\n  return n * 2; // import nothing\n}\n"
            'export class Box {\n  name = "box";\n}\nexport { LIMIT, twiceOf as twice };\n'
        ),
    )
    assert run(script, "self.JOINED.load().told") == [40, "box"]
    assert run(script, "Object.keys(self.JOINED.load())") == ["answer", "told"]


def test_a_comment_within_a_line_takes_no_code_with_it(tmp_path: Path) -> None:
    text = "export const far = [\n  /** @type {number} */ (1),\n  2,\n];\n/** Behind it. */\nexport const near = 3;\n"
    assert run(joined(tmp_path, main=text), "self.JOINED.load()") == {"far": [1, 2], "near": 3}


def test_the_phones_own_modules_run_joined() -> None:
    script, _ = join_modules(ROOT / "webapp" / "static", "/static/js/outbox/background.js", "JOINED")
    assert run(script, "typeof self.JOINED.load().flushInBackground") == "function"


def test_nothing_runs_before_it_is_asked_for_and_each_time_anew(tmp_path: Path) -> None:
    script = joined(tmp_path, main="self.runs = (self.runs ?? 0) + 1;\nexport const runs = self.runs;\n")
    assert run(script, "[self.runs ?? 0, self.JOINED.load().runs, self.JOINED.load().runs]") == [0, 1, 2]


def test_a_module_that_two_import_runs_once(tmp_path: Path) -> None:
    script = joined(
        tmp_path,
        main='import { a } from "./a.js";\nimport { b } from "./b.js";\nexport const same = a === b;\n',
        a='import { one } from "./one.js";\nexport const a = one;\n',
        b='import { one } from "./one.js";\nexport const b = one;\n',
        one="export const one = {};\n",
    )
    assert run(script, "self.JOINED.load().same") is True


@pytest.mark.parametrize(
    "line",
    [
        'import "./low.js";',
        'import all from "./low.js";',
        'import * as all from "./low.js";',
        'export { x } from "./low.js";',
        'export * from "./low.js";',
        "export default 1;",
        "export let x = 1;",
        'const x = await import("./low.js");',
        "const x = import.meta.url;",
        'import { x } from "elsewhere";',
    ],
)
def test_what_is_not_understood_is_refused_not_guessed(tmp_path: Path, line: str) -> None:
    with pytest.raises(NotJoinable, match=r"/static/main\.js"):
        joined(tmp_path, main=f"{line}\n", low="export const x = 1;\n")


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotJoinable, match="imports itself"):
        joined(
            tmp_path,
            main='import { a } from "./a.js";\nexport const x = a;\n',
            a='import { x } from "./main.js";\nexport const a = x;\n',
        )
