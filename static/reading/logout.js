/** For pages with a log-out form marked data-reading-logout: leave no trace of sent answers on a shared workstation. */
import { forgetIfAllSent } from "./outbox.js";

for (const form of document.querySelectorAll("form[data-reading-logout]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await forgetIfAllSent().catch(() => 0); // a log-out always goes through
    sessionStorage.clear(); // the next log-in is another sitting, with a display check of its own
    /** @type {HTMLFormElement} */ (form).submit();
  });
}
