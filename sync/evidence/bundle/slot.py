"""Where the page that checks a bundle carries one: the shell with its empty slot, and what stands in it."""

from __future__ import annotations

import base64
import re

SLOT = b"<!--bundle-->"
_OPEN, _CLOSE = b'<script type="text/plain" id="bundle">', b"</script>"
_FILLED = re.compile(re.escape(_OPEN) + rb"([A-Za-z0-9+/=]*)" + re.escape(_CLOSE))


def fill_page(shell: bytes, archive: bytes) -> bytes:
    """The page that carries a bundle's other parts as a zip of their own."""
    if shell.count(SLOT) != 1:
        raise ValueError("the page has not one slot")
    return shell.replace(SLOT, _OPEN + base64.b64encode(archive) + _CLOSE)


def split_page(page: bytes) -> tuple[bytes, bytes | None]:
    """The shell of a page, and what it carries in base64 (None: nothing)."""
    found = _FILLED.search(page)
    if found is None:
        return page, None
    return page[: found.start()] + SLOT + page[found.end() :], found[1]
