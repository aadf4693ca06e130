/**
 * The questions, without a default: native radio groups, or a slider where there are many points. A digit or a click answers
 * a question and goes on to the next open one, and after the last to none, so that no further digit can change an answer.
 * Arrow keys move the choice at once but are reported only when they come to rest: walking from 1 to 5 is one answer.
 */
import { make, onScreen } from "./dom.js";
import { digitOf } from "./signs.js";
import { Slider } from "./slider.js";

const SETTLE_MS = 900;
const MOST_RADIOS = 11;
const LONGEST_NAME = 12; // characters that a button holds

/**
 * @param {number} digit 0 stands for 10 on scales from 1 to 10 @param {{minimum: number, maximum: number}} scale
 * @returns {number|null} the score; null off the scale
 */
export function scoreOfDigit(digit, { minimum, maximum }) {
  const score = digit === 0 && minimum > 0 && maximum === 10 ? 10 : digit;
  return score < minimum || score > maximum ? null : score;
}

/**
 * Where to go after an answer: to the next open question, round the end; where none is open, to the one below.
 * @param {(number|null)[]} scores by question @param {number} index just answered
 * @param {boolean} revising whether the reader goes through answered questions once more
 * @returns {number} -1: to none
 */
export function nextQuestion(scores, index, revising) {
  const count = scores.length;
  const order = Array.from({ length: count }, (_, i) => (index + 1 + i) % count);
  return order.find((i) => scores[i] === null) ?? (revising && index + 1 < count ? index + 1 : -1);
}

/**
 * Yes or no: two points with a short name each stand in their buttons, "1 no" and "2 yes"; longer scales have numbers.
 * @param {{minimum: number, maximum: number, low_label: string, high_label: string}} question
 * @returns {boolean}
 */
export function isNamed({ minimum, maximum, low_label: low, high_label: high }) {
  return maximum - minimum === 1 && low !== "" && high !== "" && Math.max(low.length, high.length) <= LONGEST_NAME;
}

/**
 * @param {{minimum: number, maximum: number, low_label: string, high_label: string}} question @param {number} score
 * @returns {string} as the button has it
 */
export function scoreText(question, score) {
  const { minimum, low_label: low, high_label: high } = question;
  return isNamed(question) ? `${score} ${score === minimum ? low : high}` : String(score);
}

export class Questions {
  /**
   * @param {HTMLFormElement} form
   * @param {import("./types.js").Question[]} questions
   * @param {{onAnswer: (key: string, score: number, before: number|undefined) => void, onInput: () => void,
   *   onDone: () => void}} options onDone: no question is left to go to, and the focus goes on
   */
  constructor(form, questions, { onAnswer, onInput, onDone }) {
    this.form = form;
    this.all = questions;
    this.questions = questions;
    this.onAnswer = onAnswer;
    this.onInput = onInput;
    this.onDone = onDone;
    this.current = 0; // -1: no question, digits change nothing
    this.revising = false; // everything was answered when the example was opened, and the reader goes through it again
    /** @type {(Slider|null)[]} by question; null where there are radio buttons */
    this.sliders = [];
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
    this.sliders = [];
    this.groups = asked.map((question, index) => this.build(question, index));
    this.form.replaceChildren(...this.groups);
    this.form.style.setProperty("--questions", String(asked.length));
    this.setEnabled(false);
  }

  /** @param {import("./types.js").Question} question @param {number} index */
  build(question, index) {
    const { key, text, minimum, maximum, low_label: low, high_label: high } = question;
    const count = maximum - minimum + 1;
    const slider = count > MOST_RADIOS ? new Slider(question, () => this.settle()) : null;
    this.sliders[index] = slider;
    const named = isNamed(question);
    const field = slider?.element ?? make("span", { class: named ? "choices named" : "choices" },
      ...Array.from({ length: count }, (_, i) => this.radio(question, minimum + i)));
    const group = make("fieldset", { class: "question", "data-question": key, tabindex: -1 },
      make("legend", {}, `${index + 1}. ${text}`),
      make("span", { class: "scale" },
        make("span", { class: "end", text: named ? "" : low }), field,
        make("span", { class: "end high", text: named ? "" : high })));
    group.addEventListener("focusin", () => this.setCurrent(index));
    group.addEventListener("input", () => {
      this.onInput();
      this.moving = index;
      if (slider?.held) clearTimeout(this.timer);
      else this.restSoon();
    });
    group.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
      if (this.moving === index && !group.contains(/** @type {Node|null} */ (event.relatedTarget))) this.settle();
    });
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.enterGroup(event, index));
    // A click is a decision; only the arrow keys wander.
    group.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      if (event.detail === 0 || slider || !(event.target instanceof HTMLInputElement)) return;
      const open = !this.settledAll;
      this.settle();
      this.goOn(index, open);
    });
    return group;
  }

  /**
   * The first arrow key in a question without an answer chooses its first or last score.
   * @param {KeyboardEvent} event @param {number} index
   */
  enterGroup(event, index) {
    const end = { ArrowRight: 0, ArrowDown: 0, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (end === undefined || event.shiftKey || event.target !== this.groups[index] || digitOf(event) !== null) return;
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.inputs(index).at(end));
    input.focus();
    input.click();
  }

  /** @param {import("./types.js").Question} question @param {number} score */
  radio(question, score) {
    const { key, minimum, maximum, low_label: low, high_label: high } = question;
    const end = score === minimum ? low : score === maximum ? high : "";
    return make("label", { class: "choice" },
      make("input", { type: "radio", name: key, value: score, "aria-label": end ? `${score}, ${end}` : score }),
      make("span", { "aria-hidden": true, text: scoreText(question, score) }));
  }

  /** @param {Object<string, number>} answers @param {string[]} [notAsked] keys */
  show(answers, notAsked = []) {
    clearTimeout(this.timer);
    this.moving = -1;
    this.ask(notAsked);
    this.settled = { ...answers };
    this.questions.forEach((question, index) => this.mark(index, answers[question.key]));
    const open = this.firstUnanswered();
    this.revising = open < 0;
    this.setCurrent(Math.max(0, open));
  }

  /** @param {number} index @param {number|undefined} score */
  mark(index, score) {
    const slider = this.sliders[index];
    if (slider) slider.show(score);
    else for (const input of this.inputs(index)) input.checked = Number(input.value) === score;
  }

  /** @param {number} index @returns {HTMLInputElement[]} */
  inputs(index) {
    return [...this.groups[index].querySelectorAll("input")];
  }

  /** @param {number} index @returns {number|null} */
  scoreOf(index) {
    const slider = this.sliders[index];
    if (slider) return slider.score;
    const chosen = this.inputs(index).find((input) => input.checked);
    return chosen ? Number(chosen.value) : null;
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
      this.sliders[index]?.reflect(true);
      const score = this.scoreOf(index);
      const before = this.settled[key];
      if (score === null || score === before) return;
      this.settled[key] = score;
      this.onAnswer(key, score, before);
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
   * @param {number} digit
   * @returns {string} what to tell a reader whose digit changes nothing; else ""
   */
  answer(digit) {
    const index = this.current;
    const group = this.groups[index];
    if (!this.questions.length) return "";
    if (!group) return `Every question is answered, and ${digit} changes nothing: go to a question to change its answer.`;
    if (group.disabled || !this.reveal(index)) return ""; // what cannot be seen is not answered: the next press is
    const slider = this.sliders[index];
    if (slider) {
      slider.type(digit);
      return "";
    }
    const { minimum, maximum } = this.questions[index];
    const score = scoreOfDigit(digit, { minimum, maximum });
    if (score === null) {
      return `Question ${index + 1} is answered with ${minimum} to ${maximum}: ${digit} is not taken.`;
    }
    this.onInput();
    const open = !this.settledAll;
    this.mark(index, score);
    this.settle();
    this.goOn(index, open);
    return "";
  }

  /**
   * Where none was open, through all of them once.
   * @param {number} index just answered @param {boolean} open whether anything was open before it
   */
  goOn(index, open) {
    const next = nextQuestion(this.questions.map((_, i) => this.scoreOf(i)), index, this.revising && !open);
    if (next < 0) this.revising = false;
    this.focus(next);
  }

  /** The reader goes to a question, in turn. */
  visitNext() {
    const next = (this.current + 1) % this.questions.length;
    if (!this.groups[next] || this.groups[next].disabled) return;
    this.focus(next);
    this.reveal(next);
  }

  /**
   * Bring a question onto the screen, with the others where there is room for them.
   * @param {number} index @returns {boolean} whether it was there: its text and its scores
   */
  reveal(index) {
    const group = this.groups[index];
    const high = (/** @type {Element} */ part) => part.getBoundingClientRect().height > window.innerHeight;
    const least = high(group) ? group.querySelector(".choices, .slider") ?? group : group;
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
    if (!this.groups[index]) {
      this.onDone();
      return;
    }
    const { target = this.inputs(index).find((input) => input.checked) } = this.sliders[index] ?? {};
    // Without an answer the question as a whole has the focus: a ring round one score would suggest it.
    (target ?? this.groups[index]).focus({ preventScroll: true });
    if (this.sliders[index]) target?.select(); // the next number replaces it
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
