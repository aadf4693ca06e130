/**
 * Has a PNG arrived whole? Browsers draw what they can of a damaged file without a word, and half a radiograph must
 * never be read. Every chunk of a PNG carries a CRC-32, and the last one is IEND.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const IEND = 0x49454e44;

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

/** @param {ArrayBuffer} buffer @returns {boolean} whether this is a whole, undamaged PNG */
export function isWholePng(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return false;
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at); // of the data; the chunk's CRC follows
    if (end + 4 > bytes.length || crc32(bytes, at + 4, end) !== view.getUint32(end)) return false;
    if (view.getUint32(at + 4) === IEND) return true;
    at = end + 4;
  }
  return false;
}
