/** The one table of shortcuts: it drives the keyboard, the hints and the help dialog. */
import { make } from "./dom.js";
import { digitOf, isCommand, isComposing, signsOf } from "./signs.js";

/**
 * @typedef {{keys: string[], shown: string, says: string, action: string}} Shortcut
 * @type {Shortcut[]}
 */
export const SHORTCUTS = [
  { keys: [], shown: "1 – 9", says: "answer the outlined question and move to the next", action: "" },
  { keys: [], shown: "Enter", says: "save and go to the next example", action: "" },
  { keys: [], shown: "Backspace", says: "back to the example before", action: "" },
  { keys: ["q"], shown: "Q", says: "go to the next question, to change its answer", action: "question" },
  { keys: ["m"], shown: "M", says: "write a comment (Esc leaves it)", action: "comment" },
  { keys: ["o"], shown: "O", says: "overlay on or off", action: "overlay" },
  { keys: ["[", "j"], shown: "[ J", says: "overlay fainter", action: "fainter" },
  { keys: ["]", "k"], shown: "] K", says: "overlay stronger", action: "stronger" },
  { keys: ["e"], shown: "E", says: "enlarge the panel under the pointer (or click it)", action: "enlarge" },
  { keys: ["p"], shown: "P", says: "enlarge the next panel", action: "nextPanel" },
  { keys: ["s"], shown: "S", says: "radiograph and one explanation side by side", action: "pair" },
  { keys: ["x"], shown: "X", says: "side by side: next explanation", action: "nextExplanation" },
  { keys: ["l"], shown: "L", says: "loupe on all panels (Shift with arrows moves it)", action: "loupe" },
  { keys: ["g"], shown: "G", says: "toolbar: fold away or show", action: "fold" },
  { keys: ["w"], shown: "W", says: "whole radiograph", action: "whole" },
  { keys: ["a"], shown: "A", says: "animation: play or pause", action: "play" },
  { keys: [","], shown: ",", says: "animation: frame before", action: "frameBack" },
  { keys: ["."], shown: ".", says: "animation: next frame", action: "frameOn" },
  { keys: ["z"], shown: "Z", says: "animation: to λ = 0", action: "frameZero" },
  { keys: ["f"], shown: "F", says: "animation: slower, as rendered, faster", action: "speed" },
  { keys: ["+", "=", "u"], shown: "+ U", says: "zoom in (or wheel, pinch)", action: "zoomIn" },
  { keys: ["-", "n"], shown: "− N", says: "zoom out", action: "zoomOut" },
  { keys: ["b"], shown: "B", says: "brighter", action: "brighter" },
  { keys: ["d"], shown: "D", says: "darker", action: "darker" },
  { keys: ["c"], shown: "C", says: "more contrast", action: "harder" },
  { keys: ["v"], shown: "V", says: "less contrast", action: "softer" },
  { keys: ["i"], shown: "I", says: "invert", action: "invert" },
  { keys: ["t"], shown: "T", says: "drag sets window / moves the image (right button: the other)", action: "tool" },
  { keys: ["r"], shown: "R", says: "reset the view", action: "reset" },
  { keys: ["?", "h"], shown: "? H", says: "this list", action: "help" },
];

/** With Shift, because the bare arrow keys belong to the radio buttons. */
const PAN_KEYS = /** @type {const} */ (
  { ArrowLeft: "panLeft", ArrowRight: "panRight", ArrowUp: "panUp", ArrowDown: "panDown" });

/** Held down, these go on; every other key acts once, or it would run through questions, examples and dialogs. */
const HELD = ["fainter", "stronger", "frameBack", "frameOn", "zoomIn", "zoomOut", "brighter", "darker", "harder", "softer",
  "panLeft", "panRight", "panUp", "panDown"];
const OWN_ENTER = "button, a[href], summary, select, [role=button]"; // controls that Enter activates
const TEXT = "input:is([type=text], [type=number], [type=password]), textarea, select";

export class Keyboard {
  /**
   * @param {Object<string, () => void>} actions by name, plus "next" and "back"
   * @param {{answer: (digit: number) => void, escape: () => void, singleKeys: boolean,
   *   onSwitch: (on: boolean) => void}} options
   */
  constructor(actions, { answer, escape, singleKeys, onSwitch }) {
    this.actions = actions;
    this.answer = answer;
    this.escape = escape;
    this.singleKeys = singleKeys;
    this.onSwitch = onSwitch;
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {boolean} on */
  setSingleKeys(on) {
    this.singleKeys = on;
    this.onSwitch(on);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!(event instanceof KeyboardEvent)) return; // a password manager's
    if (event.defaultPrevented || isComposing(event) || isCommand(event)) return;
    if (event.key === "Enter" && event.repeat) event.preventDefault(); // held, it presses no button again either
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return; // a dialog has its own keys
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    const name = this.actionOf(event, target);
    if (!name) return;
    event.preventDefault();
    if (event.repeat && !HELD.includes(name)) return;
    if (name === "escape") this.escape();
    else if (name === "digit") this.answer(/** @type {number} */ (digitOf(event)));
    else this.actions[name]();
  }

  /**
   * @param {KeyboardEvent} event @param {HTMLElement} target
   * @returns {string} "" when the key is not ours
   */
  actionOf(event, target) {
    const { key, shiftKey } = event;
    if (key === "Escape") return "escape";
    if (key === "Enter") return shiftKey || target.matches(OWN_ENTER) ? "" : "next";
    if (target.matches(TEXT) && !(target.matches(".score") && this.isFree(event, target))) return "";
    if (key === "Backspace") return shiftKey ? "" : "back";
    if (shiftKey && key in PAN_KEYS) return PAN_KEYS[/** @type {"ArrowUp"} */ (key)];
    const inQuestion = target.closest(".question") !== null;
    if (digitOf(event) !== null) return this.singleKeys || inQuestion ? "digit" : "";
    if (!this.singleKeys) return "";
    const signs = signsOf(event);
    return SHORTCUTS.find(({ keys }) => keys.some((sign) => signs.includes(sign)))?.action ?? "";
  }

  /**
   * @param {KeyboardEvent} event @param {HTMLElement} box of a number
   * @returns {boolean} whether it has no use for this key
   */
  isFree(event, box) {
    if (event.key === "Backspace") return box.dataset.typed === undefined;
    return (event.shiftKey && event.key in PAN_KEYS) || (/^[^\d.,-]$/u.test(event.key) && digitOf(event) === null);
  }
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Keyboard} keyboard
 */
export function fillHelp(dialog, keyboard) {
  const rows = [...SHORTCUTS, { shown: "Shift ←↑", says: "move the zoomed image" }].map(({ shown, says }) => (
    make("div", {}, make("dt", {}, make("kbd", { text: shown })), make("dd", { text: says }))));
  const box = make("input", { type: "checkbox", on: { change: () => keyboard.setSingleKeys(box.checked) } });
  box.checked = keyboard.singleKeys;
  dialog.replaceChildren(
    make("h2", { id: "help-title", text: "Keys" }),
    make("dl", { class: "keys" }, ...rows),
    make("label", { class: "check" }, box,
      " Single-key shortcuts on (off: digits work inside a question; Enter and Backspace always work)"),
    make("form", { method: "dialog" }, make("button", { class: "primary", text: "Close", autofocus: true })));
}
