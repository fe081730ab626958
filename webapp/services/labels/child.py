"""The process that opens a stranger's file: bytes on stdin, what was read of them on stdout. It may be killed.

Started as `python -m webapp.services.labels.child`; it takes its own limits before it touches the bytes.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from dataclasses import asdict

SECONDS = 20
MEMORY = 1_500_000_000


def main() -> int:
    """Limit, read, answer: a line of JSON, then each page's JPEG with its length before it."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from sync.evidence.label_file import read  # noqa: PLC0415 (under the limits)
    from sync.protocol.problems import Problem  # noqa: PLC0415

    out = sys.stdout.buffer
    try:
        found = read(sys.stdin.buffer.read())
    except Problem as problem:
        out.write(json.dumps({"problem": [problem.code, problem.detail]}).encode() + b"\n")
        return 0
    told = {
        "kind": found.kind,
        "more": found.more,
        "is_cut": found.is_cut,
        "pages": [[page.width, page.height] for page in found.pages],
        "words": [asdict(word) for word in found.words],
        "symbols": [asdict(symbol) for symbol in found.symbols],
    }
    out.write(json.dumps(told).encode() + b"\n")
    for page in found.pages:
        out.write(struct.pack(">I", len(page.jpeg)) + page.jpeg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
