/**
 * Cloning `<template>`s and filling them: the only way the pages make markup.
 * @module
 */
import { isEnglish, t } from "../domain/words.js";

const SPRITE = "/static/vendor/lucide-1.62.0/sprite.svg";

/**
 * @param {string} id of the template, without `t-`
 * @returns {HTMLElement} its one element, not yet in the document
 */
export function clone(id) {
  const template = document.getElementById(`t-${id}`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`no template t-${id}`);
  const first = template.content.firstElementChild;
  if (!first) throw new Error(`template t-${id} is empty`);
  return inWords(/** @type {HTMLElement} */ (document.importNode(first, true)));
}

/**
 * All of a template's elements, for a screen with a dock beside its page.
 * @param {string} id
 * @returns {HTMLElement} a `div` around them
 */
export function cloneAll(id) {
  const template = document.getElementById(`t-${id}`);
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`no template t-${id}`);
  const box = document.createElement("div");
  box.className = "screen";
  box.append(document.importNode(template.content, true));
  return inWords(box);
}

/** What of an element is read out or shown, beside its text. */
const SAID = ["aria-label", "placeholder", "alt"];

/**
 * Puts what stands in the markup into the language that is spoken.
 * @template {Element} T
 * @param {T} root
 * @returns {T} itself
 */
export function inWords(root) {
  if (isEnglish()) return root;
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = /** @type {Text} */ (texts.currentNode);
    const english = node.data.trim();
    if (english) node.data = node.data.replace(english, () => t(english));
  }
  for (const name of SAID) {
    for (const element of root.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, t(element.getAttribute(name) ?? ""));
    }
  }
  return root;
}

/**
 * The element named `data-el`, of the class asked for.
 * @template {Element} T
 * @param {Element} root
 * @param {string} name
 * @param {new () => T} type
 * @returns {T}
 */
export function part(root, name, type) {
  const found = root.matches(`[data-el="${name}"]`) ? root : root.querySelector(`[data-el="${name}"]`);
  if (!(found instanceof type)) throw new Error(`no ${type.name} named ${name}`);
  return found;
}

/** @param {Element} root @param {string} name @returns {HTMLElement} */
export function el(root, name) {
  return part(root, name, HTMLElement);
}

/** @param {Element} root @param {string} name @returns {HTMLButtonElement} */
export function button(root, name) {
  return part(root, name, HTMLButtonElement);
}

/**
 * Makes these the list's lines, and leaves in place what looks as before: a line taken away under a finger swallows the press.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} lines
 */
export function fill(list, lines) {
  const before = [...list.children];
  const wanted = lines.map((line) => {
    const same = before.findIndex((old) => old.isEqualNode(line));
    return before.splice(same, same < 0 ? 0 : 1)[0] ?? line;
  });
  for (const old of before) old.remove();
  let at = list.firstElementChild;
  for (const line of wanted) {
    if (line === at) at = at.nextElementSibling;
    else list.insertBefore(line, at);
  }
}

/** Writes only when it differs, so that a screen reader is not told twice. @param {Element} root @param {string} name @param {string} text */
export function text(root, name, text) {
  const node = part(root, name, HTMLElement);
  if (node.textContent !== text) node.textContent = text;
}

/** Shows the words, or hides the element when there are none. @param {Element} root @param {string} name @param {string|null} words */
export function textOrHide(root, name, words) {
  el(root, name).hidden = !words;
  text(root, name, words ?? "");
}

/** @param {Element} root @param {string} name of the `<use>` element @param {string} icon */
export function setIcon(root, name, icon) {
  show(part(root, name, SVGUseElement), icon);
}

/** The same for the one icon of an element. @param {Element} root @param {string} icon */
export function useIcon(root, icon) {
  const use = root.querySelector("use");
  if (use) show(use, icon);
}

/** @param {SVGUseElement} use @param {string} icon */
function show(use, icon) {
  use.setAttribute("href", `${SPRITE}#${icon}`);
}

/** @param {Element} root @param {string} name @param {string} event @param {(event: Event) => unknown} handler */
export function on(root, name, event, handler) {
  part(root, name, HTMLElement).addEventListener(event, handler);
}
