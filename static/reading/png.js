/**
 * From a PNG file to its samples, without a canvas. A canvas may hand back other values than it was given: privacy
 * protections change channels by one, which in the high byte of a 12-bit radiograph is 256 grey levels. And browsers
 * draw what they can of a damaged file without a word; half a radiograph must never be read.
 *
 * Every chunk of a PNG carries a CRC-32 and the samples an Adler-32; both are checked, and so is their number. Read is
 * what this product writes: 8 bits a channel, not interlaced, no palette. Source: Portable Network Graphics (Second
 * Edition), W3C, sections 5 (chunks), 7 (scan lines) and 9 (filters).
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const IHDR = 0x49484452;
const IDAT = 0x49444154;
const IEND = 0x49454e44;
/** Colour type to samples a pixel: grey, RGB, grey with alpha, RGB with alpha. */
const CHANNELS = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 4: 2, 6: 4 });
const MOST_BYTES = 512 * 1024 * 1024; // unpacked; a file that says more is not one of ours

const DAMAGED = "it arrived damaged";

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let crc = value;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function crc32(bytes, from, to) {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {{header: DataView|null, packed: Uint8Array<ArrayBuffer>[]}} of a whole, undamaged file
 * @throws {Error}
 */
function chunksOf(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw new Error(DAMAGED);
  /** @type {DataView|null} */
  let header = null;
  const packed = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at); // of the data; the chunk's CRC follows
    if (end + 4 > bytes.length || crc32(bytes, at + 4, end) !== view.getUint32(end)) break;
    const type = view.getUint32(at + 4);
    if (type === IHDR) header = new DataView(buffer, at + 8, end - at - 8);
    else if (type === IDAT) packed.push(bytes.subarray(at + 8, end));
    else if (type === IEND) return { header, packed };
    at = end + 4;
  }
  throw new Error(DAMAGED);
}

/**
 * @param {Blob} blob
 * @returns {Promise<{width: number, height: number, channels: number, data: Uint8Array}>} 8-bit samples, pixel by
 *   pixel, rows from the top; alpha is not multiplied in
 * @throws {Error} in words, when the file is damaged or of a kind that is never sent
 */
export async function decodePng(blob) {
  const { header, packed } = chunksOf(await blob.arrayBuffer());
  if (!header || header.byteLength !== 13) throw new Error(DAMAGED);
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [depth, colour, compression, filter, interlaced] = [8, 9, 10, 11, 12].map((at) => header.getUint8(at));
  const channels = CHANNELS[colour];
  if (depth !== 8 || !channels || compression || filter || interlaced) {
    throw new Error("it is not the kind of PNG that was stored: something between the server and this page changed it");
  }
  const stride = width * channels;
  if (!stride || !height || height * (stride + 1) > MOST_BYTES) throw new Error(DAMAGED);
  const lines = await inflate(packed, height * (stride + 1));
  return { width, height, channels, data: unfilter(lines, height, stride, channels) };
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} packed a zlib stream
 * @param {number} length that it must unpack to, no byte more or fewer
 * @returns {Promise<Uint8Array>}
 */
async function inflate(packed, length) {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack it: update it");
  const lines = new Uint8Array(length);
  let at = 0;
  try {
    const reader = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { done, value } = await reader.read(); // throws where the Adler-32 does not match
      if (done) break;
      lines.set(value, at); // throws when there is no room left
      at += value.length;
    }
  } catch {
    at = -1;
  }
  if (at !== length) throw new Error(DAMAGED);
  return lines;
}

/**
 * Undo the filter that each line names in its first byte.
 * @param {Uint8Array} lines @param {number} height @param {number} stride bytes a line @param {number} step bytes a pixel
 */
function unfilter(lines, height, stride, step) {
  const data = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    const undo = UNDO[lines[from - 1]];
    if (!undo) throw new Error(DAMAGED);
    data.set(lines.subarray(from, from + stride), to);
    undo(data, to, stride, step, y === 0);
  }
  return data;
}

/**
 * By filter type: none, left, up, mean of both, Paeth. What lies outside of the picture counts as 0. Adding to an 8-bit
 * array is modulo 256, as the format has it.
 * @type {((data: Uint8Array, at: number, stride: number, step: number, first: boolean) => void)[]}
 */
const UNDO = [
  () => {},
  (data, at, stride, step) => {
    for (let i = at + step; i < at + stride; i++) data[i] += data[i - step];
  },
  (data, at, stride, _, first) => {
    if (!first) for (let i = at; i < at + stride; i++) data[i] += data[i - stride];
  },
  (data, at, stride, step, first) => {
    for (let i = 0; i < stride; i++) {
      const left = i < step ? 0 : data[at + i - step];
      const up = first ? 0 : data[at + i - stride];
      data[at + i] += (left + up) >> 1;
    }
  },
  (data, at, stride, step, first) => {
    for (let i = 0; i < stride; i++) {
      const left = i < step ? 0 : data[at + i - step];
      const up = first ? 0 : data[at + i - stride];
      const corner = i < step || first ? 0 : data[at + i - stride - step];
      const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
      data[at + i] += a <= b && a <= c ? left : b <= c ? up : corner;
    }
  },
];
