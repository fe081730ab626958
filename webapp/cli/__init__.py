"""The command `baton`: one group, one file a subject."""

from __future__ import annotations

import gc


def main() -> None:
    """Start it. What is loaded stays loaded: the collector need not look for waste in it, now or later."""
    gc.disable()
    from webapp.cli.group import group

    gc.enable()
    gc.freeze()
    group()
