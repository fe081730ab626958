/**
 * Home: today's runs, a draft to go on with, notices, and the three doors.
 * @module
 */
import { count, t } from "../domain/words.js";
import { say } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { age, clockTime, dayName, dayOf, draftName, kindIcon, kindName, runName } from "../ui/format.js";
import { go } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
import { clone, cloneAll, el, fill, on, part, setIcon, text } from "../ui/template.js";
import { picturesOf, scanRoute } from "./flow.js";
import { leftOf, runsOn } from "./progress.js";
import { updateIsReady } from "./update.js";

/** @import {Kind, Notice, Run} from '../domain/types.js' */
/** @import {App, Screen} from './context.js' */

/** @type {Screen} */
export const home = (app, root) => {
  const { identity } = app.phone;
  const now = new Date(app.phone.officeTime(Date.now()));
  setBar({ title: "Baton", who: `${identity?.actor.name ?? ""} · ${dayName(now)}`, tab: "home" });
  const screen = cloneAll("home");
  root.append(screen);
  for (const door of screen.querySelectorAll("button[data-kind]")) {
    const kind = /** @type {Kind} */ (door instanceof HTMLElement ? door.dataset.kind : "");
    door.addEventListener(
      "click",
      () => void (kind === "return" ? startReturn(screen) : startKind(app, kind)),
    );
  }
  on(screen, "discard", "click", () => void discard(app, screen));
  const refresh = () => {
    showResume(app, screen);
    showRuns(app, screen);
    showNotices(app, screen);
  };
  refresh();
  const clock = setInterval(refresh, 60_000);
  addEventListener("baton-update", refresh);
  return {
    refresh,
    leave: () => {
      clearInterval(clock);
      removeEventListener("baton-update", refresh);
    },
  };
};

/** @param {App} app @returns {string} 2026-11-22 */
function today(app) {
  return dayOf(app.phone.officeTime(Date.now()));
}

/** @param {App} app @returns {Run[]} */
function runsNow(app) {
  return runsOn(app.phone.runs(), today(app));
}

/** @param {App} app @param {HTMLElement} screen */
function showRuns(app, screen) {
  const runs = runsNow(app);
  fill(
    el(screen, "runs"),
    runs.map((run) => runCard(app, run)),
  );
  el(screen, "empty").hidden = runs.length > 0;
  const asOf = app.phone.worklistAsOf;
  text(screen, "asof", asOf ? t("updated {age}", { age: age(asOf) }) : t("no list yet"));
  text(screen, "empty-title", asOf ? t("No runs for today") : t("No list on this phone yet"));
}

/** @param {App} app @param {Run} run @returns {HTMLElement} */
function runCard(app, run) {
  const card = clone("run");
  const { done, total } = leftOf(run, (code) => app.phone.parcel(code), app.shell.sealed);
  const carrier = app.phone.rules?.carriers.find(({ code }) => code === run.carrier)?.name ?? run.carrier;
  const full = total > 0 && done >= total;
  part(card, "link", HTMLAnchorElement).href = scanRoute(run.kind, run.id);
  setIcon(card, "icon", full ? "circle-check" : kindIcon(run.kind));
  const name = runName(run.kind, run.title);
  const [head = "", ...rest] = name.split(" · ");
  text(card, "title", head);
  text(
    card,
    "sub",
    [
      kindName(run.kind),
      ...rest,
      ...[carrier, run.place?.name].filter((about) => about && !name.includes(about)),
      run.day < today(app) ? t("from an earlier day") : null,
      run.day > today(app) ? t("for a later day") : null,
    ]
      .filter(Boolean)
      .join(" · "),
  );
  text(card, "count", `${done}/${total}`);
  el(card, "count").setAttribute("aria-label", t("{done} of {total} done", { done, total }));
  const meter = part(card, "meter", HTMLProgressElement);
  meter.max = Math.max(1, total);
  meter.value = done;
  meter.dataset.full = String(full);
  card.classList.toggle("is-done", full || run.state === "closed");
  return card;
}

/** @param {App} app @param {HTMLElement} screen */
function showResume(app, screen) {
  const { draft, isBegun, run, route } = app.flow;
  el(screen, "resume").hidden = !isBegun;
  if (!draft || !isBegun) return;
  text(
    screen,
    "resume-title",
    `${t("Unfinished: {what}", { what: draftName(draft) })}${run ? `, ${runName(draft.kind, run.title)}` : ""}`,
  );
  const photos = picturesOf(draft).length;
  text(
    screen,
    "resume-sub",
    t("{parcels}, {photos} · since {time}", {
      parcels: count(draft.scans.length, "parcel"),
      photos: count(photos, "photo"),
      time: clockTime(draft.startedAt),
    }),
  );
  part(screen, "resume-go", HTMLAnchorElement).href = route;
}

/** @param {App} app @param {HTMLElement} screen */
function showNotices(app, screen) {
  /** @type {Notice[]} */
  const notices = [...app.phone.notices()];
  if (updateIsReady()) {
    notices.unshift({
      id: "update",
      text: t("A new version is ready. Restart Baton on the page Me when you are between handovers."),
      severity: "info",
      at: "",
    });
  }
  if (app.shell.isTight) {
    notices.unshift({
      id: "room",
      text: t("Little room is left on this phone for photos. Send what you have while there is a network."),
      severity: "warning",
      at: "",
    });
  }
  if (app.shell.isStuck) {
    notices.unshift({
      id: "stuck",
      text: t(
        "Your work is kept here but cannot be sent. Open the outbox: from there it can go to the office as a rescue file.",
      ),
      severity: "warning",
      at: "",
    });
  }
  el(screen, "notices").replaceChildren(
    ...notices.slice(0, 3).map((notice) => {
      const box = clone("notice");
      box.dataset.tone =
        notice.severity === "urgent" ? "stop" : notice.severity === "warning" ? "attention" : "sent";
      text(box, "text", notice.text);
      text(box, "when", notice.at ? clockTime(notice.at) : "");
      return box;
    }),
  );
}

/** @param {App} app @param {HTMLElement} screen */
async function discard(app, screen) {
  const { draft } = app.flow;
  const answer = await ask(
    t("Discard this handover?"),
    t("Its scans and photos are thrown away. Nothing of it was sealed."),
    [
      { value: "no", label: t("Keep it"), tone: "primary" },
      { value: "yes", label: t("Discard"), tone: "danger" },
    ],
  );
  if (answer !== "yes" || app.flow.draft !== draft) return; // somebody else's may be open by now
  if (!(await app.flow.discard())) return;
  say(t("Discarded"));
  showResume(app, screen);
}

/** A return is two handovers: to whoever carries it back, and to the seller. @param {HTMLElement} screen */
async function startReturn(screen) {
  const stage = await ask(t("Return: what are you doing?"), t("Both need photos and a signature."), [
    { value: "start", label: t("I pick it up"), tone: "primary" },
    { value: "done", label: t("I hand it to the seller"), tone: "primary" },
    { value: "", label: t("Not now") },
  ]);
  if (stage && screen.isConnected) go(scanRoute(`return-${stage}`, null));
}

/** One run of this kind left: straight to it. Several: ask which. None: scan without a list. @param {App} app @param {Kind} kind */
async function startKind(app, kind) {
  const open = runsNow(app).filter(
    (run) =>
      run.kind === kind &&
      run.state === "open" &&
      leftOf(run, (code) => app.phone.parcel(code), app.shell.sealed).left.length > 0,
  );
  const only = open.length === 1 ? open[0] : undefined;
  if (open.length === 0 || only) {
    go(scanRoute(kind, only?.id ?? null));
    return;
  }
  const answers = open.map((run) => ({ value: run.id, label: runName(run.kind, run.title) }));
  const chosen = await ask(t("{kind}: which run?", { kind: kindName(kind) }), "", [
    ...answers,
    { value: "free", label: t("Without a list") },
    { value: "", label: t("Not now") },
  ]);
  if (chosen) go(scanRoute(kind, chosen === "free" ? null : chosen));
}
