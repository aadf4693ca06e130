/**
 * The visible part of the radiograph, painted once for all panels: through the look-up table at full size and bit depth,
 * then scaled to the panels' size; nothing is resampled after that (see pyramid in pixels.js for large ones).
 */
import { clamp } from "./dom.js";
import { buildLut, paint } from "./lut.js";

export class Painter {
  constructor() {
    this.grey = document.createElement("canvas");
    /** What panels draw from. */
    this.base = document.createElement("canvas");
    /** @type {Uint32Array} the same window for the 8-bit frames of an animation */
    this.frameLut = new Uint32Array(0);
    /** @type {{window: import("./lut.js").GreyWindow, level: number}|null} what the grey canvas holds */
    this.painted = null;
    this.drawn = ""; // what the base canvas holds
  }

  /** Another radiograph is next. */
  forget() {
    this.painted = null;
  }

  /**
   * Bring `base` and `frameLut` up to date; what has not changed is not painted again.
   * @param {import("./types.js").Samples[]} levels
   * @param {import("./lut.js").GreyWindow} window
   * @param {import("./types.js").Field} visible
   * @param {number} side of a panel, in the screen's pixels
   */
  paint(levels, window, visible, side) {
    const level = clamp(Math.floor(Math.log2(visible.size / side)), 0, levels.length - 1);
    if (this.painted?.window !== window || this.painted.level !== level) {
      paint(levels[level], buildLut(levels[level].bits, window), this.grey);
      if (this.painted?.window !== window) this.frameLut = buildLut(8, window);
      this.painted = { window, level };
      this.drawn = "";
    }
    this.scale(side, visible, 2 ** level);
  }

  /**
   * A playing animation does not need it again.
   * @param {number} side @param {import("./types.js").Field} visible
   * @param {number} pixel side of the painted level's pixels, in pixels of the radiograph
   */
  scale(side, visible, pixel) {
    const drawn = [side, visible.x, visible.y, visible.size].join();
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    this.base.width = side; // also clears to black
    this.base.height = side;
    const context = /** @type {CanvasRenderingContext2D} */ (this.base.getContext("2d", { alpha: false }));
    const scale = side / visible.size;
    context.imageSmoothingQuality = "high";
    context.setTransform(scale, 0, 0, scale, -visible.x * scale, -visible.y * scale);
    context.drawImage(this.grey, 0, 0, this.grey.width * pixel, this.grey.height * pixel);
  }
}
