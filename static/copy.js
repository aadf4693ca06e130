/** Buttons with data-copy put that text on the clipboard, and say so. */
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Plain http has no clipboard: select the text beside the button instead.
      button.previousElementSibling?.select?.();
      button.textContent = "Press Ctrl+C";
    }
  });
}
