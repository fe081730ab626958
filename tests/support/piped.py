"""A Chromium that is told by its own pipe what to do, with nothing watched that was not asked for."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.support.browser import FLAGS
from tests.support.programs import find_chromium

# The browser reads at 3 and writes at 4. A child that places its own ends there and becomes the browser needs no
# code between fork and exec in this process, which has threads.
PLACE = (
    "import os, sys; r, w = map(int, sys.argv[1:3]); a, b = os.dup(r), os.dup(w); os.dup2(a, 3); os.dup2(b, 4); \
os.set_inheritable(3, True); os.set_inheritable(4, True); os.execv(sys.argv[3], sys.argv[3:])"
)


class PipedChromium:
    """One browser process on a profile folder, ended with the `with` block."""

    def __init__(self, profile: Path) -> None:
        """Start it. Raises SystemExit where no Chromium is found."""
        program = find_chromium()
        if program is None:
            raise SystemExit("no Chromium is found: name one in $CHROMIUM")
        its_reading, self._to = os.pipe()
        self._from, its_writing = os.pipe()
        command = [
            str(program),
            "--headless",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            *FLAGS,
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", PLACE, str(its_reading), str(its_writing), *command, "about:blank"],
            pass_fds=(its_reading, its_writing),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_reading)
        os.close(its_writing)
        self._asked = 0
        self._unread = b""

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it as a person would."""
        with contextlib.suppress(EOFError, OSError):
            self.ask("Browser.close")
        self._process.wait(timeout=30)
        os.close(self._to)
        os.close(self._from)

    def new_page(self) -> str:
        """An empty page; gives the session it is asked by."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session: str = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return session

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol; events that come meanwhile are passed over."""
        self._asked += 1
        said = {"id": self._asked, "method": method, "params": params}
        if session:
            said["sessionId"] = session
        os.write(self._to, json.dumps(said).encode() + b"\0")
        while (answer := self._read()).get("id") != self._asked:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = os.read(self._from, 1 << 20)
            if not more:
                raise EOFError("the browser is gone")
            self._unread += more
        one, _, self._unread = self._unread.partition(b"\0")
        told: dict[str, Any] = json.loads(one)
        return told
