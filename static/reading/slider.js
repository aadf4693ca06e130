/**
 * The field of a scale of many points: a slider and a box for the number, which show the same. Neither has a value, nor the
 * slider a handle, before the reader touches it: a handle that stands somewhere suggests an answer.
 */
import { clamp, make } from "./dom.js";
import { digitOf } from "./signs.js";

/** @type {Object<string, number>} steps by key; the first of any goes to an end of the scale */
const STEPS = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, ArrowRight: 1, ArrowLeft: -1, Home: -Infinity,
  End: Infinity };

/**
 * @param {string} text as typed @param {{minimum: number, maximum: number}} scale
 * @returns {number|null} null where it is no whole number on the scale
 */
export function scoreOfText(text, { minimum, maximum }) {
  const score = Number(text);
  return /^\s*-?\d+\s*$/.test(text) && score >= minimum && score <= maximum ? score : null;
}

export class Slider {
  /** @param {import("./types.js").Question} question @param {() => void} onRest a drag has ended: the answer stands */
  constructor({ key, text, minimum, maximum }, onRest) {
    this.minimum = minimum;
    this.maximum = maximum;
    this.held = false;
    const range = `${minimum} to ${maximum}`;
    this.said = make("span", { class: "not-taken", role: "alert", id: `not-taken-${key}` });
    this.range = make("input", { type: "range", min: minimum, max: maximum, step: 1, "aria-label": `${text} (${range})` });
    this.box = make("input", { type: "text", inputmode: "numeric", class: "score", name: key, autocomplete: "off",
      "aria-label": `${text} (${range}), as a number`, "aria-describedby": this.said.id });
    const limit = (/** @type {number} */ score) => make("span", { class: "limit", "aria-hidden": true, text: score });
    this.element = make("span", { class: "slider" },
      limit(minimum), this.range, limit(maximum), this.box, this.said);
    this.range.addEventListener("input", () => this.take(this.range.value));
    this.range.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onRangeKey(event));
    this.range.addEventListener("pointerdown", (/** @type {PointerEvent} */ { button }) => { if (!button) this.hold(onRest); });
    this.box.addEventListener("input", () => {
      this.box.dataset.typed = ""; // Backspace takes it back; before that it is the key to the example before
      this.reflect();
    });
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onBoxKey(event));
    this.show(undefined);
  }

  /** @returns {HTMLInputElement} where the keys go: typing a number is the quickest */
  get target() {
    return this.box;
  }

  /** @returns {number|null} null before there is an answer, and while what is typed is none */
  get score() {
    return scoreOfText(this.box.value, this);
  }

  /** @param {number|undefined} score */
  show(score) {
    this.box.value = String(score ?? "");
    delete this.box.dataset.typed;
    this.reflect();
  }

  /** @param {boolean} [rested] whether the reader has stopped typing: "4" may become "45" */
  reflect(rested = false) {
    const { score } = this;
    const text = this.box.value.trim();
    this.range.toggleAttribute("data-empty", score === null);
    this.range.value = String(score ?? this.minimum);
    if (score === null) this.range.setAttribute("aria-valuetext", "no answer yet");
    else this.range.removeAttribute("aria-valuetext");
    const wrong = text !== "" && score === null && (rested || !/^-?\d*$/.test(text) || Number(text) > this.maximum);
    const why = /^-?\d+$/.test(text) ? `is outside ${this.minimum} to ${this.maximum}` : "is not a whole number";
    this.said.textContent = wrong ? `${text} ${why}: not taken.` : "";
    this.box.setAttribute("aria-invalid", String(wrong));
  }

  /** @param {string|number} score on the scale */
  take(score) {
    this.box.value = String(score);
    this.reflect();
  }

  /** As if the reader had typed it. @param {string|number} score */
  enter(score) {
    this.take(score);
    this.box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** A digit pressed while the focus is elsewhere, or on a layout whose top row gives other signs. @param {number} digit */
  type(digit) {
    if (document.activeElement !== this.box) {
      this.box.focus({ preventScroll: true });
      this.box.select();
    }
    this.box.setRangeText(String(digit), this.box.selectionStart ?? 0, this.box.selectionEnd ?? 0, "end");
    this.box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {KeyboardEvent} event */
  onBoxKey(event) {
    const digit = digitOf(event);
    if (digit !== null && event.key !== String(digit) && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.type(digit);
    } else if (/^(Arrow(Up|Down)|Page(Up|Down))$/.test(event.key)) this.step(event);
  }

  /** @param {KeyboardEvent} event */
  onRangeKey(event) {
    if (event.key in STEPS && this.score === null && digitOf(event) === null) this.step(event); // natively it would step from a value that is none
  }

  /** @param {KeyboardEvent} event an arrow or page key */
  step(event) {
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const by = STEPS[event.key];
    const none = { [-1]: this.maximum, 1: this.minimum }[Math.sign(by)] ?? this.minimum;
    const end = { Home: this.minimum, End: this.maximum }[event.key];
    this.enter(end ?? (this.score === null ? none : clamp(this.score + by, this.minimum, this.maximum)));
  }

  /** A press or drag is one answer, given where it ends; a finger that scrolls the page instead gives none. */
  hold(/** @type {() => void} */ onRest) {
    const before = this.box.value;
    const stop = new AbortController();
    this.held = true;
    const end = (/** @type {() => void} */ then) => {
      stop.abort();
      this.held = false;
      setTimeout(() => { // after the browser has moved the handle
        then();
        onRest();
      });
    };
    window.addEventListener("pointerup", () => end(() => this.enter(this.range.value)), { signal: stop.signal });
    window.addEventListener("pointercancel", () => end(() => this.enter(before)), { signal: stop.signal });
  }
}
