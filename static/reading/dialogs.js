/** Dialogs that ask or tell one thing. Native <dialog>: focus stays inside and comes back by itself. */
import { byId, make } from "./dom.js";

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} title @param {string} text
 * @param {{label: string, value: string, primary?: boolean}[]} buttons
 * @returns {Promise<string>} the chosen value, "" when dismissed
 */
export function ask(dialog, title, text, buttons) {
  dialog.replaceChildren(
    make("h2", { id: `${dialog.id}-title`, text: title }),
    ...text.split("\n").filter(Boolean).map((line) => make("p", { text: line })),
    make("form", { method: "dialog", class: "buttons" }, ...buttons.map(({ label, value, primary }) => (
      make("button", { value, class: primary ? "primary" : null, autofocus: primary, text: label })))));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** @param {string} title @param {string} text */
export function tell(title, text) {
  return ask(byId("explain-dialog"), title, text, [{ label: "Close", value: "close", primary: true }]);
}
