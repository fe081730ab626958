"""The process that opens strangers' pictures: reads a job from stdin, answers on stdout, and dies rather than harm.

`python -m webapp.services.checking.worker SECONDS BYTES`. A job is a line of JSON, then as many bytes as it says; the
answer is a line of JSON. It knows no database, no network and no file; its address space and its time are limited by
the kernel, so whatever a picture makes a decoder do ends here.
"""

from __future__ import annotations

import base64
import json
import math
import resource
import sys
from contextlib import suppress
from typing import IO, Any


def main() -> int:
    """Serve until stdin ends."""
    seconds, most_bytes = float(sys.argv[1]), int(sys.argv[2])
    answers, jobs = sys.stdout.buffer, sys.stdin.buffer
    sys.stdout = sys.stderr  # whatever a library prints is no answer
    with suppress(ValueError, OSError):  # not every system limits it
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    while (job := _next(jobs)) is not None:
        spent = resource.getrusage(resource.RUSAGE_SELF)
        until = math.ceil(spent.ru_utime + spent.ru_stime + seconds) + 1
        # Should the parent be gone, nobody else ends what hangs.
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
        answers.write(json.dumps(_answer(*job)).encode() + b"\n")
        answers.flush()
    return 0


def _next(jobs: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    line = jobs.readline()
    if not line:
        return None
    asked: dict[str, Any] = json.loads(line)
    return asked, jobs.read(int(asked["size"]))


def _answer(asked: dict[str, Any], data: bytes) -> dict[str, Any]:
    # Imported under the limits: the libraries are the risk.
    from sync.evidence import examine, redact, reuse  # noqa: PLC0415
    from sync.evidence.pixels import grey_of  # noqa: PLC0415
    from sync.protocol.problems import Problem  # noqa: PLC0415

    if asked["do"] == "compare":
        mine = base64.b64decode(asked["sketch"])
        return {
            "likenesses": [round(reuse.likeness(base64.b64decode(s), mine), 4) for s in asked["sketches"]]
        }
    try:
        if asked["do"] == "redact":
            width, height = asked["of"]
            return {"jpeg": base64.b64encode(redact.redact(data, asked["kept"], (width, height))).decode()}
        if asked["do"] == "sameness":
            kept, new = (
                grey_of(examine.decode(part, reuse.ENOUGH)[0])
                for part in (data[: asked["first"]], data[asked["first"] :])
            )
            return {"sameness": reuse.sameness(kept, new)}
        return examine.examine(data, asked["role"], asked["wanted"])
    except MemoryError:
        return {
            "verdict": "refused",
            "code": "check-too-large",
            "sentence": "The picture needs more memory than a look at it may take.",
        }
    except Problem as problem:
        return {"verdict": "refused", "code": problem.code, "sentence": problem.detail}


if __name__ == "__main__":
    raise SystemExit(main())
