"""Take every picture of docs/screens: `python -m scripts.screens [--all]` (`make screens`).

A real server with the demo shop, a real browser as the phone with a filmed camera, another as the office. A picture
is written anew only where it shows more than another day's codes and times; `--all` writes each one.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

from scripts.screens import phone
from scripts.screens.evening import Evening
from scripts.screens.office import Office
from scripts.screens.studio import Studio
from scripts.screens.two import SharedPhone
from tests.support.browser import Chromium
from tests.support.programs import ROOT
from tests.support.server import Server


def main() -> None:
    """Work a day and photograph it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="write every picture anew")
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "screens", help="the folder")
    asked = parser.parse_args()
    studio = Studio(asked.into, all_anew=asked.all)
    with tempfile.TemporaryDirectory(prefix="baton-screens-") as folder, sync_playwright() as playwright:
        server = Server(Path(folder), BATON_RATE_LIMITS="0").start("--demo")
        try:
            _day(server, studio, Path(folder), playwright)
        except Exception:
            print(server.text()[-4000:])
            raise
        finally:
            server.stop()
    for name in studio.clear():
        print(f"screens: {name} is no more")
    print(f"screens: {len(studio.taken)} pictures, {len(studio.changed)} new, {studio.size() / 1e6:.1f} MB")


def _day(server: Server, studio: Studio, folder: Path, playwright: Playwright) -> None:
    password = re.search(r"Password\s+(\S+)", server.text())
    if password is None:
        raise SystemExit("screens: the server did not say the password")
    office = Office(server, password[1], studio)
    desk = Chromium(playwright, folder / "desk")
    courier = Chromium(playwright, folder / "phone")
    page = office.open(desk, "wide")
    code = json.loads(server.baton("enrol", "--user", "Demo courier", "--json"))["code"]
    phone.work(courier, server, code, folder, studio, lambda: office.ask_for_a_retake(page))
    courier.close()
    office.prepare(page)
    office.show_all(page, "wide")
    narrow = Chromium(playwright, folder / "narrow")
    small = office.open(narrow, "phone")
    office.show_all(small, "phone")
    shared = SharedPhone(courier, server, folder, studio)
    for file in (shared.work(), *Evening(server, folder).happen()):
        office.read_in(page, file)
    shared.come_home()
    office.settle_one(page)
    office.show_troubles(page, "wide")
    office.show_troubles(small, "phone")
    desk.close()
    narrow.close()


if __name__ == "__main__":
    main()
