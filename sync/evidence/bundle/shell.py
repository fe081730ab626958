"""The page that checks bundles, put together from its parts: one file, nothing fetched, nothing to install.

The parts lie in `page/`: modules that Node tests and `tsc` reads as they are. Here their imports and exports are taken
off and they are written one after the other into one script, so no two may give one name to two things.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from sync.evidence.bundle.slot import SLOT

# Each behind those it needs.
MODULES = (
    "bytes.js",
    "json.js",
    "zip.js",
    "jws.js",
    "shapes.js",
    "findings.js",
    "contents.js",
    "keys.js",
    "seal.js",
    "events.js",
    "receipts.js",
    "der.js",
    "merkle.js",
    "stamps.js",
    "times.js",
    "chain.js",
    "photos.js",
    "slot.js",
    "verify.js",
    "show.js",
    "main.js",
)
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) )", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


@lru_cache(maxsize=1)
def load_shell() -> bytes:
    """The page without a bundle in it."""
    here = files("sync.evidence.bundle")
    page = here.joinpath("page")
    html = _text(page.joinpath("page.html"))
    for slot, text in (
        ("/* style */", _text(page.joinpath("page.css"))),
        ("/* catalogue */", _text(here.joinpath("catalogue.json"))),
        ("/* shapes */", _text(here.joinpath("shapes.json"))),
        ("/* script */", "\n".join(_plain(name, _text(page.joinpath(name))) for name in MODULES)),
    ):
        html = html.replace(slot, text.replace("</", "<\\/") if "style" not in slot else text)
    raw = html.encode()
    if raw.count(SLOT) != 1:
        raise ValueError("the page has not one slot")
    return raw


def _plain(name: str, text: str) -> str:
    bare = _EXPORT.sub("", _IMPORT.sub("", text))
    left = _LEFT.search(bare)
    if left is not None:
        raise ValueError(f"{name} has an import or export that cannot be taken off: {left[0]}")
    return bare


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
