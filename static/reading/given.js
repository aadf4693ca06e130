/** The answers of a whole read as one list, with what is open: what the reader signs at its end. */
import { isPassing, Problem } from "./api.js";
import { make } from "./dom.js";
import { scoreText } from "./questions.js";

const LONGEST_WAIT_MS = 4000;

/** @typedef {import("./types.js").Question} Question */
/** @typedef {{position: number, answers: Object<string, number>, not_asked: string[]}} Given one example's answers */

/**
 * What the server knows, and over it what was entered here.
 * @param {import("./app.js").ReadingRoom} room
 * @returns {Promise<Given[]|null>} by position; null where the server does not say
 */
export async function answersGiven(room) {
  try {
    /** @type {{examples: Given[]}|null} */
    const said = await Promise.race([room.api.get("answers/"),
      new Promise((resolve) => { setTimeout(() => resolve(null), LONGEST_WAIT_MS); })]);
    if (!Array.isArray(said?.examples)) return null;
    return said.examples.map((given) => ({ ...given, answers: room.entered.over(given.position, given.answers) }));
  } catch (error) {
    if (!(error instanceof Problem) && !isPassing(error)) throw error;
    return null;
  }
}

/** @param {Given} given @param {import("./types.js").Question[]} questions */
export function isOpen({ answers, not_asked: notAsked }, questions) {
  return questions.some(({ key }) => !(key in answers) && !notAsked.includes(key));
}

/**
 * @param {Given[]} examples @param {import("./types.js").Question[]} questions
 * @returns {HTMLElement} a table; the button of each example goes there
 */
export function answerTable(examples, questions) {
  const cell = (/** @type {Given} */ { answers, not_asked: notAsked }, /** @type {Question} */ question) => {
    if (question.key in answers) return scoreText(question, answers[question.key]);
    return notAsked.includes(question.key) ? "not asked" : "open";
  };
  const row = (/** @type {Given} */ given) => make("tr", { "data-open": isOpen(given, questions) },
    make("th", { scope: "row" },
      make("button", { value: `go:${given.position}`, class: "link", text: `Example ${given.position}` })),
    ...questions.map((question) => make("td", { text: cell(given, question) })));
  return make("div", { class: "given", role: "group", "aria-label": "Your answers", tabindex: 0 }, make("table", {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Example" }),
      ...questions.map(({ text }, index) => make("th", { scope: "col", text: `${index + 1}. ${text}` })))),
    make("tbody", {}, ...examples.map(row))));
}
