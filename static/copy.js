/** Buttons with data-copy put that text on the clipboard, and say so. */
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-copy]"))) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy ?? "");
      button.textContent = "Copied";
    } catch {
      // Plain http has no clipboard: select the text beside the button instead.
      const box = button.previousElementSibling;
      if (box instanceof HTMLInputElement) box.select();
      button.textContent = "Press Ctrl+C";
    }
  });
}
