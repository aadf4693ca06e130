/** A chart in the radiograph's place. It stands still: zoom and grey window are of images, but the loupe enlarges it. */
import { opaque, Panel } from "./panel.js";

export class CurvePanel extends Panel {
  /** @override */
  static file = /** @type {const} */ ({ field: "layer_url", decode: "layer" });

  chart = pictureOf(this.loaded.layers.get(this.facts.key));

  /** @override @param {import("./panel.js").Sight} sight */
  draw({ part }, canvas = this.canvas) {
    const { chart } = this;
    const context = opaque(canvas);
    const side = canvas.width / part.size;
    const [x, y] = [-part.x * side, -part.y * side];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    // As large as the panel allows, in its own proportions.
    const scale = side / Math.max(chart.width, chart.height);
    const [width, height] = [chart.width * scale, chart.height * scale];
    context.drawImage(chart, x + (side - width) / 2, y + (side - height) / 2, width, height);
  }
}

/** @param {import("../types.js").Layer|undefined} layer */
function pictureOf(layer) {
  const canvas = document.createElement("canvas");
  if (!layer) return canvas;
  canvas.width = layer.width;
  canvas.height = layer.height;
  const pixels = new ImageData(new Uint8ClampedArray(layer.rgba), layer.width, layer.height);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}
