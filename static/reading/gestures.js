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

/** @typedef {{x: number, y: number}} Point on the screen */

class Gestures {
  /** @type {Map<number, Point>} */
  pointers = new Map();

  start = { x: 0, y: 0, time: 0, button: 0 };

  moved = false;

  pinched = false;

  wheelTimer = 0;

  /** @param {HTMLElement} element @param {GestureHandlers} on @param {HTMLElement} picture */
  constructor(element, on, picture) {
    this.element = element;
    this.on = on;
    this.picture = picture;
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the question
    element.addEventListener("pointerenter", () => on.point());
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.end(event));
    element.addEventListener("pointercancel", (event) => this.end(event));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    // Where the page itself has to scroll (small or magnified screens), the plain wheel is left to it.
    const scrolls = document.documentElement.scrollHeight > window.innerHeight + 1;
    if (scrolls && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    this.on.zoom(Math.exp(-event.deltaY * lines * speed), ...this.place(event.clientX, event.clientY));
    clearTimeout(this.wheelTimer);
    this.wheelTimer = window.setTimeout(() => this.on.done("zoom"), 300);
  }

  /** @param {number} x @param {number} y @returns {[number, number]} in fractions of the picture */
  place(x, y) {
    const { left, top, width, height } = this.picture.getBoundingClientRect();
    return [(x - left) / width, (y - top) / height];
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.on.point();
    if (!this.pointers.size) {
      this.start = { x: event.clientX, y: event.clientY, time: event.timeStamp, button: event.button };
      this.moved = false;
      this.pinched = false;
    } else this.pinched = true;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { pointers, start, on } = this;
    const last = pointers.get(event.pointerId);
    if (pointers.size < 2) on.hover(...this.place(event.clientX, event.clientY));
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    const { width, height } = this.picture.getBoundingClientRect();
    const [dx, dy] = [(now.x - last.x) / width, (now.y - last.y) / height];
    if (pointers.size === 1 && !this.pinched) {
      if (!this.moved && Math.hypot(now.x - start.x, now.y - start.y) < TAP_SLOP_PX) return;
      this.moved = true;
      on.drag(dx, dy, start.button, event.pointerType === "touch");
    } else if (pointers.size === 1) {
      on.pan(dx, dy);
    } else if (pointers.size === 2) {
      on.pan(dx / 2, dy / 2);
      this.pinch(last, now, [...pointers].find(([id]) => id !== event.pointerId)?.[1] ?? last);
    }
    pointers.set(event.pointerId, now);
  }

  /** @param {Point} last @param {Point} now of the finger that moves @param {Point} other */
  pinch(last, now, other) {
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    const after = Math.hypot(now.x - other.x, now.y - other.y);
    if (before > 0) this.on.zoom(after / before, ...this.place((now.x + other.x) / 2, (now.y + other.y) / 2));
  }

  /** @param {PointerEvent} event */
  end(event) {
    const { pointers, start, on } = this;
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (this.pinched) on.done("pinch");
    else if (this.moved) on.done("drag");
    else if (event.type === "pointerup" && start.button === 0 && event.timeStamp - start.time < TAP_MS) on.tap();
  }
}

/**
 * @param {HTMLElement} element @param {GestureHandlers} on
 * @param {HTMLElement} picture in it, which positions and movements are fractions of
 */
export function listen(element, on, picture = element) {
  new Gestures(element, on, picture);
}
