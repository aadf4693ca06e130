/**
 * From PNG files to pixel values. Browsers cut 16-bit PNG to 8 bits, so images of more than 8 bits arrive as RGB PNG
 * with the high byte in red and the low byte in green; colour conversion is off so that the bytes come back unchanged.
 */

const SMALLEST_SIDE = 256;

/** @param {Blob} blob */
async function bytesOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  // willReadFrequently keeps the canvas in memory: reading back from a GPU canvas may round.
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, 0, 0);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/**
 * @param {Blob} blob
 * @param {{bits: number, width: number, height: number}} expected
 * @returns {Promise<import("./types.js").Samples>}
 * @throws {Error} when the file is not an image or has another size than announced
 */
export async function decodeImage(blob, { bits, width, height }) {
  const { width: w, height: h, data } = await bytesOf(blob);
  if (w !== width || h !== height) throw new Error(`is ${w} x ${h} pixels where ${width} x ${height} were announced`);
  const samples = bits > 8 ? new Uint16Array(w * h) : new Uint8Array(w * h);
  const top = 2 ** bits - 1;
  for (let i = 0, at = 0; i < samples.length; i++, at += 4) {
    const value = bits > 8 ? (data[at] << 8) | data[at + 1] : data[at];
    if (value > top) throw new Error(`has pixels over ${top}, the most that ${bits} bits hold`);
    samples[i] = value;
  }
  return { width: w, height: h, bits, samples };
}

/**
 * The image at half its size: the mean of each four pixels. Pixels beyond an odd edge repeat the edge.
 * @param {import("./types.js").Samples} image
 * @returns {import("./types.js").Samples}
 */
function halve({ width, height, bits, samples }) {
  const w = Math.ceil(width / 2);
  const h = Math.ceil(height / 2);
  const half = bits > 8 ? new Uint16Array(w * h) : new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const row = 2 * y * width;
    const below = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < w; x++) {
      const left = 2 * x;
      const right = Math.min(left + 1, width - 1);
      const sum = samples[row + left] + samples[row + right] + samples[below + left] + samples[below + right];
      half[y * w + x] = (sum + 2) >> 2;
    }
  }
  return { width: w, height: h, bits, samples: half };
}

/**
 * The image at full, half, quarter ... size. A panel shows the smallest that has more pixels than the screen, so that
 * windowing a large radiograph keeps up with the hand; zooming in reaches the full size.
 * @param {import("./types.js").Samples} image
 * @returns {import("./types.js").Samples[]}
 */
export function pyramid(image) {
  const levels = [image];
  while (Math.min(image.width, image.height) >> levels.length >= SMALLEST_SIDE) {
    levels.push(halve(levels[levels.length - 1]));
  }
  return levels;
}

/**
 * The frames of an animation: a strip of equal square frames, side by side or one below the other.
 * @param {Blob} blob
 * @param {number} count
 * @returns {Promise<import("./types.js").Samples[]>}
 */
export async function decodeStrip(blob, count) {
  const { width, height, data } = await bytesOf(blob);
  const sideways = width >= height;
  const size = sideways ? height : width;
  if (Math.max(width, height) !== size * count) {
    throw new Error(`is ${width} x ${height} pixels, which does not hold ${count} square frames`);
  }
  return Array.from({ length: count }, (_, frame) => {
    const samples = new Uint8Array(size * size);
    const start = sideways ? frame * size : frame * size * width;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) samples[y * size + x] = data[4 * (start + y * width + x)];
    }
    return { width: size, height: size, bits: 8, samples };
  });
}

/** @param {Blob} blob @returns {Promise<ImageBitmap>} a heat-map layer with its transparency */
export function decodeLayer(blob) {
  return createImageBitmap(blob);
}
