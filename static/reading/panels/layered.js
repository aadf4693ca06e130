/** What stills and flows share: a picture from the server that lies over the radiograph, as opaque as the reader sets it. */
import { areaTrue } from "../area.js";
import { opaque, Panel } from "./panel.js";

export class LayeredPanel extends Panel {
  /** @override */
  static file = /** @type {const} */ ({ field: "layer_url", decode: "layer" });

  /** @override */
  layered = true;

  /** @type {WeakMap<HTMLCanvasElement, {picture: HTMLCanvasElement, shown: string}>} by where the picture is drawn to */
  pictures = new WeakMap();

  /** @override @param {import("./panel.js").Sight} sight */
  draw(sight, canvas = this.canvas) {
    super.draw(sight, canvas);
    const { visible, state } = sight;
    const layer = this.loaded.layers.get(this.facts.key);
    if (!layer || !state.overlay) return;
    const { x, y, size } = this.loaded.assignment.case.crop;
    const scale = canvas.width / visible.size;
    const context = opaque(canvas);
    context.globalAlpha = state.opacity;
    context.drawImage(
      this.scaled(layer, { x: (x - visible.x) * scale, y: (y - visible.y) * scale, size: size * scale }, canvas), 0, 0);
    context.globalAlpha = 1;
  }

  /**
   * @param {import("../types.js").Layer} layer
   * @param {import("../types.js").Field} square that it fills, in the canvas's pixels
   * @param {HTMLCanvasElement} canvas
   * @returns {HTMLCanvasElement} the picture as large as the canvas, made again only when something has moved
   */
  scaled(layer, square, canvas) {
    const kept = this.pictures.get(canvas) ?? { picture: document.createElement("canvas"), shown: "" };
    this.pictures.set(canvas, kept);
    const side = canvas.width;
    const wanted = [square.x, square.y, square.size, side].join();
    if (kept.shown !== wanted) {
      kept.shown = wanted;
      kept.picture.width = side;
      kept.picture.height = side;
      kept.picture.getContext("2d")?.putImageData(new ImageData(areaTrue(layer, square, side), side, side), 0, 0);
    }
    return kept.picture;
  }
}
