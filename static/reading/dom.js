/** Small helpers for building elements; text is always set as text, never as markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {import("./types.js").Attributes} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else if (typeof value === "object") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, /** @type {EventListener} */ (listener));
      }
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * @template {keyof import("./types.js").PageElements} Id
 * @param {Id} id
 * @returns {import("./types.js").PageElements[Id]} a missing one is an error in the template
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element #${id}.`);
  return /** @type {import("./types.js").PageElements[Id]} */ (element);
}

/** A random version 4 UUID. crypto.randomUUID needs https; hospital test servers are often plain http. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** @param {Element} element @returns {boolean} whether all of it is in the window, so that it can be read */
export function onScreen(element) {
  const { top, bottom, left, right } = element.getBoundingClientRect();
  return top >= -1 && left >= -1 && bottom <= window.innerHeight + 1 && right <= window.innerWidth + 1;
}

const LEAST_SCREEN_PX = 600; // the short side of the smallest tablets

/** Judged by the screen, never by the window: that is narrow, too, where a page is zoomed. */
export function isPhone() {
  return window.matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < LEAST_SCREEN_PX;
}
