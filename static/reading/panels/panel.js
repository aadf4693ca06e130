/** One panel: a canvas, its title and its controls. What its picture shows, each form draws itself (forms.js). */
import { evenSide } from "../area.js";
import { make } from "../dom.js";

/**
 * @typedef {object} Sight what all panels draw
 * @property {HTMLCanvasElement} base the visible part of the radiograph, drawn once for all panels
 * @property {import("../types.js").Field} visible
 * @property {import("../view_state.js").ViewState} state
 * @property {Uint32Array} frameLut the grey window for 8-bit frames
 * @property {import("../types.js").Field} part of the panel, in fractions of it: all of it, but in a loupe
 */

export class Panel {
  /** @type {{field: "layer_url"|"strip_url", decode: "layer"|"strip"}|null} which fact names its file, and how it is unpacked */
  static file = null;

  /** Whether it is an explanation: all but the radiograph are. */
  explains = true;

  /** Whether its picture lies over the radiograph, with an opacity that the reader sets. */
  layered = false;

  /** @type {import("../animation.js").Animation|null} what plays in it */
  animation = null;

  /**
   * @param {import("../types.js").PanelFacts} facts
   * @param {import("../types.js").Loaded} loaded
   * @param {string} subject for the picture's text alternative
   */
  constructor(facts, loaded, subject) {
    this.facts = facts;
    this.loaded = loaded;
    this.canvas = make("canvas", { role: "img", "aria-label": `${facts.title}, ${subject}` });
    this.view = make("div", { class: "view" }, this.canvas);
    this.controls = make("div", { class: "panel-controls" });
    this.links = make("span", { class: "panel-links" });
    this.title = make("span", { class: "panel-title", text: facts.title });
    this.element = make("figure", { class: "panel", "data-panel": facts.key, "data-form": facts.shows },
      this.view,
      make("figcaption", {}, this.title, this.links),
      this.controls);
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
   * Put what belongs to this form under the picture.
   * @param {import("../viewer.js").Viewer} _viewer @param {boolean} _paused whether nothing may move by itself
   */
  furnish(_viewer, _paused) {}

  /**
   * The radiograph; a form draws over it or in its place.
   * @param {Sight} sight @param {HTMLCanvasElement} [canvas] where to; the loupe has its own
   */
  draw({ base }, canvas = this.canvas) {
    const context = opaque(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(base, 0, 0, canvas.width, canvas.height);
  }

  close() {
    this.animation?.close();
  }
}

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} to draw on, in whatever unit was set last */
export function opaque(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
}

/**
 * To draw on in pixels of the radiograph.
 * @param {HTMLCanvasElement} canvas @param {import("../types.js").Field} visible
 */
export function inPixels(canvas, { x, y, size }) {
  const context = opaque(canvas);
  const scale = canvas.width / size;
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  return context;
}
