/**
 * What all panels show: one view, linked by construction. Positions are fractions of the field of view (0..1), so that
 * panels of any size agree.
 */
import { clamp } from "./dom.js";
import { FULL_WINDOW } from "./lut.js";

const MAX_ZOOM = 16;
const MIN_WINDOW = 1 / 256;

export class ViewState {
  constructor() {
    /** @type {"crop"|"whole"} the model's field of view, or the whole radiograph */
    this.field = "crop";
    this.overlay = true;
    this.opacity = 1;
    /**
     * What the reader changed about the grey window, as an offset from each image's own: the centre's shift in widths of
     * that window, and the factor of the width. It lives on from example to example.
     */
    this.offset = { shift: 0, factor: 1, invert: false };
    /** @type {import("./lut.js").GreyWindow} what reset goes back to */
    this.homeWindow = { ...FULL_WINDOW };
    /** @type {import("./lut.js").GreyWindow} */
    this.window = this.homeWindow;
    this.zoom = 1;
    this.x = 0; // left and top of the visible square
    this.y = 0;
  }

  /** @param {import("./types.js").ImageFacts} image its window, when it says one (DICOM), is where reading starts */
  startAt({ bits, window }) {
    const top = 2 ** bits - 1;
    const [low, high] = window ?? [0, top];
    const width = Math.max(MIN_WINDOW, (high - low) / top);
    this.homeWindow = { centre: (low + high) / 2 / top, width, invert: false };
    this.setWindow();
  }

  /** The image's own window, moved by the reader's offset. */
  setWindow() {
    const { centre, width } = this.homeWindow;
    const { shift, factor, invert } = this.offset;
    this.window = { centre: clamp(centre + shift * width, 0, 1), width: clamp(width * factor, MIN_WINDOW, 2), invert };
  }

  /** The whole field, as at first. */
  resetField() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  /** The whole field in the image's own window. */
  reset() {
    this.resetField();
    this.offset = { shift: 0, factor: 1, invert: false };
    this.setWindow();
  }

  /**
   * Zoom so that the point under the cursor stays there.
   * @param {number} factor @param {number} [u] @param {number} [v] the point, in fractions of the panel
   */
  zoomBy(factor, u = 0.5, v = 0.5) {
    const zoom = clamp(this.zoom * factor, 1, MAX_ZOOM);
    this.x += u / this.zoom - u / zoom;
    this.y += v / this.zoom - v / zoom;
    this.zoom = zoom;
    this.keepInside();
  }

  /** Move the picture by fractions of the panel. @param {number} dx @param {number} dy */
  panBy(dx, dy) {
    this.x -= dx / this.zoom;
    this.y -= dy / this.zoom;
    this.keepInside();
  }

  keepInside() {
    this.x = clamp(this.x, 0, 1 - 1 / this.zoom);
    this.y = clamp(this.y, 0, 1 - 1 / this.zoom);
  }

  /** @param {number} brighter moves the level, in fractions of the range @param {number} wider widens the window */
  windowBy(brighter, wider) {
    // Steps in proportion to the width keep narrow windows steerable.
    const width = clamp(this.window.width * 2 ** (2 * wider), MIN_WINDOW, 2);
    const up = this.window.invert ? -brighter : brighter;
    const centre = clamp(this.window.centre - up * Math.min(1, this.window.width), 0, 1);
    const home = this.homeWindow;
    this.offset = {
      shift: (centre - home.centre) / home.width, factor: width / home.width, invert: this.window.invert,
    };
    this.window = { ...this.window, centre, width };
  }

  invert() {
    this.offset.invert = !this.offset.invert;
    this.window = { ...this.window, invert: this.offset.invert };
  }

  /**
   * @param {{width: number, height: number}} image
   * @param {import("./types.js").Field} crop
   * @returns {import("./types.js").Field} the visible square, in pixels of the radiograph
   */
  visible(image, crop) {
    const size = Math.max(image.width, image.height);
    const field = this.field === "crop"
      ? crop
      : { x: (image.width - size) / 2, y: (image.height - size) / 2, size };
    return { x: field.x + this.x * field.size, y: field.y + this.y * field.size, size: field.size / this.zoom };
  }
}
