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
  /** @type {{row: number, share: number}[][]} by screen row: what it covers of which map rows */
  const covered = Array.from({ length: side }, () => []);
  spans(y, size / height, height, side).forEach(({ first, shares }, row) => {
    shares.forEach((share, k) => covered[first + k].push({ row, share }));
  });
  const sums = new Float64Array(4 * side);
  for (let at = 0; at < side; at++) {
    let touched = 0; // up to here
    for (const { row, share } of covered[at]) {
      touched = Math.max(touched, addRow(rgba, 4 * row * width, columns, share, sums));
    }
    for (let i = 0, to = 4 * side * at; i < touched; i += 4, to += 4) {
      const alpha = sums[i + 3];
      if (alpha === 0) continue;
      out[to] = sums[i] / alpha;
      out[to + 1] = sums[i + 1] / alpha;
      out[to + 2] = sums[i + 2] / alpha;
      out[to + 3] = alpha;
    }
    sums.fill(0, 0, touched);
  }
  return out;
}

/**
 * @param {Uint8Array} rgba of the map @param {number} from where one of its rows begins
 * @param {{first: number, shares: number[]}[]} columns
 * @param {number} share of the map row in the screen row
 * @param {Float64Array} sums of the screen row, added to: red, green and blue times alpha, and alpha
 * @returns {number} where the part of the sums that was touched ends
 */
function addRow(rgba, from, columns, share, sums) {
  let end = 0;
  for (let column = 0; column < columns.length; column++, from += 4) {
    const alpha = rgba[from + 3];
    if (alpha === 0) continue; // nineteen of twenty
    const { first, shares } = columns[column];
    let to = 4 * first;
    for (let k = 0; k < shares.length; k++, to += 4) {
      const weight = share * shares[k] * alpha;
      sums[to] += weight * rgba[from];
      sums[to + 1] += weight * rgba[from + 1];
      sums[to + 2] += weight * rgba[from + 2];
      sums[to + 3] += weight;
    }
    if (shares.length) end = to;
  }
  return end;
}
