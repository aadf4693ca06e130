/**
 * The display check that opens each sitting: a grey ramp, the faint squares of a monitor test, and the screen's size
 * and pixel ratio. What is measured and what the reader says are recorded with every visit of the sitting.
 */
import { insist } from "./dialogs.js";
import { make } from "./dom.js";
import { keptJson } from "./faults.js";

const SITTING_MS = 4 * 60 * 60 * 1000;
const SMALLEST_PANEL_PX = 224; // a panel smaller than the model's own grid hides pixels of the maps

/** @param {number} panelPx */
export function displayFacts(panelPx) {
  return {
    screen: { width: screen.width, height: screen.height, color_depth: screen.colorDepth },
    viewport: { width: window.innerWidth, height: window.innerHeight },
    device_pixel_ratio: window.devicePixelRatio,
    panel_px: panelPx,
    reduced_motion: window.matchMedia("(prefers-reduced-motion: reduce)").matches,
  };
}

/** @returns {HTMLCanvasElement} 18 equal steps from black to white; below, a 5 % square in black, a 95 % one in white */
function ramp() {
  const canvas = make("canvas", { width: 576, height: 160, role: "img", class: "ramp",
    "aria-label": "A grey ramp of 18 steps, and below it a black field and a white field, each with a faint square" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const fill = (/** @type {number} */ fraction, /** @type {number[]} */ [x, y, w, h]) => {
    const grey = Math.round(255 * fraction);
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect(x, y, w, h);
  };
  for (let step = 0; step < 18; step++) fill(step / 17, [32 * step, 0, 32, 72]);
  fill(0, [0, 80, 288, 80]);
  fill(0.05, [120, 96, 48, 48]);
  fill(1, [288, 80, 288, 80]);
  fill(0.95, [408, 96, 48, 48]);
  return canvas;
}

/** @param {string} name @param {string} text */
function yesOrNo(name, text) {
  return make("fieldset", { class: "yes-no" }, make("legend", { text }), ...["yes", "no"].map((value) => (
    make("label", {}, make("input", { type: "radio", name, value, required: true }), ` ${value}`))));
}

/** @param {any} kept */
function isCheck(kept) {
  return Number.isFinite(Date.parse(kept?.checked_at)) && JSON.stringify(kept).length < 1000
    && typeof kept.dark_square_seen === "boolean" && typeof kept.light_square_seen === "boolean";
}

/**
 * Once per sitting: again in a new browser session, after a log-out, or after four hours.
 * @param {HTMLDialogElement} dialog
 * @param {string} storageKey
 * @param {number} panelPx side of a panel
 * @param {(what: string) => void} tell of a kept check that cannot be read
 * @returns {Promise<Object<string, any>>} what was seen, for the record
 */
export async function displayCheck(dialog, storageKey, panelPx, tell) {
  const kept = keptJson(storageKey, isCheck, tell);
  if (kept && Math.abs(Date.now() - Date.parse(kept.checked_at)) < SITTING_MS) return kept;

  const ratio = Math.round(100 * window.devicePixelRatio) / 100;
  const small = panelPx < SMALLEST_PANEL_PX;
  const form = make("form", { class: "display-check" },
    ramp(),
    yesOrNo("dark_square", "Can you see the square in the black field?"),
    yesOrNo("light_square", "Can you see the square in the white field?"),
    make("p", { class: small ? "said" : "", text:
      `Each image will be ${panelPx} px wide; screen ${screen.width} × ${screen.height}, pixel ratio ${ratio}.${
        small ? " That is small: make the window larger or the browser's zoom smaller, if you can." : ""}` }),
    make("p", { class: "hint",
      text: "If you answer no: dim the room, wipe the screen, or raise its brightness, and look again." }),
    make("button", { class: "primary", text: "Start reading" }));
  dialog.replaceChildren(
    make("h2", { id: "display-dialog-title", text: "Before you start: the screen" }), form);
  const end = insist(dialog);
  form.querySelector("input")?.focus();
  await new Promise((resolve) => {
    form.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); resolve(null); });
  });
  const said = new FormData(form);
  const check = {
    checked_at: new Date().toISOString(),
    dark_square_seen: said.get("dark_square") === "yes",
    light_square_seen: said.get("light_square") === "yes",
    panel_px: panelPx,
    large_enough: !small,
  };
  sessionStorage.setItem(storageKey, JSON.stringify(check));
  end();
  return check;
}
