/**
 * Done: what was sealed, its number, and how far it has come. Says "safe" only when the office holds all of it.
 * @module
 */
import { say } from '../ui/announce.js';
import { setBar } from '../ui/bar.js';
import { clockTime, codeText, count, kindName, stateLook } from '../ui/format.js';
import { go } from '../ui/router.js';
import { ask } from '../ui/sheet.js';
import { toast } from '../ui/toast.js';
import { clone, cloneAll, el, on, text, textOrHide } from '../ui/template.js';
import { PhoneError } from '../domain/problems.js';
import { reasonsFor } from './reasons.js';

/** @import {OutboxItem} from '../domain/types.js' */
/** @import {App, Screen} from './context.js' */

const SPRITE = '/static/vendor/lucide-1.62.0/sprite.svg';

/** @type {Screen} */
export const done = (app, root, [id = '']) => {
  const screen = cloneAll('done');
  root.append(screen);
  let before = '';
  const refresh = () => {
    const item = app.shell.items.find((one) => one.id === id);
    if (!item) return;
    show(app, screen, item);
    if (before && before !== item.state) say(stateLook(item.state).word);
    before = item.state;
  };
  setBar({ title: 'Sealed', sub: '', flow: true, back: () => go('#/outbox') });
  on(screen, 'share', 'click', () => void share(app, id));
  on(screen, 'undo', 'click', () => void withdraw(app, id));
  refresh();
  if (!before) void app.shell.read();
  return { refresh };
};

/** @param {App} app @param {HTMLElement} screen @param {OutboxItem} item */
function show(app, screen, item) {
  const look = stateLook(item.state);
  setBar({ title: item.voided ? 'Withdrawn' : look.word === 'Look' ? 'Needs a look' : look.word, sub: kindName(item.kind), flow: true, back: () => go('#/outbox') });
  text(screen, 'title', item.voided ? 'Withdrawn' : item.state === 'safe' ? 'Safe with the office' : 'Saved on this phone');
  text(screen, 'what', `${kindName(item.kind)} · ${count(item.parcels.length, 'parcel')}${item.parcels.length === 1 ? ` ${codeText(item.parcels[0] ?? '')}` : ''}`);
  text(screen, 'no', `${item.seq}-${item.sha256.slice(0, 6).toUpperCase()}`);
  text(screen, 'sealed-at', `${clockTime(item.at)}, signed and on this phone`);
  const offline = app.shell.sync.state === 'offline';
  const sent = item.state !== 'sealed' && item.state !== 'parked';
  step(screen, 'step-sent', sent ? 'done' : 'open');
  text(screen, 'sent-sub', sent ? 'The office has the handover.' : item.state === 'parked' ? 'The office could not take it. See the outbox.' : offline ? 'No network now. It goes by itself when there is one.' : 'On its way.');
  const all = item.photosHeld >= item.photosTotal;
  step(screen, 'step-photos', sent && all ? 'done' : 'open');
  text(screen, 'photos-title', item.photosTotal === 0 ? 'No photos' : `Photos ${sent ? item.photosHeld : 0} of ${item.photosTotal}`);
  text(screen, 'photos-sub', item.photosTotal === 0 ? 'None were needed.' : 'Photos, tags and the signature.');
  step(screen, 'step-safe', item.state === 'safe' ? 'done' : 'open');
  showEffects(screen, item);
  el(screen, 'share').hidden = false;
  el(screen, 'undo').hidden = item.voided || item.kind === 'void';
}

/** @param {HTMLElement} screen @param {string} name @param {'done'|'open'} state */
function step(screen, name, state) {
  const line = el(screen, name);
  line.dataset.state = state;
  line.querySelector('use')?.setAttribute('href', `${SPRITE}#${state === 'done' ? 'circle-check' : 'circle'}`);
}

/** What the office's rules make of it that the courier should know. @param {HTMLElement} screen @param {OutboxItem} item */
function showEffects(screen, item) {
  const odd = item.effects.filter(({ anomalies }) => anomalies.length > 0);
  /** @type {HTMLElement[]} */
  const boxes = [];
  if (item.problem) boxes.push(noticeBox('stop', `${item.problem.title} ${item.problem.detail ?? ''}`));
  if (odd.length > 0) {
    const words = [...new Set(odd.flatMap(({ anomalies }) => anomalies))].map((code) => code.replaceAll('_', ' ')).join(', ');
    boxes.push(noticeBox('attention', `The office will look at ${count(odd.length, 'parcel')}: ${words}.`));
  }
  el(screen, 'effects').replaceChildren(...boxes);
}

/** @param {string} tone @param {string} words @returns {HTMLElement} */
function noticeBox(tone, words) {
  const box = clone('notice');
  box.dataset.tone = tone;
  text(box, 'text', words);
  textOrHide(box, 'when', null);
  return box;
}

/** @param {App} app @param {string} id */
async function share(app, id) {
  const item = app.shell.items.find((one) => one.id === id);
  if (!item) return;
  const { identity } = app.phone;
  const words = [
    `Baton receipt No. ${item.seq}-${item.sha256.slice(0, 6).toUpperCase()}`,
    `${kindName(item.kind)}: ${count(item.parcels.length, 'parcel')}, ${new Date(item.at).toLocaleString()}`,
    item.parcels.map(codeText).join(', '),
    `${identity?.actor.name ?? ''}, ${identity?.org.name ?? ''}`,
    `Seal ${item.sha256}`,
  ].join('\n');
  try {
    if (navigator.share) await navigator.share({ title: 'Baton receipt', text: words });
    else {
      await navigator.clipboard.writeText(words);
      toast('The receipt is copied.', 'safe');
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return; // closed without sharing
    toast('This phone did not let Baton share the receipt.', 'attention');
  }
}

/** @param {App} app @param {string} id */
async function withdraw(app, id) {
  const item = app.shell.items.find((one) => one.id === id);
  if (!item) return;
  const limit = app.phone.rules?.policies.undo_within_s ?? 0;
  const inTime = (Date.now() - Date.parse(item.at)) / 1000 <= limit;
  const reason = await ask('Withdraw this handover?', inTime ? 'Both stay visible to the office: the handover and that you took it back. Why?' : 'It is too old to take back by yourself: this asks the office. Why?', [
    ...reasonsFor(app, 'void').map(({ code, label }) => ({ value: code, label })), { value: '', label: 'Leave it as it is', tone: /** @type {const} */ ('primary') },
  ]);
  if (!reason) return;
  try {
    await app.phone.voidEvent(id, reason);
    toast(inTime ? 'Withdrawn. The office sees both.' : 'The office is asked to withdraw it.', 'sealed');
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    toast(`${error.title} ${error.detail ?? ''}`, 'stop');
  }
}
