"""What the review desk takes with much to do: `python -m scripts.desk [--proofs 5000] [--steps 25]` measures it.

A shop with so many waiting proofs, each with a photo and a signature, of mixed doubt; a real browser signs in, opens
the desk, and steps from proof to proof by the key j. Measured inside the page: from the navigation's start until the
first proof and its photo are drawn, and from the key's press until the next proof and its photo are. Medians.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select, update

from tests.support.browser import Chromium
from tests.support.desk import PASSWORD, keep, make_desk_user, reference, scrawl
from tests.support.installation import make_settings, running_app
from tests.support.server import Server
from tests.support.shop import ApiPhone, make_parcels, make_shop, make_user
from tests.support.tagged import tagged
from webapp.store.models import BlobRef, Event
from webapp.store.unit import transaction

SECRET = "a secret of the measurement"  # noqa: S105 (of an installation that is thrown away)
BATCH = 100
PICTURES = 40
WIDE = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}
# The moment after the frame in which another proof's heading and its first photo stand.
NEXT = """() => new Promise((resolve) => {
  const old = document.querySelector("#desk");
  addEventListener("keydown", () => { window.pressedAt = performance.now(); }, { once: true, capture: true });
  const look = () => {
    const now = document.querySelector("#desk");
    const photo = now?.querySelector(".desk-photos img");
    if (now === old || !now.querySelector("#h-proof") || !photo?.complete) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => { window.tookMs = performance.now() - window.pressedAt; }));
  };
  look();
  resolve();
})"""
FIRST = """(() => {
  const look = () => {
    const photo = document.querySelector(".desk-photos img");
    if (!document.querySelector("#h-proof") || !photo?.complete) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => { window.seenAt = performance.now(); }));
  };
  look();
})()"""


def main() -> None:
    """Make the shop, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proofs", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--picture", type=Path, help="Also take a picture of the desk, here.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="baton-desk-") as folder, sync_playwright() as playwright:
        server = Server(Path(folder), BATON_SECRET_KEY=SECRET, BATON_RATE_LIMITS="0")
        fill(server, asked.proofs)
        server.start()
        browser = Chromium(playwright, Path(folder) / "profile")
        try:
            page = sign_in(browser, server)
            first = [open_desk(page, server) for _ in range(5)]
            steps = [step(page) for _ in range(asked.steps)]
            if asked.picture:
                page.screenshot(path=asked.picture, full_page=True)
        finally:
            browser.close()
            server.stop()
    print(
        f"{asked.proofs} waiting proofs: first proof on screen {statistics.median(first):.0f} ms (median of 5); "
        f"next proof after a key press {statistics.median(steps):.0f} ms median, "
        f"{sorted(steps)[int(len(steps) * 0.95)]:.0f} ms p95 of {len(steps)}"
    )


def fill(server: Server, proofs: int) -> None:
    """A shop with so many handovers that wait."""
    draw = random.Random(5)  # noqa: S311 (the same mix each time)
    with running_app(make_settings(server.data, secret_key=SECRET)) as app:
        org_id = make_shop("Toko Sari Rasa")
        make_desk_user(org_id, "office", "Olga Office", email="olga@example.com")
        phone = ApiPhone(app.test_client(), org_id, make_user(org_id, name="Budi Santoso", active=True))
        codes = make_parcels(org_id, proofs)
        photos = [tagged(codes[n], size=(1600, 1200), module=9, seed=n) for n in range(min(PICTURES, proofs))]
        signature = scrawl()
        keep(org_id, phone.device, *photos, signature)
        for start in range(0, proofs, BATCH):
            phone.send(
                *(
                    phone.seal(
                        "collect",
                        [codes[n]],
                        minute=n / 60,
                        intact=True,
                        counterpart={"name": "Ibu Sari", "role": "seller"},
                        blobs=[reference(photos[n % len(photos)]), reference(signature, "signature")],
                    )
                    for n in range(start, min(start + BATCH, proofs))
                )
            )
        with transaction() as session:
            # The photos count as looked at: what is measured is the desk, not the checks.
            session.execute(update(BlobRef).where(BlobRef.org_id == org_id).values(is_checked=True))
            for event_id in session.execute(select(Event.id).where(Event.org_id == org_id)).scalars().all():
                doubt = draw.choice([0, 0, 0, 20, 100, 300, 400])
                session.execute(
                    update(Event).where(Event.org_id == org_id, Event.id == event_id).values(doubt=doubt)
                )


def sign_in(browser: Chromium, server: Server) -> Page:
    """Olga at her desk."""
    page = browser.open(f"{server.url}/office/sign-in?next=/office/", **WIDE)
    page.get_by_label("E-mail").fill("olga@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("load")
    page.add_init_script(FIRST)
    return page


def open_desk(page: Page, server: Server) -> float:
    """Milliseconds from the navigation's start to the first proof and its photo."""
    page.goto(f"{server.url}/office/review")
    return _told(page, "window.seenAt")


def step(page: Page) -> float:
    """Milliseconds from the press of j to the next proof and its photo."""
    page.wait_for_timeout(700)  # a person looks at each, and the next one's picture comes meanwhile
    page.evaluate("window.tookMs = 0")
    page.evaluate(NEXT)
    page.keyboard.press("j")
    return _told(page, "window.tookMs")


def _told(page: Page, name: str) -> float:
    """What the page has noted under this name. Its policy lets nobody wait inside it, so it is asked."""
    for _ in range(600):
        if value := page.evaluate(name):
            return float(value)
        page.wait_for_timeout(100)
    raise TimeoutError(f"{name} was never told")


if __name__ == "__main__":
    main()
