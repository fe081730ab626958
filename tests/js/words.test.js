/** The words of the screens: every one that the code says is in every language, and no language says what nobody does. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { Linter } from "eslint";
import { problemWords } from "../../webapp/static/js/domain/problems.js";
import { count, isEnglish, speak, t, tongue } from "../../webapp/static/js/domain/words.js";
import { age, dayName, kindName, roleName, runName } from "../../webapp/static/js/ui/format.js";
import { LANGUAGES, learn, spokenBy, tagOf } from "../../webapp/static/js/ui/language.js";

const JS = new URL("../../webapp/static/js/", import.meta.url);
const FIELD = new URL("../../webapp/templates/field/", import.meta.url);
const WORDS = new URL("../../webapp/static/words/", import.meta.url);

/** Said by nobody to anybody: names of errors, keys and queries of the browser, and of things that have one name everywhere. */
const NAMES =
  /^(Baton|iPhone|iPad|Phone|Android phone|Escape|Enter|Arrow\w+|\(display-mode.*|\w+Error|Share Button)$/;
/** Put into the language by whoever shows them, and not where they stand. */
const LATER = new Set([
  "Cancellation asked for",
  "Handed over already",
  "Known parcel",
  "Mistyped code",
  "Other",

  "Something went wrong on this phone.",
  "Try again, or ask the office for a new code.",
]);
/** What the server says to a phone, word for word as it says it; tests/unit/test_phone_words.py holds it to this list. */
const SERVER = JSON.parse(readFileSync(new URL("server-words.json", import.meta.url), "utf8"));

/** @param {string} text @returns {boolean} for people to read: begins as a sentence does, or has more than one word */
const isForPeople = (text) =>
  /[A-Za-z]/.test(text) && (/ /.test(text) || /^[A-Z][a-z]/.test(text)) && !NAMES.test(text);

/** Every literal below a node. */
function* literals(node) {
  if (!node || typeof node !== "object") return;
  if (node.type === "Literal" && typeof node.value === "string") yield node.value;
  if (node.type === "ConditionalExpression") {
    yield* literals(node.consequent);
    yield* literals(node.alternate);
  }
}

/** What a module says: `all` takes every literal for people, else only what goes through `t`, `count` and PhoneError. */
function saidBy(code, all) {
  const said = new Set();
  const bare = [];
  const isSaid = (node) => {
    for (let at = node; at.parent; at = at.parent) {
      const { parent } = at;
      if (parent.source === at) return true; // the module that is imported
      const name = parent.callee?.name;
      if (parent.type === "CallExpression" && name === "t") return parent.arguments[0] === at;
      if (parent.type === "CallExpression" && name === "count") return true;
      if (parent.type === "NewExpression" && (name === "Error" || name === "PhoneError")) return true;
    }
    return false;
  };
  const isInTable = (node) => {
    for (let at = node; at; at = at.parent) if (/Function/.test(at.type)) return false;
    return true;
  };
  const collect = {
    create: () => ({
      CallExpression({ callee, arguments: given }) {
        if (callee.name === "t") for (const key of literals(given[0])) said.add(key);
        if (callee.name !== "count" || given.length < 2 || given[1].type !== "Literal") return;
        said.add(`{n} ${given[2]?.value ?? `${given[1].value}s`}`);
      },
      NewExpression({ callee, arguments: given }) {
        if (callee.name === "PhoneError") {
          for (const part of given.slice(1, 3)) for (const key of literals(part)) said.add(key);
        }
      },
      Literal(node) {
        if (!all || typeof node.value !== "string" || !isForPeople(node.value) || isSaid(node)) return;
        if (node.parent.type === "Property" && node.parent.key === node) return;
        said.add(node.value);
        if (!isInTable(node) && !LATER.has(node.value)) bare.push(node.value);
      },
      TemplateLiteral(node) {
        const words = node.quasis.map(({ value }) => value.cooked).join("§");
        if (
          all &&
          !isSaid(node) &&
          /[A-Za-z]{2,} |§ ?[a-z]{2,}|^[A-Z][a-z]/.test(words) &&
          !/[=#[/]/.test(words)
        ) {
          bare.push(words);
        }
      },
    }),
  };
  const linter = new Linter();
  const problems = linter.verify(code, {
    plugins: { words: { rules: { collect } } },
    rules: { "words/collect": "error" },
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
  });
  assert.deepEqual(
    problems.filter(({ fatal }) => fatal),
    [],
  );
  return { said, bare };
}

/** @returns {{keys:Set<string>, bare:string[]}} */
function everythingSaid() {
  const keys = new Set(SERVER);
  const bare = [];
  for (const floor of ["domain", "storage", "outbox", "capture", "pages", "ui"]) {
    for (const name of readdirSync(new URL(`${floor}/`, JS)).filter((file) => file.endsWith(".js"))) {
      if (/^office|^theme-boot|^language/.test(name)) continue;
      const all =
        floor === "pages" || floor === "ui" || ["verdict.js", "packing.js", "problems.js"].includes(name);
      const made = saidBy(readFileSync(new URL(`${floor}/${name}`, JS), "utf8"), all);
      for (const key of made.said) keys.add(key);
      bare.push(...made.bare.map((words) => `${floor}/${name}: ${words}`));
    }
  }
  for (const name of readdirSync(FIELD)) {
    for (const key of saidInMarkup(readFileSync(new URL(name, FIELD), "utf8"))) keys.add(key);
  }
  for (const key of keys) if (!/[A-Za-z]{2}/.test(key) || NAMES.test(key)) keys.delete(key);
  return { keys, bare };
}

/** @param {string} markup with Jinja in it @returns {string[]} */
function saidInMarkup(markup) {
  const html = markup
    .replace(/\{#.*?#\}/gs, "")
    .replace(/\{%.*?%\}/gs, "<j>")
    .replace(/\{\{.*?\}\}/gs, "<j>")
    .replace(/<head>.*?<\/head>/gs, "")
    .replace(/<noscript>.*?<\/noscript>/gs, "");
  const read = [...html.matchAll(/(?:aria-label|placeholder|alt)="([^"]+)"/g)].map(([, words]) => words);
  const shown = html.replace(/<[^>]*>/gs, "\u0000").split("\u0000");
  return [...read, ...shown].map((words) => words.trim()).filter((words) => /[A-Za-z]{2}/.test(words));
}

const names = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const tableOf = (code) => JSON.parse(readFileSync(new URL(`${code}.json`, WORDS), "utf8"));
const { keys, bare } = everythingSaid();

if (process.env.WORDS_OUT) console.log(`KEYS${JSON.stringify([...keys])}`);

beforeEach(() => speak(null));

test("no words are put together past the languages", () => {
  assert.deepEqual(bare, []);
});

for (const [code, , table] of LANGUAGES) {
  if (!table) continue;
  test(`${code} has all that is said, nothing else, and fills the same places`, () => {
    const words = tableOf(code);
    assert.deepEqual(
      [...keys].filter((key) => !Object.hasOwn(words, key)),
      [],
      "missing",
    );
    assert.deepEqual(
      Object.keys(words).filter((key) => !keys.has(key)),
      [],
      "said by nobody",
    );
    for (const [key, said] of Object.entries(words)) {
      assert.ok(said.trim() === said && said !== "", key);
      for (const form of said.split("|")) assert.deepEqual(names(form), names(key), key);
    }
  });
}

test("a number has the form that its language has for it", () => {
  assert.deepEqual(
    [count(1, "parcel"), count(2, "parcel"), count(0, "piece")],
    ["1 parcel", "2 parcels", "0 pieces"],
  );
  speak("id", { "{n} parcels": "{n} paket" });
  assert.deepEqual(
    [count(1, "parcel"), count(2, "parcel"), count(2, "photo")],
    ["1 paket", "2 paket", "2 photos"],
  );
  speak("fil", { "{n} parcels": "{n} pakete|{n} na pakete" });
  assert.deepEqual([count(1, "parcel"), count(2, "parcel")], ["1 pakete", "2 na pakete"]);
});

test("what a table lacks is said in English, and a name in braces is no place to fill", () => {
  speak("id", { "All {due} are in": "Semua {due} ada" });
  assert.equal(t("All {due} are in", { due: 3 }), "Semua 3 ada");
  assert.equal(t("Look again"), "Look again");
  assert.equal(t("{name} signed out.", { name: "{due} $& x" }), "{due} $& x signed out.");
  assert.equal(t("constructor"), "constructor");
  assert.equal(isEnglish(), false);
});

test("numbers, days, kinds and roles are said in the language", () => {
  const words = tableOf("id");
  speak("id", words);
  assert.deepEqual(tongue(), ["id"]);
  assert.equal(kindName("collect"), words.Collect);
  assert.equal(roleName("courier"), words.Courier);
  assert.equal(roleName("pilot"), "pilot");
  assert.equal(age(new Date(Date.now() - 7_200_000).toISOString()), words["{n} h ago"].replace("{n}", "2"));
  assert.ok(dayName(new Date(2026, 10, 25)).includes(words.Nov));
  assert.equal(runName("collect", "Collect · J&T"), "J&T", "the office names its runs in English");
});

test("the chosen language comes first, then the phone's own, then English", () => {
  assert.equal(spokenBy(null, ["id-ID", "en-US"]), "id");
  assert.equal(spokenBy("vi", ["id-ID"]), "vi");
  assert.equal(spokenBy("en", ["id-ID"]), "en");
  assert.equal(spokenBy(null, ["jv", "in"]), "id", "the older name of Indonesian");
  assert.equal(spokenBy(null, ["tl-PH"]), "fil");
  assert.equal(spokenBy(null, ["zh-Hant-TW"]), "zh");
  assert.equal(spokenBy("xx", ["fr"]), "en");
  assert.equal(spokenBy(null, []), "en");
});

test("what happened and what to do are two sentences, and are not said twice", () => {
  const words = (title, detail) => problemWords({ code: "x", title, detail });
  assert.equal(words("This phone was revoked", "Ask the office."), "This phone was revoked: Ask the office.");
  assert.equal(words("Nobody is signed in.", "Sign in."), "Nobody is signed in. Sign in.");
  assert.equal(
    words("The server is busy, send later", "The server is busy, send later"),
    "The server is busy, send later",
  );
  assert.equal(words("No network.", null), "No network.");
});

test("times are written as the phone's own, with its region, and English is left to the browser", () => {
  assert.equal(tagOf("zh", ["en-US", "zh-Hant-TW"]), "zh-Hant-TW");
  assert.equal(tagOf("id", ["en-GB"]), "id");
  assert.equal(tagOf("fil", ["fi-FI"]), "fil");
  assert.equal(tagOf("en", ["en-US"]), null);
});

test("a table that is none, or is not there, leaves English, and the phone starts", async (context) => {
  Object.defineProperty(globalThis, "navigator", { value: { languages: ["id-ID"] }, configurable: true });
  const answers = [
    async () => new Response("null"),
    async () => new Response("[1]"),
    async () => new Response('{"Me": 5}'),
    async () => new Response("<p>Sign in to the network</p>"),
    async () => new Response("{}", { status: 404 }),
    async () => Promise.reject(new TypeError("no network")),
  ];
  for (const answer of answers) {
    context.mock.method(globalThis, "fetch", answer);
    await learn();
    assert.equal(isEnglish(), true);
    assert.equal(t("Me"), "Me");
  }
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(globalThis, "fetch", (_url, { signal }) => {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const hung = learn();
  context.mock.timers.tick(4001);
  await hung;
  assert.equal(isEnglish(), true);
});
