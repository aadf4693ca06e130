/** Frames in the radiograph's place, under the same grey window; ../animation.js plays them. */
import { Animation } from "../animation.js";
import { paint } from "../lut.js";
import { inPixels, Panel } from "./panel.js";

export class AnimationPanel extends Panel {
  /** @override */
  static file = /** @type {const} */ ({ field: "strip_url", decode: "strip" });

  /** Each painted once per window. */
  frames = (this.loaded.strips.get(this.facts.key) ?? []).map((samples) => (
    { samples, canvas: document.createElement("canvas"), lut: /** @type {Uint32Array|null} */ (null) }));

  /** @override @param {import("../viewer.js").Viewer} viewer @param {boolean} paused */
  furnish(viewer, paused) {
    this.animation = new Animation(this.facts, {
      paused, speed: viewer.speed, onAction: viewer.onAction, onSpeed: (speed) => viewer.setSpeed(speed),
      onFrame: () => viewer.redraw(),
    });
    this.controls.append(this.animation.controls);
  }

  /** @override @param {import("./panel.js").Sight} sight */
  draw({ visible, frameLut }, canvas = this.canvas) {
    const frame = this.frames[this.animation?.frame ?? 0];
    if (frame.lut !== frameLut) {
      paint(frame.samples, frameLut, frame.canvas);
      frame.lut = frameLut;
    }
    const { x, y, size } = this.loaded.assignment.case.crop;
    const context = inPixels(canvas, visible);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(frame.canvas, x, y, size, size);
  }
}
