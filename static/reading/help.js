/** The help dialog: every key, a reader's own keys, and the software's version, which the page names. */
import { isPassing, Problem } from "./api.js";
import { make } from "./dom.js";
import { shown } from "./keys.js";
import { digitOf } from "./signs.js";

/** @type {[string, string][]} nobody's to change */
const FIXED = [["1 – 9", "answer the outlined question and go to the next open one"], ["Enter", "save and go to the next example"],
  ["Backspace", "back to the example before"], ["Shift ←↑", "move the zoomed image"]];

/** @param {HTMLDialogElement} dialog @param {import("./keys.js").Keyboard} keyboard */
export function fillHelp(dialog, keyboard) {
  const row = (/** @type {string} */ keys, /** @type {string} */ says) => (
    make("div", {}, make("dt", {}, make("kbd", { text: keys || "no key" })), make("dd", { text: says })));
  const box = make("input", { type: "checkbox", on: { change: () => keyboard.setSingleKeys(box.checked) } });
  box.checked = keyboard.singleKeys;
  const change = make("button", { type: "button", text: "Change keys", on: { click: () => fillChange(dialog, keyboard) } });
  dialog.replaceChildren(
    make("h2", { id: "help-title", text: "Keys" }),
    make("dl", { class: "keys" }, ...FIXED.map(([keys, says]) => row(keys, says)),
      ...keyboard.shortcuts.map(({ keys, says }) => row(keys.map(shown).join(" "), says))),
    make("label", { class: "check" }, box,
      " Single-key shortcuts on (off: digits work inside a question; Enter and Backspace always work)"),
    make("p", { class: "hint", text: `Version ${dialog.dataset.version}.` }),
    make("form", { method: "dialog", class: "buttons" }, ...(keyboard.keep ? [change] : []),
      make("button", { class: "primary", text: "Close", autofocus: true })));
  /** @type {HTMLElement|null} */ (dialog.querySelector("button.primary"))?.focus();
}

/** One box an action, as on the reader's profile page. @type {typeof fillHelp} */
function fillChange(dialog, keyboard) {
  const said = make("p", { class: "said", role: "alert" });
  const boxes = keyboard.shortcuts.map(({ keys }) => make("input", { type: "text", value: keys.join(" "), maxlength: 20,
    autocomplete: "off", autocapitalize: "off" }));
  const keep = async (/** @type {Object<string, string[]>} */ keys) => {
    try {
      await keyboard.setKeys(keys);
      fillHelp(dialog, keyboard);
    } catch (error) {
      if (!(error instanceof Problem) && !isPassing(error)) throw error;
      said.textContent = `Not kept. ${/** @type {Error} */ (error).message}`;
    }
  };
  const chosen = () => Object.fromEntries(keyboard.shortcuts.map(({ action }, index) => (
    [action, boxes[index].value.split(/\s+/).filter(Boolean)])));
  const form = make("form", {
    on: {
      submit: (/** @type {Event} */ event) => { event.preventDefault(); void keep(chosen()); },
      keydown: (/** @type {KeyboardEvent} */ event) => {
        if (digitOf(event) === null || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault(); // also where the top row gives other signs
        said.textContent = "That key answers the questions: choose another.";
      },
    },
  }, make("div", { class: "keys" }, ...keyboard.shortcuts.map(({ says }, index) => (
    make("label", { class: "own-key" }, boxes[index], ` ${says}`)))), said,
  make("div", { class: "buttons" },
    make("button", { type: "button", text: "Reset to the usual keys", on: { click: () => void keep({}) } }),
    make("button", { type: "button", text: "Leave as it was", on: { click: () => fillHelp(dialog, keyboard) } }),
    make("button", { class: "primary", text: "Keep these keys" })));
  dialog.replaceChildren(
    make("h2", { id: "help-title", text: "Your keys" }),
    make("p", { text: "One letter or sign for each, with a space before a second one. They are kept for you on every computer." }),
    form);
  boxes[0].focus();
}
