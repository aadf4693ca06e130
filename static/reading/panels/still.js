/** A map over the radiograph, which the server has coloured, or another picture that lies over it, such as arrows. */
import { areaTrue } from "../area.js";
import { make } from "../dom.js";
import { opaque, Panel } from "./panel.js";

export class StillPanel extends Panel {
  /** @override */
  static file = /** @type {const} */ ({ field: "layer_url", decode: "layer" });

  /** @override */
  layered = true;

  /** @type {WeakMap<HTMLCanvasElement, {map: HTMLCanvasElement, shown: string}>} by where the map is drawn to */
  maps = new WeakMap();

  /** @override */
  furnish() {
    if (this.facts.legend) this.controls.append(legend(this.facts.legend));
  }

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
   * @returns {HTMLCanvasElement} the map as large as the canvas, made again only when something has moved
   */
  scaled(layer, square, canvas) {
    const kept = this.maps.get(canvas) ?? { map: document.createElement("canvas"), shown: "" };
    this.maps.set(canvas, kept);
    const side = canvas.width;
    const wanted = [square.x, square.y, square.size, side].join();
    if (kept.shown !== wanted) {
      kept.shown = wanted;
      kept.map.width = side;
      kept.map.height = side;
      kept.map.getContext("2d")?.putImageData(new ImageData(areaTrue(layer, square, side), side, side), 0, 0);
    }
    return kept.map;
  }
}

/** What the colours of a map mean. @param {string[]} colours from the weakest pixel shown to the strongest */
function legend(colours) {
  const bar = make("span", { class: "legend-bar", "aria-hidden": true });
  bar.style.backgroundImage = `linear-gradient(to right, ${colours.join(", ")})`;
  const said = "Colours, from the weakest pixel shown to the strongest";
  return make("span", { class: "legend", role: "img", "aria-label": said }, "weaker ", bar, " stronger");
}
