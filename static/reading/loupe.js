/** A magnifier at the same place of every panel. It draws the pictures' own pixels, not what is on the screen. */
import { clamp, make } from "./dom.js";
import { Painter } from "./painter.js";

const MAGNIFIES = 2.5;
const PART = 0.4; // its side, of the panel's
const SHOWS = PART / MAGNIFIES; // the side of what it shows

export class Loupe {
  constructor() {
    this.on = false;
    this.u = 0.5; // its middle, in fractions of the panel
    this.v = 0.5;
    this.painter = new Painter();
    /** @type {Map<import("./panels/panel.js").Panel, HTMLCanvasElement>} */
    this.glasses = new Map();
  }

  /** @param {number} u @param {number} v */
  moveTo(u, v) {
    this.u = clamp(u, 0, 1);
    this.v = clamp(v, 0, 1);
  }

  clear() {
    this.painter.forget();
    this.glasses.forEach((glass) => glass.remove());
    this.glasses.clear();
  }

  /**
   * @param {import("./panels/panel.js").Panel[]} panels on the screen
   * @param {import("./types.js").Field} visible what they show
   * @param {import("./types.js").Samples[]} levels @param {import("./view_state.js").ViewState} state
   */
  draw(panels, visible, levels, state) {
    if (!this.on) return;
    const part = { x: this.u - SHOWS / 2, y: this.v - SHOWS / 2, size: SHOWS };
    const field = {
      x: visible.x + part.x * visible.size, y: visible.y + part.y * visible.size, size: part.size * visible.size };
    const side = Math.max(1, Math.round(PART * Math.max(...panels.map((panel) => panel.canvas.width))));
    this.painter.paint(levels, state.window, field, side);
    const sight = { base: this.painter.base, visible: field, state, frameLut: this.painter.frameLut, part };
    for (const panel of panels) {
      const glass = this.glass(panel);
      if (glass.width !== side) glass.width = glass.height = side;
      const { offsetLeft, offsetTop, offsetWidth } = panel.canvas;
      glass.style.left = `${offsetLeft + this.u * offsetWidth}px`;
      glass.style.top = `${offsetTop + this.v * offsetWidth}px`;
      glass.style.width = `${side / window.devicePixelRatio}px`;
      panel.draw(sight, glass);
    }
  }

  /** @param {import("./panels/panel.js").Panel} panel @returns {HTMLCanvasElement} */
  glass(panel) {
    let glass = this.glasses.get(panel);
    if (!glass) {
      glass = /** @type {HTMLCanvasElement} */ (make("canvas", { class: "loupe", "aria-hidden": "true" }));
      this.glasses.set(panel, glass);
      panel.view.append(glass);
    }
    return glass;
  }
}
