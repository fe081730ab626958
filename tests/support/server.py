"""A real Baton process for the tests: started, killed, started again on the same data and port."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.ports import free_port

BATON = Path(sys.executable).parent / "baton"
# What a child needs of our own environment; nothing of BATON_* may leak into a test.
KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)


class Server:
    """`baton serve` with a data folder of its own; `url` reaches it, `log` is what it said.

    `command` may be changed before a start, to run it under something.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        """Prepare, do not start. `settings` are environment variables: `BATON_DATABASE_URL="…"`."""
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environ = {
            **kept,
            "BATON_DATA": str(self.data),
            "BATON_HOST": "127.0.0.1",
            "BATON_PORT": str(self.port),
            "BATON_PUBLIC_URL": self.url,
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.command = [str(BATON)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, within: float = 60) -> Server:
        """Start it and wait until it answers."""
        folder = self.data.parent
        folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", *arguments],
                env=self.environ,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers(within)
        return self

    def _wait_until_it_answers(self, within: float) -> None:
        assert self.process is not None
        end = time.monotonic() + within
        while not self.is_answering():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"baton serve does not answer:\n{self.text()}")
            time.sleep(0.05)

    def is_answering(self) -> bool:
        """Whether a request gets any answer of HTTP."""
        try:
            with urllib.request.urlopen(f"{self.url}/sync/v1/hello", timeout=2):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False

    def text(self) -> str:
        """All it has printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL to it and all its children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self, within: float = 20) -> int:
        """Ask it to end (SIGTERM) and give its exit code."""
        assert self.process is not None, "it is not running"
        self.process.terminate()
        code = self.process.wait(timeout=within)
        self.process = None
        return code

    def restart(self) -> Server:
        """SIGKILL and start again, on the same data and port."""
        self.kill()
        return self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections open, answers never come. `resume` ends that."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def baton(self, *arguments: str, within: float = 120) -> str:
        """Run `baton …` on the same installation; gives its output. Raises AssertionError on failure."""
        done = subprocess.run(
            [str(BATON), *arguments],
            env=self.environ,
            cwd=self.data.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        command = " ".join(arguments)
        assert done.returncode == 0, f"baton {command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
