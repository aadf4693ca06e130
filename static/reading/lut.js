/**
 * Window and level as a look-up table: one entry for every possible pixel value, so 12-16 bit radiographs keep all
 * their grey levels until the last step.
 *
 * Centre and width are fractions of the full range (0..1), so that one window suits images of any bit depth and the
 * animation's 8-bit frames beside them.
 *
 * @typedef {{centre: number, width: number, invert: boolean}} GreyWindow
 */

/** @type {Readonly<GreyWindow>} */
export const FULL_WINDOW = Object.freeze({ centre: 0.5, width: 1, invert: false });

/**
 * @param {number} bits 1..16
 * @param {GreyWindow} window
 * @returns {Uint32Array} opaque grey canvas pixels, indexed by pixel value
 */
export function buildLut(bits, { centre, width, invert }) {
  const top = 2 ** bits - 1;
  const low = centre - width / 2;
  const lut = new Uint32Array(top + 1);
  for (let value = 0; value <= top; value++) {
    const fraction = Math.min(1, Math.max(0, (value / top - low) / width));
    const grey = Math.round(255 * (invert ? 1 - fraction : fraction));
    lut[value] = (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
  return lut;
}

/**
 * Paint samples through a table onto a canvas, which takes the samples' size.
 * @param {import("./types.js").Samples} image
 * @param {Uint32Array} lut
 * @param {HTMLCanvasElement} canvas
 */
export function paint(image, lut, canvas) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  // Written by the processor at every move of a drag, so it is best kept in its memory.
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { alpha: false, willReadFrequently: true }));
  const pixels = context.createImageData(image.width, image.height);
  const out = new Uint32Array(pixels.data.buffer);
  const { samples } = image;
  for (let i = 0; i < out.length; i++) out[i] = lut[samples[i]];
  context.putImageData(pixels, 0, 0);
}
