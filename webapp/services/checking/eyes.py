"""Hold the process that looks at pictures: start it, give it a job, and kill it when a job takes too long."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import structlog

from webapp import clock

log = structlog.get_logger()

SECONDS = 20.0
STARTING = 20.0  # more for the first job of a process: a busy disk gives the libraries slowly
BYTES = 1536 * 1024**2
_PACKAGES = Path(__file__).resolve().parents[3]
_OVERRAN = {
    "verdict": "refused",
    "code": "check-overran",
    "sentence": "The picture takes longer to open than a look at it may take.",
}
_CRASHED = {
    "verdict": "refused",
    "code": "check-crashed",
    "sentence": "The picture made the program that opens it stop.",
}


class Eyes:
    """One worker process, started at the first job and anew after each that it did not survive.

    Several threads may ask; one at a time is served.
    """

    def __init__(self, seconds: float = SECONDS, most_bytes: int = BYTES) -> None:
        self.seconds, self.most_bytes = seconds, most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def examine(self, data: bytes, role: str, wanted: list[str]) -> dict[str, Any]:
        """What `sync.evidence.examine` says of a picture.

        Given up, its `code` is check-overran, check-crashed or check-too-large.
        """
        job = {"do": "examine", "role": role, "wanted": wanted}
        return self._ask(job, data)

    def compare(self, sketch: str, sketches: list[str]) -> list[float]:
        """How far the picture of a sketch (base64) is the same as those of others; none when it cannot be told."""
        answer = self._ask({"do": "compare", "sketch": sketch, "sketches": sketches}, b"")
        return list(answer.get("likenesses", ()))

    def sameness(self, kept: bytes, new_one: bytes) -> float | None:
        """`sync.evidence.reuse.sameness` of two picture files; None also when one of them cannot be opened."""
        answer = self._ask({"do": "sameness", "first": len(kept)}, kept + new_one)
        told = answer.get("sameness")
        return None if told is None else float(told)

    def redact(self, data: bytes, kept: list[list[list[float]]], size: tuple[int, int]) -> dict[str, Any]:
        """A copy with printed text blurred outside the polygons kept, as `jpeg` in base64; without it, given up."""
        return self._ask({"do": "redact", "kept": kept, "of": list(size)}, data)

    def close(self) -> None:
        """End the process; the next job starts another."""
        with self._turn:
            self._end()

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def _ask(self, job: dict[str, Any], data: bytes) -> dict[str, Any]:
        answer = self._try(job, data)
        if answer.get("code") == _CRASHED["code"]:
            # It may have been killed for another's sake (memory ran short): once more, in a fresh process.
            answer = self._try(job, data)
        return answer

    def _try(self, job: dict[str, Any], data: bytes) -> dict[str, Any]:
        with self._turn:
            is_new = self.pid is None
            process = self._running()
            until = clock.ticks() + self.seconds + (STARTING if is_new else 0)
            try:
                line = self._exchange(
                    process, json.dumps({**job, "size": len(data)}).encode() + b"\n" + data, until
                )
            except TimeoutError:
                log.warning("a look at a picture took too long", pid=process.pid, seconds=self.seconds)
                self._end()
                return dict(_OVERRAN)
            except OSError:
                line = b""
            if not line:
                log.warning("the process that looks at pictures died", pid=process.pid, code=process.poll())
                self._end()
                return dict(_CRASHED)
            answer: dict[str, Any] = json.loads(line)
            return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own module)
            [
                sys.executable,
                "-m",
                "webapp.services.checking.worker",
                str(self.seconds),
                str(self.most_bytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={
                "PYTHONPATH": str(_PACKAGES),
                "PATH": os.defpath,
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "OPENCV_FOR_THREADS_NUM": "1",
            },
        )
        return self._process

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], job: bytes, until: float) -> bytes:
        """Send a job and read the line of the answer, both against the clock: a pipe may stop taking or giving."""
        assert process.stdin is not None
        assert process.stdout is not None
        taking, giving = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(taking, False)
        left = memoryview(job)
        line = b""
        pipes = select.poll()  # select() ends with the 1,024th descriptor
        pipes.register(giving, select.POLLIN)
        pipes.register(taking, select.POLLOUT)
        while not line.endswith(b"\n"):
            ready = {pipe for pipe, _ in pipes.poll(max(0.0, until - clock.ticks()) * 1000)}
            if not ready:
                raise TimeoutError
            # Whatever is told of a pipe, also that its other end is gone: the call itself says it.
            if taking in ready:
                left = left[os.write(taking, left[:65536]) :]
                if not left:
                    pipes.unregister(taking)
            if giving in ready:
                piece = os.read(giving, 65536)
                if not piece:
                    return b""
                line += piece
        return line

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
        self._process = None
