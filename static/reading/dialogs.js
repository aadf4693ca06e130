/** Dialogs that ask or tell one thing. Native <dialog>: focus stays inside; the room takes it back (app.js, cover). */
import { byId, make } from "./dom.js";

/** @typedef {{label: string, value: string, primary?: boolean, disabled?: boolean}} Choice primary: what Enter chooses */

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} title @param {string} text
 * @param {Choice[]} choices
 * @param {Node} [more] between text and buttons; its buttons choose by their values, too
 * @returns {Promise<string>} the chosen value, "" when dismissed
 */
export function ask(dialog, title, text, choices, more) {
  const buttons = choices.map(({ label, value, primary, disabled }) => (
    make("button", { value, class: primary ? "primary" : null, autofocus: primary, disabled, text: label })));
  dialog.replaceChildren(
    make("h2", { id: `${dialog.id}-title`, text: title }),
    ...text.split("\n").filter(Boolean).map((line) => make("p", { text: line })),
    make("form", { method: "dialog" }, ...(more ? [more] : []), make("div", { class: "buttons" }, ...buttons)));
  dialog.returnValue = "";
  dialog.showModal();
  buttons[choices.findIndex(({ primary }) => primary)]?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** @param {string} title @param {string} text */
export function tell(title, text) {
  return ask(byId("explain-dialog"), title, text, [{ label: "Close", value: "close", primary: true }]);
}

const OVER = "over"; // the return value of a dialog that nobody need answer any more

/** Close whatever is open, for the page takes nothing more. */
export function closeAll() {
  document.querySelectorAll("dialog[open]").forEach((dialog) => /** @type {HTMLDialogElement} */ (dialog).close(OVER));
}

/**
 * A dialog that must be answered: Escape does not close it, only `closeAll` does.
 * @param {HTMLDialogElement} dialog @returns {() => void} lets go and closes it
 */
export function insist(dialog) {
  const stay = (/** @type {Event} */ event) => event.preventDefault();
  // Chromium lets a second Escape through the cancel event.
  const reopen = () => { if (dialog.returnValue !== OVER) dialog.showModal(); };
  dialog.returnValue = "";
  dialog.addEventListener("cancel", stay);
  dialog.addEventListener("close", reopen);
  dialog.showModal();
  return () => {
    dialog.removeEventListener("cancel", stay);
    dialog.removeEventListener("close", reopen);
    dialog.close();
  };
}
