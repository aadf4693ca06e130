/**
 * Where the keys go. A control reached by Tab keeps the focus, and Enter activates it; one that a mouse or a finger has
 * used gives it back to the room, where Enter is Next and digits answer.
 * @param {() => void} goHome puts the focus into the room
 */
export function returnFocus(goHome) {
  let pointed = false;
  document.addEventListener("pointerdown", () => { pointed = true; }, true);
  document.addEventListener("keydown", () => { pointed = false; }, true);
  const used = (/** @type {Event} */ event) => {
    if (!pointed || document.querySelector("dialog[open]")) return; // a dialog gives it back when it closes
    const control = event.target instanceof Element && event.target.closest("button, summary, input[type=range]");
    if (!control || control !== document.activeElement || control.closest(".question, #message")) return;
    goHome();
  };
  document.addEventListener("click", used);
  document.addEventListener("change", used); // the end of a drag
}
