"""Which files the phone needs to start with no network, found from the files themselves, and their version."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a module names: static and dynamic imports, and files beside it (a worker, its wasm).
IMPORT = re.compile(r"""(?:^|[\s;}])(?:import|export)\b[^'"();]*?(?:\bfrom\s*)?['"](\.{1,2}/[^'"]+)['"]""")
DYNAMIC = re.compile(r"""\bimport\(\s*['"](\.{1,2}/[^'"]+)['"]\s*\)""")
BESIDE = re.compile(r"""new URL\(\s*['"](\.{1,2}/[^'"]+)['"]\s*,\s*import\.meta\.url\s*\)""")
# What a style sheet names.
STYLED = re.compile(r"""(?:@import\s+)?url\(\s*['"]?([^'")#:]+)['"]?\s*\)""")
READ = (".js", ".css")
# What the shell names.
LINKED = re.compile(r"""(?:src|href)="(/static/[^"#?]+)[#?"]""")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Precache:
    """`version` changes exactly when a byte of a file did; `files` are URLs with the sha256 of their bytes."""

    version: str
    files: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """`{version, files: [{url, sha256}]}`, as the worker reads it."""
        return {"version": self.version, "files": [{"url": u, "sha256": h} for u, h in self.files.items()]}


def build(static: Path, pages: Mapping[str, str]) -> Precache:
    """The list for these pages (URL → text) and every static file they reach. Raises FileNotFoundError by name."""
    found = {url: hashlib.sha256(text.encode()).hexdigest() for url, text in pages.items()}
    queue = sorted({link for url, text in pages.items() for link in _links(url, text)})
    while queue:
        url = queue.pop()
        if url in found:
            continue
        file = static / url.removeprefix("/static/")
        data = file.read_bytes()
        found[url] = hashlib.sha256(data).hexdigest()
        if file.suffix in READ:
            queue.extend(needed_by(url, data.decode()))
    files = dict(sorted(found.items()))
    return Precache(_version(files.items()), files)


def modules_of(static: Path, entry: str) -> list[str]:
    """What `entry` imports before it runs, itself first: to be fetched at once, not level by level."""
    found: dict[str, None] = {}
    queue = [entry]
    while queue:
        url = queue.pop(0)
        if url not in found:
            found[url] = None
            queue.extend(
                _resolved(url, (static / url.removeprefix("/static/")).read_text("utf-8"), (IMPORT,))
            )
    return list(found)


def needed_by(url: str, text: str) -> list[str]:
    """The URLs that a module or style sheet at `url` names, resolved."""
    patterns = (STYLED,) if url.endswith(".css") else (IMPORT, DYNAMIC, BESIDE)
    return _resolved(url, text, patterns)


def _resolved(url: str, text: str, patterns: Iterable[re.Pattern[str]]) -> list[str]:
    code = COMMENT.sub("", text)
    names = [name for pattern in patterns for name in pattern.findall(code)]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(url), name)) for name in names]


def _links(url: str, text: str) -> list[str]:
    if url.endswith(READ):
        return needed_by(url, text)
    # A manifest names its icons in JSON, the shell its files in attributes.
    return LINKED.findall(text) + re.findall(r'"(/static/[^"#?]+)"', text)


def _version(files: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for url, sha256 in files:
        digest.update(f"{url} {sha256}\n".encode())
    return digest.hexdigest()[:16]
