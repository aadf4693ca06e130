/** An expired session asks for the password where the reader stands; nothing on the page is lost. */
import { isPassing, Problem } from "./api.js";
import { insist } from "./dialogs.js";
import { make } from "./dom.js";

/**
 * @param {HTMLDialogElement} dialog
 * @param {(password: string) => Promise<any>} send posts the password; rejects with the server's sentence
 * @returns {Promise<void>} resolves when the session is good again; the reader cannot dismiss it.
 *   Rejects when no password can help: the server does not know the account
 */
export function askPassword(dialog, send) {
  const input = make("input", {
    type: "password", id: "session-password", autocomplete: "current-password", required: true });
  const said = make("p", { class: "said", role: "alert" });
  const button = make("button", { class: "primary", text: "Go on" });
  const form = make("form", {},
    make("label", { for: "session-password", text: "Password" }), input, said, button);
  dialog.replaceChildren(
    make("h2", { id: "session-dialog-title", text: "You have been logged out" }),
    make("p", { text: "This happens after a pause. Your answers are kept: give your password to go on where you are." }),
    form);
  const end = insist(dialog);
  input.focus();
  return new Promise((resolve, reject) => {
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await send(input.value);
        end();
        resolve();
      } catch (error) {
        if (!(error instanceof Problem) && !isPassing(error)) throw error;
        if (error instanceof Problem && error.code === "account_unknown") {
          end();
          reject(error);
          return;
        }
        said.textContent = /** @type {Error} */ (error).message;
        input.select();
      } finally {
        button.disabled = false;
      }
    });
  });
}
