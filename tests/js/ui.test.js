/** Lines that stay under a finger, questions that go with their screen, and words that are true. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openWords } from "../../webapp/static/js/pages/me.js";
import { shownOf, sumWords } from "../../webapp/static/js/pages/outbox.js";
import { Router } from "../../webapp/static/js/ui/router.js";
import { open } from "../../webapp/static/js/ui/sheet.js";
import { fill } from "../../webapp/static/js/ui/template.js";

/** A line of a list, as far as `fill` looks at it. */
class Line {
  constructor(words) {
    this.words = words;
  }
  isEqualNode(other) {
    return other?.words === this.words;
  }
  get nextElementSibling() {
    return this.list.children[this.list.children.indexOf(this) + 1] ?? null;
  }
  remove() {
    this.list.moved.push(this.words);
    this.list.children.splice(this.list.children.indexOf(this), 1);
  }
}

class List {
  children = [];
  moved = [];
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  insertBefore(line, at) {
    if (this.children.includes(line)) line.remove();
    line.list = this;
    this.children.splice(at ? this.children.indexOf(at) : this.children.length, 0, line);
  }
}

test("a list that is told again leaves in place every line that looks as before", () => {
  const list = new List();
  const show = (...words) => {
    list.moved = [];
    fill(
      list,
      words.map((word) => new Line(word)),
    );
    assert.deepEqual(
      list.children.map((line) => line.words),
      words,
    );
    return list.moved;
  };
  assert.deepEqual(show("a", "b", "c"), []);
  const [a] = list.children;
  assert.deepEqual(show("a", "b", "c"), []);
  assert.deepEqual(show("new", "a", "b", "c"), [], "a new one at the top takes no other away");
  assert.deepEqual(show("new", "a", "b sent", "c"), ["b"]);
  assert.deepEqual(show("a", "c"), ["new", "b sent"]);
  assert.equal(list.children[0], a);
  show("a", "a", "c");
  show();
});

test("a question goes with the screen it was asked on, and its answer is no", async () => {
  globalThis.HTMLDialogElement = class extends EventTarget {
    showModal() {
      this.open = true;
    }
    close(value) {
      if (!this.open) return;
      this.open = false;
      this.returnValue = value;
      setTimeout(() => this.dispatchEvent(new Event("close")));
    }
    querySelector = () => null;
    remove() {}
  };
  globalThis.document = { body: { append() {} } };
  globalThis.addEventListener = globalThis.removeEventListener = () => undefined;
  try {
    const router = new Router({ replaceChildren() {} }, [], () => null);
    const answer = open(new globalThis.HTMLDialogElement());
    router.leave();
    assert.equal(await answer, "");
    const dialog = new globalThis.HTMLDialogElement();
    const yes = open(dialog);
    dialog.close("yes");
    router.leave();
    assert.equal(await yes, "yes", "what was answered before stands");
  } finally {
    for (const name of ["HTMLDialogElement", "document", "addEventListener", "removeEventListener"]) {
      delete globalThis[name];
    }
  }
});

test("everything is with the office only when no handover lacks anything", () => {
  const none = { unsent: 0, unsentBlobs: 0 };
  const words = (counts, others, odd) => sumWords({ counts: { ...none, ...counts }, others, odd });
  assert.equal(words({}, [], 0), "Everything is with the office");
  assert.equal(words({}, [], 1), "All sent, 1 handover to look at");
  assert.equal(words({ unsentBlobs: 2 }, [], 1), "All sent, 2 pictures to go");
  assert.match(words({}, [{}], 0), /earlier connection is not/);
  const lost = { counts: none, others: [], odd: 0, hasLostStore: true };
  assert.equal(sumWords(lost), "All sent from here; an older store of this phone did not open");
  assert.equal(sumWords({ ...lost, counts: { ...none, unsent: 1 } }), "1 handover unsent");
});

test("what needs a hand is on the Outbox, however many newer handovers there are", () => {
  const items = Array.from({ length: 150 }, (_, id) => ({ id, state: "safe" }));
  Object.assign(items[148], { state: "attention" });
  Object.assign(items[149], { state: "parked" });
  const shown = shownOf(items).map(({ id }) => id);
  assert.equal(shown.length, 102);
  assert.deepEqual(shown.slice(99), [99, 148, 149]);
});

test("a person is sent to a network only for what a network helps", () => {
  const none = { unsent: 0, unsentBlobs: 0, othersUnsent: 0, othersUnsentBlobs: 0 };
  const words = (counts, odd, isBegun) =>
    openWords({ shell: { counts: { ...none, ...counts }, odd }, flow: { isBegun } });
  assert.match(
    words({ othersUnsentBlobs: 2 }, 0, false),
    /^2 pictures of theirs .* a network until it is sent\.$/,
  );
  assert.equal(words({}, 0, true), "1 handover unfinished. Seal or discard it on Home.");
  assert.equal(words({}, 2, false), "2 handovers to look at in the Outbox. Show them to the office.");
  assert.match(words({ unsent: 1 }, 1, true), /network.* on Home.* Show it to the office\.$/);
  const shell = { counts: none, odd: 0, hasLostStore: true };
  assert.match(openWords({ shell, flow: { isBegun: false } }), /^An older store .* Show this phone to the/);
});
