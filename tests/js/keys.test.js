/** The keyboard: which key does what, on which layout, and where it belongs to something else. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Keyboard, shown } from "../../static/reading/keys.js";
import { digitOf, isCommand, isComposing, signsOf } from "../../static/reading/signs.js";
import { Key, openPage } from "./support.js";

Object.assign(globalThis, { KeyboardEvent: Key, HTMLElement: class {} });

const TABLE = [{ action: "overlay", keys: ["o", "p"], says: "" }, { action: "zoomIn", keys: ["+"], says: "" },
  { action: "help", keys: ["?"], says: "" }];

/** @param {string} kinds what the element is, of "button", "textarea", "score" @param {boolean} [inQuestion] */
function target(kinds, inQuestion = false, typed = undefined) {
  return {
    matches: (selector) => kinds.split(" ").some((kind) => kind && selector.split(/[\s,]+/).some(
      (one) => one === kind || one === `.${kind}`)),
    closest: (selector) => (selector === ".question" && inQuestion ? {} : null),
    dataset: typed === undefined ? {} : { typed },
  };
}

const NOWHERE = target("");
/** @type {string[]} */ let done;
/** @type {Keyboard} */ let keyboard;

function open(singleKeys = true) {
  const page = openPage();
  done = [];
  const actions = new Proxy({}, { get: (_, name) => () => done.push(String(name)) });
  keyboard = new Keyboard(actions, { answer: (digit) => done.push(String(digit)), escape: () => done.push("escape"),
    singleKeys, shortcuts: TABLE, keep: null });
  return page;
}

beforeEach(() => open());

const press = (key, options) => keyboard.onKey(/** @type {any} */ (new Key(key, options)));
const means = (key, options, at = NOWHERE) => (
  keyboard.actionOf(/** @type {any} */ (new Key(key, options)), /** @type {any} */ (at)));

test("keys of the table, digits, Enter, Backspace, Escape and Shift with arrows", () => {
  Object.assign(document, { body: NOWHERE });
  for (const [key, options] of [["o"], ["P"], ["+"], ["?", { shiftKey: true }], ["3"], ["Enter"], ["Backspace"], ["Escape"],
    ["ArrowUp", { shiftKey: true }], ["ArrowUp"], ["x"]]) press(key, options);
  assert.deepEqual(done, ["overlay", "overlay", "zoomIn", "help", "3", "next", "back", "escape", "panUp"]);
});

test("Enter activates a control, Shift+Enter is nobody's, and a text box has its own keys", () => {
  assert.equal(means("Enter", {}, target("button")), "");
  assert.equal(means("Enter", { shiftKey: true }), "");
  assert.equal(means("Enter", {}, target("textarea")), "next");
  for (const key of ["o", "3", "Backspace"]) assert.equal(means(key, {}, target("textarea")), "");
});

test("the box for a number leaves letters to the room and keeps digits and signs", () => {
  const box = target("textarea score", true);
  assert.equal(means("o", {}, box), "overlay");
  for (const key of ["4", "-", ","]) assert.equal(means(key, {}, box), "");
  assert.equal(means("Backspace", {}, box), "back", "nothing typed yet");
  assert.equal(means("Backspace", {}, target("textarea score", true, "")), "", "takes back what was typed");
  assert.equal(means("ArrowLeft", { shiftKey: true }, box), "panLeft");
});

test("without single-key shortcuts only Enter, Backspace, Escape and digits in a question act", () => {
  open(false);
  assert.equal(means("o"), "");
  assert.equal(means("3"), "");
  assert.equal(means("3", {}, target("", true)), "digit");
  assert.equal(means("Enter"), "next");
  assert.equal(means("Backspace"), "back");
});

test("held down, a key that moves or zooms goes on and every other acts once", () => {
  Object.assign(document, { body: NOWHERE });
  for (const key of ["+", "o", "3", "Enter"]) press(key, { repeat: true });
  assert.deepEqual(done, ["zoomIn"]);
});

test("what belongs to the browser, an input method or another listener is left alone", () => {
  Object.assign(document, { body: NOWHERE });
  press("o", { ctrlKey: true });
  press("o", { isComposing: true });
  const taken = new Key("o");
  taken.preventDefault();
  keyboard.onKey(/** @type {any} */ (taken));
  keyboard.onKey(/** @type {any} */ (new Event("keydown")));
  Object.assign(document, { querySelector: () => ({}) }); // a dialog is open
  press("o");
  assert.deepEqual(done, []);
});

test("digits go by the place of the key, on every layout and on the keypad", () => {
  const digit = (key, options) => digitOf(/** @type {any} */ (new Key(key, options)));
  assert.equal(digit("7", { code: "Digit7" }), 7);
  assert.equal(digit("é", { code: "Digit2" }), 2, "French");
  assert.equal(digit("ě", { code: "Digit2" }), 2, "Czech");
  assert.equal(digit("End", { code: "Numpad1" }), 1, "NumLock off");
  assert.equal(digit("&", { code: "Digit7", shiftKey: true }), null, "Shift writes a sign");
  assert.equal(digit("2", { code: "Digit2", shiftKey: true }), 2, "Shift writes the digit, French");
  assert.equal(digit("@", { code: "Digit2", altGraph: true }), null);
  assert.equal(digit("a", { code: "KeyA" }), null);
});

test("letters go by what they write, and where that is no Latin letter by their place too", () => {
  const signs = (key, code) => signsOf(/** @type {any} */ (new Key(key, { code })));
  assert.deepEqual(signs("O", "KeyO"), ["o"]);
  assert.deepEqual(signs("z", "KeyY"), ["z"], "German");
  assert.deepEqual(signs("щ", "KeyO"), ["щ", "o"], "Cyrillic");
  assert.deepEqual(signs("х", "BracketLeft"), ["х", "["]);
  assert.deepEqual(signs("+", "Equal"), ["+"]);
});

test("AltGr writes; Ctrl, Alt and a composition are not ours", () => {
  const key = (options) => /** @type {any} */ (new Key("[", options));
  assert.equal(isCommand(key({ ctrlKey: true, altKey: true, altGraph: true })), false);
  assert.equal(isCommand(key({ altKey: true })), true);
  assert.equal(isComposing(key({ isComposing: true })), true);
  assert.equal(isComposing(Object.assign(key({}), { keyCode: 229 })), true);
});

test("a key is shown as it stands on the keyboard", () => {
  assert.deepEqual(["o", "-", "ß", "ü"].map(shown), ["O", "−", "ß", "Ü"]);
});
