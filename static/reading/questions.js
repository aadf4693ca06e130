/**
 * The questions as native radio groups, without a default. A digit answers the question in focus and moves on; arrow
 * keys move the choice at once but are reported only when they come to rest, so walking from 1 to 5 is one answer.
 */
import { make, onScreen } from "./dom.js";

const SETTLE_MS = 900;
const MOST_RADIOS = 11;

export class Questions {
  /**
   * @param {HTMLFormElement} form
   * @param {import("./types.js").Question[]} questions
   * @param {{onAnswer: (key: string, score: number) => void, onInput: () => void}} options
   */
  constructor(form, questions, { onAnswer, onInput }) {
    this.form = form;
    this.all = questions;
    this.questions = questions;
    this.onAnswer = onAnswer;
    this.onInput = onInput;
    this.current = 0;
    /** @type {Object<string, number>} what was last reported or shown */
    this.settled = {};
    this.timer = 0;
    this.moving = -1; // the question whose choice has not come to rest
    /** @type {HTMLFieldSetElement[]} */
    this.groups = [];
    form.addEventListener("submit", (event) => event.preventDefault());
    this.ask([]);
  }

  /** Ask all but these, which the method shown leaves out. @param {string[]} notAsked */
  ask(notAsked) {
    const asked = this.all.filter(({ key }) => !notAsked.includes(key));
    if (this.groups.length && asked.map(({ key }) => key).join() === this.questions.map(({ key }) => key).join()) return;
    this.questions = asked;
    this.groups = asked.map((question, index) => this.build(question, index));
    this.form.replaceChildren(...this.groups);
    this.form.style.setProperty("--questions", String(asked.length));
    this.setEnabled(false);
  }

  /** @param {import("./types.js").Question} question @param {number} index */
  build(question, index) {
    const { key, text, minimum, maximum, low_label: low, high_label: high } = question;
    const count = maximum - minimum + 1;
    const field = count <= MOST_RADIOS
      ? make("span", { class: "choices" },
        ...Array.from({ length: count }, (_, i) => this.radio(question, minimum + i)))
      : make("input", { type: "number", class: "score", name: key, min: minimum, max: maximum, step: 1,
        "aria-label": `${text} (${minimum} to ${maximum})`, on: { change: () => this.settle() } });
    const group = make("fieldset", { class: "question", "data-question": key, tabindex: -1 },
      make("legend", {}, `${index + 1}. ${text}`),
      make("span", { class: "scale" },
        make("span", { class: "end", text: low }), field, make("span", { class: "end high", text: high })));
    group.addEventListener("focusin", () => this.setCurrent(index));
    group.addEventListener("input", () => { this.onInput(); this.moving = index; this.restSoon(); });
    group.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
      if (this.moving === index && !group.contains(/** @type {Node|null} */ (event.relatedTarget))) this.settle();
    });
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.enterGroup(event, index));
    // A click is a decision; only the arrow keys wander.
    group.addEventListener("click", (/** @type {MouseEvent} */ event) => { if (event.detail > 0) this.settle(); });
    return group;
  }

  /**
   * The first arrow key in a question without an answer chooses its first or last score.
   * @param {KeyboardEvent} event @param {number} index
   */
  enterGroup(event, index) {
    const end = { ArrowRight: 0, ArrowDown: 0, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (end === undefined || event.shiftKey || event.target !== this.groups[index]) return;
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.inputs(index).at(end));
    input.focus();
    if (input.type === "radio") input.click();
  }

  /** @param {import("./types.js").Question} question @param {number} score */
  radio({ key, minimum, maximum, low_label: low, high_label: high }, score) {
    const end = score === minimum ? low : score === maximum ? high : "";
    return make("label", { class: "choice" },
      make("input", { type: "radio", name: key, value: score, "aria-label": end ? `${score}, ${end}` : score }),
      make("span", { "aria-hidden": true, text: score }));
  }

  /** @param {Object<string, number>} answers @param {string[]} [notAsked] keys */
  show(answers, notAsked = []) {
    clearTimeout(this.timer);
    this.moving = -1;
    this.ask(notAsked);
    this.settled = { ...answers };
    this.questions.forEach((question, index) => this.mark(index, answers[question.key]));
    const open = this.firstUnanswered();
    this.setCurrent(open < 0 ? 0 : open);
  }

  /** @param {number} index @param {number|undefined} score */
  mark(index, score) {
    for (const input of this.inputs(index)) {
      if (input.type === "radio") input.checked = Number(input.value) === score;
      else input.value = score === undefined ? "" : String(score);
    }
  }

  /** @param {number} index @returns {HTMLInputElement[]} */
  inputs(index) {
    return [...this.groups[index].querySelectorAll("input")];
  }

  /** @param {number} index @returns {number|null} */
  scoreOf(index) {
    for (const input of this.inputs(index)) {
      const given = input.type === "radio" ? input.checked : input.value !== "" && input.checkValidity();
      if (given) return Number(input.value);
    }
    return null;
  }

  restSoon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.settle(), SETTLE_MS);
  }

  /** Report what has changed since the last report. */
  settle() {
    clearTimeout(this.timer);
    this.moving = -1;
    this.questions.forEach(({ key }, index) => {
      const score = this.scoreOf(index);
      if (score === null || score === this.settled[key]) return;
      this.settled[key] = score;
      this.onAnswer(key, score);
    });
  }

  /** An answer that could not be kept is reported again. @param {string} key */
  unsettle(key) {
    delete this.settled[key];
  }

  get settledAll() {
    return this.questions.every(({ key }) => key in this.settled);
  }

  /**
   * @param {number} digit 0 stands for 10 on scales from 1 to 10
   * @returns {boolean} whether the question in focus takes it
   */
  answer(digit) {
    if (!this.questions.length) return false;
    const { minimum, maximum } = this.questions[this.current];
    const score = digit === 0 && minimum > 0 && maximum === 10 ? 10 : digit;
    const group = this.groups[this.current];
    if (group.disabled || score < minimum || score > maximum || group.querySelector("input[type=number]")) return false;
    if (!this.reveal(this.current)) return false; // what cannot be seen is not answered: the next press is
    this.onInput();
    this.mark(this.current, score);
    this.settle();
    this.focus(Math.min(this.current + 1, this.questions.length - 1));
    return true;
  }

  /**
   * Bring a question onto the screen, with the others where there is room for them.
   * @param {number} index @returns {boolean} whether it was there: its text and its scores
   */
  reveal(index) {
    const group = this.groups[index];
    const high = (/** @type {Element} */ part) => part.getBoundingClientRect().height > window.innerHeight;
    const least = high(group) ? group.querySelector(".choices, .score") ?? group : group;
    if (onScreen(least)) return true;
    const part = [this.form, group].find((whole) => !high(whole)) ?? least;
    part.scrollIntoView({ block: "nearest" });
    return false;
  }

  /** @param {number} index */
  setCurrent(index) {
    this.current = index;
    this.groups.forEach((group, i) => group.toggleAttribute("data-current", i === index));
  }

  /** @param {number} [index] */
  focus(index = this.current) {
    this.setCurrent(index);
    if (!this.questions.length) return;
    const inputs = this.inputs(index);
    // Without an answer the question as a whole has the focus: a ring round one score would suggest it.
    const target = inputs.find((input) => input.checked || input.type === "number") ?? this.groups[index];
    target.focus({ preventScroll: true });
  }

  /** @returns {number} -1 when all are answered */
  firstUnanswered() {
    return this.questions.findIndex((_, index) => this.scoreOf(index) === null);
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    for (const group of this.groups) group.disabled = !enabled;
  }
}
