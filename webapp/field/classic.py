"""Modules as one classic script, for the service worker: the files as they are, joined, with their imports as names.

Only what this house writes is understood (named imports and exports, each at the begin of a line); anything else raises
`NotJoinable`, so that a module never runs as something that it is not.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

_IMPORT = re.compile(r"""^import \{([^}]*)\} from ["'](\.{1,2}/[^"']+)["'];[ \t]*$""", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};[ \t]*$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(
    r"^[ \t]*(?:import|export)\b[^\n]*|\bimport\s*\([^\n]*|\bimport\.meta\b[^\n]*", re.MULTILINE
)
_DOCSTRING = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|(?:^|\s)//[^\n]*", re.DOTALL)


class NotJoinable(ValueError):
    """A module that this cannot put into a classic script, by name and with the place."""


def join_modules(static: Path, entry: str, name: str) -> tuple[str, str]:
    """The script that sets `self.<name>` to `{digest, load()}`, and that digest. `load` gives what `entry` exports.

    Nothing of the modules runs before `load` is called, and each call runs them anew.
    """
    order: list[str] = []
    _visit(static, entry, [], order)
    names = {url: f"m{index}" for index, url in enumerate(order)}
    body = "\n".join(_wrapped(url, _text(static, url), names) for url in order)
    digest = hashlib.sha256(body.encode()).hexdigest()
    script = f'"use strict";\nself.{name} = {{ digest: "{digest}", load() {{\n{body}\nreturn {names[entry]};\n}} }};\n'
    return script, digest


def _visit(static: Path, url: str, above: list[str], order: list[str]) -> None:
    """Put a module behind all that it imports."""
    if url in above:
        raise NotJoinable(f"{url} imports itself by way of {above[-1]}")
    if url in order:
        return
    for _, found in _IMPORT.findall(_text(static, url)):
        _visit(static, _resolved(url, found), [*above, url], order)
    order.append(url)


def _wrapped(url: str, text: str, names: dict[str, str]) -> str:
    """One module as a function that has its imports as constants and gives its exports."""
    exported: dict[str, str] = {}

    def imported(match: re.Match[str]) -> str:
        listed = ", ".join(f"{far}: {near}" for far, near in _pairs(match[1]))
        return f"const {{ {listed} }} = {names[_resolved(url, match[2])]};"

    def listed(match: re.Match[str]) -> str:
        exported.update({far: near for near, far in _pairs(match[1])})
        return ""

    def declared(match: re.Match[str]) -> str:
        exported[match[1]] = match[1]
        return ""

    bare = _DOCSTRING.sub("", text)  # half of a file, and nobody reads it in a worker
    code = _EXPORT.sub(declared, _EXPORT_LIST.sub(listed, _IMPORT.sub(imported, bare)))
    left = _LEFT.search(_COMMENT.sub("", code))
    if left is not None:
        raise NotJoinable(f"{url}: {left[0].strip()[:80]}")
    given = ", ".join(f"{far}: {near}" for far, near in exported.items())
    return f"const {names[url]} = (() => {{ // {url}\n{code}\nreturn {{ {given} }};\n}})();"


def _pairs(names: str) -> list[tuple[str, str]]:
    """What stands left and right of `as`, twice the same where it is not there."""
    found = [name.split(" as ") for name in names.replace("\n", " ").split(",") if name.strip()]
    return [(pair[0].strip(), pair[-1].strip()) for pair in found]


def _resolved(url: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(url), name))


def _text(static: Path, url: str) -> str:
    return (static / url.removeprefix("/static/")).read_text("utf-8")
