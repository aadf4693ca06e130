/** Mouse, pen and touch on a panel: wheel, drag, pinch and tap, told apart here and nowhere else. */

const TAP_SLOP_PX = 5;
const TAP_MS = 600;

/**
 * @typedef {object} GestureHandlers
 * @property {(factor: number, u: number, v: number) => void} zoom at a point of the panel (fractions)
 * @property {(u: number, v: number) => void} hover the pointer is at this point of the panel (fractions)
 * @property {(dx: number, dy: number, button: number, finger: boolean) => void} drag by fractions of the panel;
 *   button 0, 1 or 2
 * @property {(dx: number, dy: number) => void} pan with two fingers, or the one that is left of them
 * @property {() => void} tap
 * @property {() => void} point the pointer came onto this panel
 * @property {(what: "zoom"|"drag"|"pinch") => void} done a gesture ended (for counting)
 */

/**
 * @param {HTMLElement} element @param {GestureHandlers} on
 * @param {HTMLElement} picture in it, which positions and movements are fractions of
 */
export function listen(element, on, picture = element) {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let start = { x: 0, y: 0, time: 0, button: 0 };
  let moved = false;
  let pinched = false;
  let wheelTimer = 0;
  const side = () => picture.getBoundingClientRect();

  element.addEventListener("wheel", (event) => {
    // Where the page itself has to scroll (small or magnified screens), the plain wheel is left to it.
    const scrolls = document.documentElement.scrollHeight > window.innerHeight + 1;
    if (scrolls && !event.ctrlKey) return;
    event.preventDefault();
    const box = side();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    on.zoom(Math.exp(-event.deltaY * lines * speed), (event.clientX - box.left) / box.width,
      (event.clientY - box.top) / box.height);
    clearTimeout(wheelTimer);
    wheelTimer = window.setTimeout(() => on.done("zoom"), 300);
  }, { passive: false });

  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the question
  element.addEventListener("pointerenter", () => on.point());

  element.addEventListener("pointerdown", (event) => {
    on.point();
    if (!pointers.size) {
      start = { x: event.clientX, y: event.clientY, time: event.timeStamp, button: event.button };
      moved = false;
      pinched = false;
    } else pinched = true;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    element.setPointerCapture(event.pointerId);
  });

  element.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    const box = side();
    if (pointers.size < 2) on.hover((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (pointers.size === 1 && !pinched) {
      if (!moved && Math.hypot(now.x - start.x, now.y - start.y) < TAP_SLOP_PX) return;
      moved = true;
      on.drag((now.x - last.x) / box.width, (now.y - last.y) / box.height, start.button, event.pointerType === "touch");
    } else if (pointers.size === 1) {
      on.pan((now.x - last.x) / box.width, (now.y - last.y) / box.height);
    } else if (pointers.size === 2) {
      const other = /** @type {{x: number, y: number}} */ (
        [...pointers].find(([id]) => id !== event.pointerId)?.[1]);
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(now.x - other.x, now.y - other.y);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      on.pan((now.x - last.x) / 2 / box.width, (now.y - last.y) / 2 / box.height);
      if (before > 0) {
        on.zoom(after / before, (middle.x - box.left) / box.width, (middle.y - box.top) / box.height);
      }
    }
    pointers.set(event.pointerId, now);
  });

  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (pinched) on.done("pinch");
    else if (moved) on.done("drag");
    else if (event.type === "pointerup" && start.button === 0 && event.timeStamp - start.time < TAP_MS) {
      on.tap();
    }
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}
