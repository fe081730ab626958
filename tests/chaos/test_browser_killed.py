"""A real Chromium, SIGKILLed at every await of sealing and sending, its store thrown away or not: all comes home."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route

from tests.e2e.screens import inside
from tests.support.browser import Chromium
from tests.support.server import Server

STEPS = Path(__file__).parent / "browser" / "steps.js"
MOST = 600
HOME_WITHIN_MS = 60_000
PICTURES = 3  # of a handover: two photos and a signature

SEED = """
import json, sys
from tests.support.shop import make_parcels, make_run, make_shop, make_user
from webapp import clock
from webapp.app import create_app
from webapp.services.enrol import make_enrolment
app = create_app()
with app.app_context():
    org = make_shop()
    user = make_user(org)
    count = int(sys.argv[1])
    parcels = make_parcels(org, 2 * count, status="ready")
    make_run(org, user, parcels[:3])
    code = make_enrolment(org, user, None, clock.now(), "http://x").code
    print(json.dumps({"code": code, "pairs": list(zip(parcels[::2], parcels[1::2]))}))
"""
# What the server has of every phone, read beside it.
LEDGER = """
import json
from sqlalchemy import select
from sync.protocol import envelope
from webapp.app import create_app
from webapp.extensions import db
from webapp.store import blobs
from webapp.store.models import Blob, BlobRef, Event, EventParcel, Quarantined
app = create_app()
with app.app_context():
    ask = db.session.execute
    assert ask(select(Quarantined.code)).all() == []
    held = {(row.org_id, row.sha256) for row in ask(select(Blob.org_id, Blob.sha256))}
    held = {key for key in held if blobs.current().has(*key)}
    phones = {}
    theirs = select(Event).where(Event.kind != "check")
    for event in ask(theirs.order_by(Event.device_id, Event.seq, Event.branch)).scalars():
        own = event.org_id, event.id
        refs = ask(select(BlobRef.sha256).where(BlobRef.org_id == own[0], BlobRef.event_id == own[1])).scalars()
        codes = ask(select(EventParcel.code).where(EventParcel.org_id == own[0], EventParcel.event_id == own[1]))
        phones.setdefault(event.device_id, []).append({
            "id": event.id, "seq": event.seq, "branch": event.branch, "prev": event.prev, "sha256": event.sha256,
            "kind": event.kind, "parcels": sorted(codes.scalars()),
            "blobs": {sha256: (event.org_id, sha256) in held for sha256 in refs},
        })
    print(json.dumps(phones))
"""

ENROL = """async (code) => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  await phone.enrol(code, { label: "Killed" });
  await phone.kick("user"); // the whole list, which is pulled once
  phone.close();
}"""
# What the acts below do it with; the phone has nothing fresh in memory, and asks the server anew how it is.
SIT_DOWN = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const { Store } = await import("/static/js/storage/store.js");
  const { setMeta } = await import("/static/js/storage/meta.js");
  const phone = await openPhone({ auto: false });
  const store = new Store();
  await store.open();
  await setMeta(store, phone.device(), "offset", null);
  store.close();
  const picture = async (size) => {
    const canvas = new OffscreenCanvas(64, 48);
    canvas.getContext("2d").fillRect(0, 0, 40, 48);
    const drawn = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer());
    const bytes = new Uint8Array(drawn.length + size);
    bytes.set(drawn);
    for (let at = drawn.length; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
    return bytes.buffer;
  };
  const collection = async (code, sizes) => {
    const draft = phone.newDraft("collect", { intact: true, counterpart: { name: "Ben", role: "seller" } });
    draft.scans = [{ code, raw: code, verdict: "known", at: draft.startedAt, typed: false, override: null }];
    const keep = async () => {
      await phone.saveDraft(draft);
      globalThis.trial.said({ draft: draft.photos.length + (draft.signature ? 1 : 0) });
    };
    await keep();
    for (const size of sizes) {
      const photo = await phone.storePhoto(await picture(size), "image/jpeg");
      draft.photos.push({ ...photo, role: "photo", parcel: null });
      await keep();
    }
    draft.signature = { ...(await phone.storePhoto(await picture(900), "image/jpeg")), strokes: [] };
    await keep();
    return draft;
  };
  globalThis.sitting = { phone, collection };
}"""
# One handover from the first scan on; what it says to the person is what the trial holds it to.
SEAL = """async ([n, [parcel]]) => globalThis.trial.live(n, async () => {
  const { phone, collection } = globalThis.sitting;
  globalThis.trial.said({ sealed: (await phone.seal(await collection(parcel, [4000, 90000]))).id });
})"""
# Two handovers, photos small and large, sent in one round.
PREPARE = """async (parcels) => {
  const { phone, collection } = globalThis.sitting;
  for (const parcel of parcels) {
    globalThis.trial.said({ sealed: (await phone.seal(await collection(parcel, [3000, 280000]))).id });
  }
}"""
SEND = """async ([n]) => globalThis.trial.live(n, async () => {
  const { state, problem } = await globalThis.sitting.phone.kick("user");
  if (state !== "idle" || problem) throw new Error(`the round ended with ${state}`);
})"""

LEFT = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const draft = await phone.loadDraft();
  const pictures = draft ? [...draft.photos, ...(draft.signature ? [draft.signature] : [])] : [];
  for (const { sha256 } of pictures) if (!(await phone.blob(sha256))) throw new Error("a picture of the draft is gone");
  const { headSeq } = await phone.counts();
  phone.close();
  return { kept: draft && pictures.length, sealed: headSeq };
}"""
FINISH = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const sealed = await phone.seal(await phone.loadDraft());
  phone.close();
  return sealed.id;
}"""
# Opens the store, and writes something that is no matter.
TOUCH = """async () => {
  const { Store } = await import("/static/js/storage/store.js");
  const { setMeta } = await import("/static/js/storage/meta.js");
  const store = new Store();
  await store.open();
  await setMeta(store, "", "heartbeat", Date.now());
  store.close();
}"""
IS_HOME = """async () => {
  const { openPhone } = await import("/static/js/outbox/phone.js");
  const phone = await openPhone({ auto: false });
  const counts = await phone.counts();
  phone.close();
  return counts.unsent + counts.unsentBlobs === 0;
}"""


@dataclass
class Life:
    """A phone that is killed again and again, and opened again on the same profile."""

    browser: Chromium
    url: str
    said: list[dict[str, Any]] = field(default_factory=list)
    died_at: str | None = None

    def open(self, path: str, told: list[str] | None = None) -> Page:
        """The browser again, its pages watched. Without a worker: what is killed here is the page's own work.

        `told` gets what the page says to its console, and its requests that failed.
        """
        page = self.browser.open(service_workers="block")
        if told is not None:
            page.on("console", lambda message: told.append(message.text))
            page.on("pageerror", lambda error: told.append(str(error)))
            page.on("requestfailed", lambda request: told.append(f"{request.url} {request.failure}"))
        assert self.browser.context is not None
        self.browser.context.add_init_script(path=STEPS)
        self.browser.context.route("**/trial/*", self._hear)
        page.goto(f"{self.url}{path}")
        return page

    def _hear(self, route: Route) -> None:
        said = route.request.post_data or ""
        if route.request.url.endswith("/die"):
            self.died_at = said
            self.browser.strike()  # the page stands still until it is answered, and is not any more
            with contextlib.suppress(Error):
                route.abort()
            return
        self.said.append(json.loads(said))
        route.fulfill(status=204)

    def sit_down(self) -> Page:
        """A page of the phone's origin in which only the trial works with the phone's modules."""
        self.said, self.died_at = [], None
        page = self.browser.page
        page.goto(f"{self.url}/office/sign-in")
        page.evaluate(SIT_DOWN)
        return page

    def live(self, page: Page, act: str, given: Sequence[Any]) -> list[str] | None:
        """Do it, killed at the n-th step or, when there are fewer, at the end: then it gives the steps."""
        steps: list[str] | None = None
        try:
            steps = page.evaluate(act, list(given))
        except Error:
            if self.died_at is None:
                raise
        self.browser.kill()
        return steps

    def come_back(self) -> Page:
        """The app itself, as a person opens it."""
        told: list[str] = []
        page = self.open("/app/", told)
        try:
            page.wait_for_selector("[data-el=resume]", state="attached")
        except Error as error:
            shown = page.evaluate("[document.readyState, document.body.innerText.slice(0, 600)]")
            error.add_note(f"the page shows {shown} and told {told}")
            raise
        return page

    def wait_until_home(self) -> None:
        """Nobody touches anything; the queue empties by itself."""
        for _ in range(HOME_WITHIN_MS // 200):
            if self.browser.page.evaluate(IS_HOME):
                return
            self.browser.page.wait_for_timeout(200)
        raise AssertionError("the queue does not empty by itself")

    @property
    def told_sealed(self) -> list[str]:
        """The handovers that it has said are saved."""
        return [said["sealed"] for said in self.said if "sealed" in said]

    @property
    def told_kept(self) -> int | None:
        """How many pictures of the draft it has said are kept; None before there was a draft."""
        return next((said["draft"] for said in reversed(self.said) if "draft" in said), None)


# What became of a trial: its steps if it was not killed, and how many pictures each of its handovers has.
Outcome = tuple[list[str] | None, list[int]]


def seal(life: Life, n: int, parcels: Sequence[str]) -> Outcome:
    """Killed while a handover is made; what is left is gone on with."""
    page = life.sit_down()
    before = page.evaluate(LEFT)["sealed"]
    steps = life.live(page, SEAL, [n, parcels])
    return go_on(life, steps, before)


def throw_away(life: Life, n: int, parcels: Sequence[str]) -> Outcome:
    """Killed in the middle of a write as well, and opened twice: the browser throws its store away in between."""
    page = life.sit_down()
    before = page.evaluate(LEFT)["sealed"]
    steps = life.live(page, SEAL, [n, parcels])
    life.browser.tear()
    life.open("/office/sign-in").evaluate(TOUCH)
    life.browser.kill()
    life.open("/office/sign-in").evaluate(TOUCH)
    assert life.browser.is_store_new(), "the store was not thrown away: this trial tries nothing"
    life.browser.kill()
    return go_on(life, steps, before)


def go_on(life: Life, steps: list[str] | None, before: int) -> Outcome:
    """What a person finds and does after it; `before` is how many records were sealed by then."""
    page = life.come_back()
    left = page.evaluate(LEFT)
    is_sealed, kept = left["sealed"] > before, left["kept"]
    if is_sealed:
        assert kept is None, "sealed, and still a draft"
    else:
        assert life.told_sealed == [], "it said saved, and it was not"
        assert (kept is None) <= (life.told_kept is None), "the draft is gone"
        assert (kept or 0) >= (life.told_kept or 0), "a picture of the draft is gone"
    assert page.locator("[data-el=resume]").is_visible() == (kept is not None)
    if kept is not None:
        page.evaluate(FINISH)
        page.reload()
    life.wait_until_home()
    return steps, [PICTURES] if is_sealed else [kept] if kept is not None else []


def send(life: Life, n: int, parcels: Sequence[str]) -> Outcome:
    """Killed while two handovers and their pictures are sent."""
    page = life.sit_down()
    page.evaluate(PREPARE, parcels)
    assert len(life.told_sealed) == len(parcels)
    steps = life.live(page, SEND, [n, parcels])
    life.come_back()
    life.wait_until_home()
    return steps, [PICTURES] * len(parcels)


Trial = Callable[[Life, int, Sequence[str]], Outcome]


@dataclass
class Trials:
    """One after the other, in one phone's life; at the end all that was said is looked for on the server."""

    server: Server
    life: Life
    pairs: Iterator[list[str]]
    expected: list[tuple[str, int]] = field(default_factory=list)  # parcel, pictures: in the order sealed
    told: set[str] = field(default_factory=set)  # ids of handovers that it said are saved

    def run(self, trial: Trial, steps: Sequence[int]) -> list[str]:
        """Killed at each of these steps until one comes to its end before; gives the names of all steps then."""
        for n in steps:
            pair = next(self.pairs)
            try:
                lived, pictures = trial(self.life, n, pair)
            except BaseException as error:
                error.add_note(f"killed at step {n}: {self.life.died_at}")
                raise
            print(
                f"{trial.__name__}, step {n}: {self.life.died_at or 'it came to its end before'}", flush=True
            )
            self.expected += zip(pair, pictures, strict=False)
            self.told.update(self.life.told_sealed)
            if lived is not None:
                return lived
        return []

    def check(self) -> None:
        """Everything is on the server once, in one chain, with its pictures; nothing is held back there."""
        (events,) = json.loads(inside(self.server, LEDGER).splitlines()[-1]).values()
        assert [(event["seq"], event["branch"]) for event in events] == [
            (n + 1, 0) for n in range(len(events))
        ]
        assert [event["prev"] for event in events[1:]] == [event["sha256"] for event in events[:-1]]
        assert {event["id"] for event in events} >= self.told
        assert [(event["parcels"], len(event["blobs"])) for event in events] == [
            ([code], pictures) for code, pictures in self.expected
        ]
        assert {event["kind"] for event in events} == {"collect"}
        assert all(all(event["blobs"].values()) for event in events), "a picture is not here"


@pytest.fixture
def trials(live_server: Server, browser: Chromium) -> Trials:
    given = json.loads(inside(live_server, SEED, str(MOST)).splitlines()[-1])
    life = Life(browser, live_server.url)
    life.open("/office/sign-in").evaluate(ENROL, given["code"])
    return Trials(live_server, life, iter(given["pairs"]))


@pytest.mark.chaos
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize(("trial", "least"), [(seal, 50), (throw_away, 50), (send, 150)])
def test_a_browser_killed_at_any_await_loses_and_doubles_nothing(
    trials: Trials, trial: Trial, least: int
) -> None:
    steps = trials.run(trial, range(1, MOST))
    print(f"{trial.__name__}: killed at each of {len(steps)} steps")
    assert len(steps) > least
    trials.check()


@pytest.mark.timeout(600)
def test_a_browser_killed_at_some_awaits_loses_and_doubles_nothing(trials: Trials) -> None:
    for trial, shares in ((seal, (0.5, 0.97)), (throw_away, (0.7,)), (send, (0.5, 0.9))):
        steps = trials.run(trial, [0])
        trials.run(trial, [int(len(steps) * share) for share in shares])
    trials.check()
