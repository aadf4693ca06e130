/**
 * Heat maps drawn area-true: each pixel of the screen shows the mean, over its own area, of the map pixels that it
 * covers, alpha multiplied in before the mean. Map pixels then have equal weight at every size; nearest neighbour gave
 * them unequal widths where the size is no whole multiple of the map's, which reads as stripes over a real film.
 */

/** Side of the maps that are computed here, in pixels. */
export const MAP_SIDE = 224;
const MOST_LOST = 0.05;

/**
 * A panel's side such that every map pixel is the same whole number of screen pixels, where that costs at most 5 %.
 * @param {number} room the side there is, in the screen's pixels @returns {number}
 */
export function evenSide(room) {
  const even = Math.floor(room / MAP_SIDE) * MAP_SIDE;
  return even >= (1 - MOST_LOST) * room ? even : room;
}

/**
 * What of each map row (or column) falls into each screen row (or column).
 * @param {number} start of the map, in screen pixels @param {number} step of one map pixel, in screen pixels
 * @param {number} count of map pixels @param {number} side of the screen's square
 * @returns {{first: number, shares: number[]}[]} by map pixel: the first screen pixel it touches, and the share that it
 *   has of that one and of the following ones; no shares when it is off the screen
 */
function spans(start, step, count, side) {
  return Array.from({ length: count }, (_, i) => {
    const from = Math.max(0, start + i * step);
    const to = Math.min(side, start + (i + 1) * step);
    const first = Math.floor(from);
    const shares = [];
    for (let at = first; at < to; at++) shares.push(Math.min(at + 1, to) - Math.max(at, from));
    return { first, shares };
  });
}

/**
 * @param {import("./types.js").Layer} layer
 * @param {{x: number, y: number, size: number}} square that the layer fills, in screen pixels; may reach beyond the screen
 * @param {number} side of the screen's square
 * @returns {Uint8ClampedArray<ArrayBuffer>} side x side RGBA, alpha not multiplied in, as ImageData has it
 */
export function areaTrue({ width, height, rgba }, { x, y, size }, side) {
  const out = new Uint8ClampedArray(4 * side * side);
  const columns = spans(x, size / width, width, side);
  const rows = spans(y, size / height, height, side);
  /** @type {Map<number, Float64Array>} screen rows begun, alpha multiplied in: a map row may end in the middle of one */
  const open = new Map();
  rows.forEach(({ first, shares }, row) => {
    for (const [at, sums] of open) if (at < first) finish(at, sums);
    shares.forEach((share, k) => {
      let sums = open.get(first + k);
      if (!sums) open.set(first + k, sums = new Float64Array(4 * side));
      addRow(rgba.subarray(4 * row * width, 4 * (row + 1) * width), columns, share, sums);
    });
  });
  for (const [at, sums] of open) finish(at, sums);
  return out;

  /** @param {number} at @param {Float64Array} sums */
  function finish(at, sums) {
    open.delete(at);
    for (let i = 0, to = 4 * side * at; i < sums.length; i += 4) {
      const alpha = sums[i + 3];
      if (alpha === 0) continue;
      for (let c = 0; c < 3; c++) out[to + i + c] = sums[i + c] / alpha;
      out[to + i + 3] = alpha;
    }
  }
}

/**
 * @param {Uint8Array} pixels one row of the map
 * @param {{first: number, shares: number[]}[]} columns
 * @param {number} share of the map row in the screen row
 * @param {Float64Array} sums of the screen row; red, green and blue times alpha, and alpha
 */
function addRow(pixels, columns, share, sums) {
  for (let column = 0, from = 0; column < columns.length; column++, from += 4) {
    if (pixels[from + 3] === 0) continue; // nineteen of twenty
    const { first, shares } = columns[column];
    for (let k = 0, to = 4 * first; k < shares.length; k++, to += 4) {
      const weight = share * shares[k] * pixels[from + 3];
      for (let c = 0; c < 3; c++) sums[to + c] += weight * pixels[from + c];
      sums[to + 3] += weight;
    }
  }
}
