/** A magnifier at the same place of every panel. It draws the pictures' own pixels, not what is on the screen. */
import { clamp, make } from "./dom.js";
import { Painter } from "./painter.js";

const MAGNIFIES = 2.5;
const PART = 0.4; // its side, of the panel's

export class Loupe {
  constructor() {
    this.on = false;
    this.u = 0.5; // its middle, in fractions of the panel
    this.v = 0.5;
    this.painter = new Painter();
    /** @type {Map<import("./panel.js").Panel, HTMLCanvasElement>} */
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
   * @param {import("./panel.js").Panel[]} panels on the screen
   * @param {import("./types.js").Field} visible what they show
   * @param {import("./types.js").Samples[]} levels @param {import("./view_state.js").ViewState} state
   */
  draw(panels, visible, levels, state) {
    if (!this.on) return;
    const size = (visible.size * PART) / MAGNIFIES;
    const field = { size, x: visible.x + this.u * visible.size - size / 2, y: visible.y + this.v * visible.size - size / 2 };
    const side = Math.max(1, Math.round(PART * Math.max(...panels.map((panel) => panel.canvas.width))));
    this.painter.paint(levels, state.window, field, side);
    for (const panel of panels) {
      const glass = this.glass(panel);
      if (glass.width !== side) glass.width = glass.height = side;
      const { offsetLeft, offsetTop, offsetWidth } = panel.canvas;
      glass.style.left = `${offsetLeft + this.u * offsetWidth}px`;
      glass.style.top = `${offsetTop + this.v * offsetWidth}px`;
      glass.style.width = `${side / window.devicePixelRatio}px`;
      panel.draw(this.painter.base, field, state, this.painter.frameLut, glass);
    }
  }

  /** @param {import("./panel.js").Panel} panel @returns {HTMLCanvasElement} */
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
