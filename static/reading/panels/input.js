/** The radiograph itself: the model's field of view or, with its box, all of it. */
import { make } from "../dom.js";
import { inPixels, Panel } from "./panel.js";

export class InputPanel extends Panel {
  /** @override */
  explains = false;

  /** @override @param {import("../viewer.js").Viewer} viewer */
  furnish(viewer) {
    if (!viewer.hasWhole) return;
    this.controls.append(make("button", { type: "button", class: "quiet", "data-action": "whole", "aria-pressed": "false",
      on: { click: () => viewer.toggleWhole() } }, "Whole radiograph ", make("kbd", { text: "W" })));
  }

  /** @override @param {import("./panel.js").Sight} sight */
  draw(sight, canvas = this.canvas) {
    super.draw(sight, canvas);
    if (sight.state.field !== "whole") return;
    const context = inPixels(canvas, sight.visible);
    const { x, y, size } = this.loaded.assignment.case.crop;
    // White on black, so that the model's field of view shows on any grey.
    for (const [width, colour] of /** @type {const} */ ([[4, "#000"], [2, "#fff"]])) {
      context.lineWidth = width * window.devicePixelRatio * (sight.visible.size / canvas.width);
      context.strokeStyle = colour;
      context.strokeRect(x, y, size, size);
    }
  }
}
