/** For pages with a log-out form marked data-reading-logout: the next log-in on this workstation is another sitting. */

// Answers that the server has are gone from this computer already, and others stay until it has them.
for (const form of document.querySelectorAll("form[data-reading-logout]")) {
  form.addEventListener("submit", () => {
    try {
      sessionStorage.clear(); // with a display check of its own
    } catch { /* a browser without storage: there is nothing to forget */ }
  });
}
