/** One panel: a canvas, its title and its controls. It draws what the viewer tells it to; it decides nothing. */
import { areaTrue, evenSide } from "./area.js";
import { make } from "./dom.js";
import { paint } from "./lut.js";

export class Panel {
  /**
   * @param {import("./types.js").PanelFacts} facts
   * @param {import("./types.js").Loaded} loaded
   * @param {string} subject for the picture's text alternative
   */
  constructor(facts, loaded, subject) {
    this.facts = facts;
    this.loaded = loaded;
    /** @type {import("./animation.js").Animation|null} */
    this.animation = null;
    this.canvas = make("canvas", { role: "img", "aria-label": `${facts.title}, ${subject}` });
    this.view = make("div", { class: "view" }, this.canvas);
    this.controls = make("div", { class: "panel-controls" });
    this.links = make("span", { class: "panel-links" });
    this.title = make("span", { class: "panel-title", text: facts.title });
    this.element = make("figure", { class: "panel", "data-panel": facts.key, "data-type": facts.type },
      this.view,
      make("figcaption", {}, this.title, this.links),
      this.controls);
    /** @type {WeakMap<HTMLCanvasElement, {map: HTMLCanvasElement, shown: string}>} by where the map is drawn to */
    this.maps = new WeakMap();
    const strip = loaded.strips.get(facts.key);
    /** @type {{canvas: HTMLCanvasElement, lut: Uint32Array|null}[]} frames, each painted once per window */
    this.frames = (strip ?? []).map(() => ({ canvas: document.createElement("canvas"), lut: null }));
  }

  /**
   * Match the canvas to the screen's own pixels, so that nothing is resampled after us: it is as many pixels large as
   * the screen has for it, also where the layout leaves it a fraction more.
   * @returns {number} side in the screen's pixels
   */
  fit() {
    const ratio = window.devicePixelRatio;
    const side = evenSide(Math.max(1, Math.floor(this.view.getBoundingClientRect().width * ratio + 0.01)));
    if (this.canvas.width !== side) {
      this.canvas.width = side;
      this.canvas.height = side;
    }
    this.canvas.style.width = `${side / ratio}px`;
    this.canvas.style.height = `${side / ratio}px`;
    return side;
  }

  /**
   * @param {HTMLCanvasElement} base the visible part of the radiograph, drawn once for all panels
   * @param {import("./types.js").Field} visible
   * @param {import("./view_state.js").ViewState} state
   * @param {Uint32Array} frameLut
   * @param {HTMLCanvasElement} canvas where to; the loupe has its own
   */
  draw(base, visible, state, frameLut, canvas = this.canvas) {
    const { facts, loaded } = this;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    const crop = loaded.assignment.case.crop;
    const scale = canvas.width / visible.size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (facts.type !== "animation") context.drawImage(base, 0, 0, canvas.width, canvas.height);
    context.setTransform(scale, 0, 0, scale, -visible.x * scale, -visible.y * scale);
    if (facts.type === "animation") {
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.paintedFrame(frameLut), crop.x, crop.y, crop.size, crop.size);
      return;
    }
    const layer = loaded.layers.get(facts.key);
    if (layer && state.overlay) this.drawMap(layer, state.opacity, canvas, {
      x: (crop.x - visible.x) * scale, y: (crop.y - visible.y) * scale, size: crop.size * scale });
    if (state.field === "whole") {
      // White on black, so that the model's field of view shows on any grey.
      for (const [width, colour] of /** @type {const} */ ([[4, "#000"], [2, "#fff"]])) {
        context.lineWidth = (width * window.devicePixelRatio) / scale;
        context.strokeStyle = colour;
        context.strokeRect(crop.x, crop.y, crop.size, crop.size);
      }
    }
  }

  /**
   * @param {import("./types.js").Layer} layer @param {number} opacity @param {HTMLCanvasElement} canvas
   * @param {{x: number, y: number, size: number}} square that it fills, in the canvas's pixels
   */
  drawMap(layer, opacity, canvas, square) {
    const kept = this.maps.get(canvas) ?? { map: document.createElement("canvas"), shown: "" };
    this.maps.set(canvas, kept);
    const { map } = kept;
    const side = canvas.width;
    const wanted = [square.x, square.y, square.size, side].join();
    if (kept.shown !== wanted) {
      kept.shown = wanted;
      map.width = side;
      map.height = side;
      map.getContext("2d")?.putImageData(new ImageData(areaTrue(layer, square, side), side, side), 0, 0);
    }
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = opacity;
    context.drawImage(map, 0, 0);
    context.restore();
  }

  /** @param {Uint32Array} lut */
  paintedFrame(lut) {
    const index = this.animation?.frame ?? 0;
    const frame = this.frames[index];
    if (frame.lut !== lut) {
      paint(/** @type {import("./types.js").Samples[]} */ (this.loaded.strips.get(this.facts.key))[index], lut,
        frame.canvas);
      frame.lut = lut;
    }
    return frame.canvas;
  }

  close() {
    this.animation?.close();
  }
}
