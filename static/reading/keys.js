/** The keyboard of the room. What has a key, and which, comes from the server: readers may choose their own. */
import { digitOf, isCommand, isComposing, signsOf } from "./signs.js";

/** @typedef {import("./types.js").Shortcut} Shortcut */

/** With Shift, because the bare arrow keys belong to the radio buttons. */
const PAN_KEYS = /** @type {const} */ (
  { ArrowLeft: "panLeft", ArrowRight: "panRight", ArrowUp: "panUp", ArrowDown: "panDown" });

/** Held down, these go on; every other key acts once, or it would run through questions, examples and dialogs. */
const HELD = ["fainter", "stronger", "frameBack", "frameOn", "zoomIn", "zoomOut", "brighter", "darker", "harder", "softer",
  "panLeft", "panRight", "panUp", "panDown"];
const OWN_ENTER = "button, a[href], summary, select, [role=button]"; // controls that Enter activates
const TEXT = "input:is([type=text], [type=number], [type=password]), textarea, select";

/** @param {string} sign @returns {string} as on the key */
export function shown(sign) {
  return sign === "-" ? "−" : sign === "ß" ? sign : sign.toUpperCase();
}

export class Keyboard {
  /**
   * @param {Object<string, () => void>} actions by name, plus "next" and "back"
   * @param {{answer: (digit: number) => void, escape: () => void, singleKeys: boolean, shortcuts: Shortcut[],
   *   keep: ((wish: import("./api_types.js").WantedPreferences) => Promise<{keys: Shortcut[]}>)|null}} options
   *   keep stores what the reader prefers; null where there is no reader
   */
  constructor(actions, { answer, escape, singleKeys, shortcuts, keep }) {
    this.actions = actions;
    this.answer = answer;
    this.escape = escape;
    this.singleKeys = singleKeys;
    this.shortcuts = shortcuts;
    this.keep = keep;
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {boolean} on */
  setSingleKeys(on) {
    this.singleKeys = on;
    // A preference, not an answer: when it cannot be sent it still holds for this sitting.
    this.keep?.({ single_key_shortcuts: on }).catch(() => {});
  }

  /** @param {Object<string, string[]>} keys by action; none: the usual ones. Rejects with the server's sentence */
  async setKeys(keys) {
    const kept = await this.keep?.({ keys });
    if (kept) this.shortcuts = kept.keys;
    this.label();
  }

  /** Write each action's first key on its buttons. */
  label() {
    for (const { action, keys: [first = ""] } of this.shortcuts) {
      for (const button of document.querySelectorAll(`[data-action="${action}"]`)) {
        const hint = button.querySelector("kbd");
        if (hint && hint.textContent !== shown(first)) hint.textContent = shown(first);
        const title = button.getAttribute("title")?.replace(/ \([^()]*\)$/, "") ?? "";
        if (title) button.setAttribute("title", first ? `${title} (${shown(first)})` : title);
      }
    }
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
    return this.shortcuts.find(({ keys }) => keys.some((sign) => signs.includes(sign)))?.action ?? "";
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
