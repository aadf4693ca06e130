/**
 * From PNG files to pixel values. Radiographs of more than 8 bits are stored as RGB PNG with the high byte in red and
 * the low byte in green. No canvas takes part (png.js says why), so this runs in a worker as well (decode_worker.js).
 */
import { decodePng } from "./png.js";

const SMALLEST_SIDE = 256;

/**
 * @param {Blob} blob
 * @param {{bits: number, width: number, height: number}} expected
 * @returns {Promise<import("./types.js").Samples>}
 * @throws {Error} when the file is not the image that was announced
 */
export async function decodeImage(blob, { bits, width, height }) {
  const { width: w, height: h, channels, data } = await decodePng(blob);
  if (w !== width || h !== height) throw new Error(`is ${w} x ${h} pixels where ${width} x ${height} were announced`);
  if (channels !== (bits > 8 ? 3 : 1)) throw new Error(`does not hold ${bits} bits as they are stored`);
  const samples = bits > 8 ? new Uint16Array(w * h) : data;
  const top = 2 ** bits - 1;
  let most = 0;
  for (let i = 0; i < samples.length; i++) {
    if (bits > 8) samples[i] = (data[3 * i] << 8) | data[3 * i + 1];
    if (samples[i] > most) most = samples[i];
  }
  if (most > top) throw new Error(`has pixels over ${top}, the most that ${bits} bits hold`);
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
  const { width, height, channels, data } = await decodePng(blob);
  const sideways = width >= height;
  const size = sideways ? height : width;
  if (Math.max(width, height) !== size * count) {
    throw new Error(`is ${width} x ${height} pixels, which does not hold ${count} square frames`);
  }
  return Array.from({ length: count }, (_, frame) => {
    const samples = new Uint8Array(size * size);
    const start = sideways ? frame * size : frame * size * width;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) samples[y * size + x] = data[channels * (start + y * width + x)];
    }
    return { width: size, height: size, bits: 8, samples };
  });
}

/**
 * @param {Blob} blob
 * @returns {Promise<import("./types.js").Layer>} a heat-map layer with its transparency; all opaque if it has none
 */
export async function decodeLayer(blob) {
  const { width, height, channels, data } = await decodePng(blob);
  if (channels === 4) return { width, height, rgba: data };
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const at = channels * i;
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[at + (channels < 3 ? 0 : c)];
    rgba[4 * i + 3] = channels === 2 ? data[at + 1] : 255;
  }
  return { width, height, rgba };
}
