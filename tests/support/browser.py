"""A real Chromium for the tests, with a profile that outlives it, a fake camera, and a way to kill it."""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright

from tests.support.programs import find_chromium

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
TORN_BYTES = 37  # less than any record has
# LevelDB's log: blocks, and in them records with a checksum, a length and a type, here the first part of one.
LOG_BLOCK = 32_768
LOG_HEAD = struct.Struct("<IHB")
LOG_FIRST = 2
PHONE = {"width": 360, "height": 740}


class Chromium:
    """One browser on one profile folder: `open`, `kill` (SIGKILL), `open` again and the profile is as it was.

    `complaints` collects what pages wrote to the console as errors, and exceptions nobody caught.
    """

    def __init__(self, playwright: Playwright, profile: Path) -> None:
        self._playwright = playwright
        self.profile = profile
        self.context: BrowserContext | None = None
        self.complaints: list[str] = []

    def open(
        self,
        url: str | None = None,
        *,
        camera: Path | None = None,
        devtools_port: int | None = None,
        **options: Any,
    ) -> Page:
        """Start it, with a video file as its camera, and go to `url`. `options` are Playwright's own.

        Other programs (Lighthouse) may drive it too by `devtools_port`.
        """
        found = find_chromium()
        flags = [*FLAGS, *(camera_flags(camera) if camera else ())]
        if devtools_port:
            flags.append(f"--remote-debugging-port={devtools_port}")
        options = {"viewport": PHONE, "has_touch": True, "is_mobile": True, **options}
        permissions = [*options.pop("permissions", ()), *(["camera"] if camera else ())]
        self.context = self._playwright.chromium.launch_persistent_context(
            str(self.profile),
            executable_path=str(found) if found else None,
            headless=True,
            args=flags,
            permissions=permissions or None,
            **options,
        )
        self.context.on("page", self._listen)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self._listen(page)
        if url:
            page.goto(url)
        return page

    def _listen(self, page: Page) -> None:
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    @property
    def page(self) -> Page:
        """The page in front."""
        assert self.context is not None, "it is not open"
        return self.context.pages[-1]

    def devtools(self, page: Page | None = None) -> CDPSession:
        """A session of the DevTools protocol on a page, for what Playwright has no word for."""
        assert self.context is not None, "it is not open"
        return self.context.new_cdp_session(page or self.page)

    def offline(self, is_offline: bool = True) -> None:
        """Take the network away, or give it back; pages and workers are told."""
        assert self.context is not None, "it is not open"
        self.context.set_offline(is_offline)

    def pid(self) -> int:
        """The browser's own process: the one with our profile that is no child's role."""
        marker = f"--user-data-dir={self.profile}"
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if marker in command and not any(part.startswith("--type=") for part in command):
                return int(process.pid)
        raise ProcessLookupError(f"no browser runs on {self.profile}")

    def kill(self) -> None:
        """End it as a dead battery would: SIGKILL to it and all its children, by their ids."""
        self.strike()
        for lock in self.profile.glob("Singleton*"):
            lock.unlink()
        self._forget()

    def strike(self) -> None:
        """The SIGKILL alone, which Playwright's own answers may ask for; `kill` then does the rest."""
        try:
            browser = psutil.Process(self.pid())
        except ProcessLookupError:
            return
        family = [*browser.children(recursive=True), browser]
        for process in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def tear(self) -> None:
        """Cut the last record of IndexedDB's log short, as a SIGKILL in the middle of its write does.

        The next start goes on behind it; the one after takes the log for damaged and begins from nothing.
        """
        log = self._log_of_store()
        with log.open("r+b") as file:
            file.truncate(log.stat().st_size - TORN_BYTES)

    def left_in_block(self) -> int:
        """How many bytes of a record LevelDB's log still takes before its next block begins."""
        return LOG_BLOCK - self._log_of_store().stat().st_size % LOG_BLOCK - LOG_HEAD.size

    def tear_behind_head(self) -> None:
        """Leave the head of a large record alone at the log's end, as a SIGKILL after the first of its two writes does.

        The next start goes on behind it; the one after reads up to it only, and is silently what it is now, if less was
        written than `left_in_block` said before.
        """
        left = self.left_in_block()
        with self._log_of_store().open("ab") as file:
            file.write(LOG_HEAD.pack(0, left, LOG_FIRST))

    def _log_of_store(self) -> Path:
        *_, log = sorted(self.profile.glob("Default/IndexedDB/*.leveldb/*.log"))
        return log

    def wall_up(self) -> Callable[[], None]:
        """Let no database of an origin's own place open, as a bad place on the disk does; gives how to mend it."""
        (manifest,) = self.profile.glob("Default/IndexedDB/*.leveldb/MANIFEST-*")
        kept = manifest.rename(manifest.with_name(f"kept-{manifest.name}"))
        manifest.mkdir()

        def mend() -> None:
            manifest.rmdir()
            kept.rename(manifest)

        return mend

    def is_store_new(self) -> bool:
        """Whether IndexedDB began from nothing at this start, by what the browser wrote down itself."""
        (log,) = self.profile.glob("Default/IndexedDB/*.leveldb/LOG")
        return "since it was missing" in log.read_text()

    def close(self) -> None:
        """End it as a person would."""
        self._forget()

    def _forget(self) -> None:
        context, self.context = self.context, None
        if context is not None:
            try:
                context.close()
            except Exception as error:
                if not re.search(r"closed|crash|disconnected", str(error), re.IGNORECASE):
                    raise


def camera_flags(video: Path) -> tuple[str, ...]:
    """Chromium's arguments that make a y4m or mjpeg file its only camera, allowed without asking."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )
