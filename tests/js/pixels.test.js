/** From files to pixel values: every grey level arrives, and what is not what was announced is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeImage, decodeLayer, decodeStrip, pyramid } from "../../static/reading/pixels.js";
import { decodePng } from "../../static/reading/png.js";
import { pngOf } from "./support.js";

const blobOf = (/** @type {Buffer} */ bytes) => new Blob([new Uint8Array(bytes)]);
const highAndLow = (/** @type {number[]} */ values) => values.flatMap((value) => [value >> 8, value & 255, 0]);

test("more than 8 bits: the high byte is red and the low byte green", async () => {
  const values = [0, 1, 255, 256, 257, 4095];
  const { samples, bits } = await decodeImage(blobOf(pngOf(3, highAndLow(values), 3)), { bits: 12, width: 3, height: 2 });
  assert.deepEqual([...samples], values);
  assert.ok(samples instanceof Uint16Array);
  assert.equal(bits, 12);
});

test("16 bits reach 65535, 8 bits stay bytes", async () => {
  const deep = await decodeImage(blobOf(pngOf(2, highAndLow([65535, 32768]), 3)), { bits: 16, width: 2, height: 1 });
  assert.deepEqual([...deep.samples], [65535, 32768]);
  const flat = await decodeImage(blobOf(pngOf(2, [255, 7], 1)), { bits: 8, width: 2, height: 1 });
  assert.deepEqual([...flat.samples], [255, 7]);
});

test("an image that is not the announced one is refused in words", async () => {
  const deep = pngOf(2, highAndLow([4096, 5]), 3);
  const wrong = [
    [{ bits: 12, width: 2, height: 1 }, /pixels over 4095/],
    [{ bits: 16, width: 1, height: 2 }, /is 2 x 1 pixels where 1 x 2/],
    [{ bits: 8, width: 2, height: 1 }, /does not hold 8 bits/],
  ];
  for (const [expected, why] of wrong) await assert.rejects(decodeImage(blobOf(deep), /** @type {any} */ (expected)), why);
  await assert.rejects(decodeImage(blobOf(pngOf(1, [200], 1)), { bits: 7, width: 1, height: 1 }), /pixels over 127/);
});

test("each of PNG's filters is undone", async () => {
  // Large steps, which go round 255, and small ones, where two predictions are equally near.
  const plain = [[10, 20, 250], [12, 25, 3], [11, 19, 255], [200, 1, 90], [7, 7, 8],
    ...Array.from({ length: 60 }, (_, y) => [1, 2, 3].map((x) => (x * x * 7 + y * y * 5 + x * y) % 4))];
  const paeth = (a, b, c) => {
    const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  };
  const predict = [() => 0, (a) => a, (_, b) => b, (a, b) => (a + b) >> 1, paeth];
  for (const first of [0, 1, 2, 3, 4]) { // each filter in the first line too, where there is nothing above
    const lines = plain.map((row, y) => {
      const filter = (first + y) % 5;
      return Buffer.from([filter, ...row.map((value, x) => value - predict[filter](
        x ? row[x - 1] : 0, y ? plain[y - 1][x] : 0, x && y ? plain[y - 1][x - 1] : 0))]);
    });
    const { data } = await decodePng(blobOf(pngOf(3, [], 1, { lines: Buffer.concat(lines) })));
    assert.deepEqual([...data], plain.flat());
  }
});

test("a damaged file is never half a picture", async () => {
  const whole = pngOf(40, Array.from({ length: 1600 }, (_, i) => (i * 7) % 256), 1);
  for (const at of [0, 20, 30, 60, whole.length - 20]) {
    const changed = Buffer.from(whole);
    changed[at] ^= 1;
    await assert.rejects(decodePng(blobOf(changed)), /arrived damaged/, `byte ${at}`);
  }
  for (const length of [0, 8, 40, whole.length - 13]) {
    await assert.rejects(decodePng(blobOf(whole.subarray(0, length))), /arrived damaged/, `${length} bytes`);
  }
});

test("a file with too few lines, an unknown filter or of another kind is refused", async () => {
  const taller = pngOf(2, [1, 2, 3, 4], 1);
  const short = Buffer.concat([taller.subarray(0, 16), pngOf(2, [1, 2, 3, 4, 5, 6], 1).subarray(16, 33), taller.subarray(33)]);
  await assert.rejects(decodePng(blobOf(short)), /arrived damaged/);
  await assert.rejects(decodePng(blobOf(pngOf(2, [], 1, { lines: Buffer.from([9, 1, 2]) }))), /arrived damaged/);
  await assert.rejects(decodePng(blobOf(pngOf(1, [1], 1, { interlaced: 1 }))), /not the kind of PNG/);
});

test("a pyramid halves by the mean of four pixels and repeats an odd edge", () => {
  const side = 513;
  const samples = new Uint16Array(side * side).fill(1000);
  samples.set([0, 3], 0); // of the first row
  samples[side * side - 1] = 65535; // the corner, alone in its four
  const levels = pyramid({ width: side, height: side, bits: 16, samples });
  assert.deepEqual(levels.map(({ width }) => width), [513, 257]);
  assert.equal(levels[1].samples[0], 501, "rounded, not cut");
  assert.equal(levels[1].samples[257 * 257 - 1], 65535);
  assert.ok(levels[1].samples instanceof Uint16Array);
});

test("the frames of a strip, side by side or one below the other", async () => {
  const sideways = await decodeStrip(blobOf(pngOf(4, [1, 2, 5, 6, 3, 4, 7, 8], 1)), 2);
  const below = await decodeStrip(blobOf(pngOf(2, [1, 2, 3, 4, 5, 6, 7, 8], 1)), 2);
  for (const frames of [sideways, below]) {
    assert.deepEqual(frames.map(({ samples }) => [...samples]), [[1, 2, 3, 4], [5, 6, 7, 8]]);
  }
  await assert.rejects(decodeStrip(blobOf(pngOf(4, Array(8).fill(1), 1)), 3), /does not hold 3 square frames/);
});

test("a layer keeps its transparency, and one without is opaque", async () => {
  const rgba = async (samples, channels) => [...(await decodeLayer(blobOf(pngOf(1, samples, channels)))).rgba];
  assert.deepEqual(await rgba([9, 8, 7, 6], 4), [9, 8, 7, 6]);
  assert.deepEqual(await rgba([9, 8, 7], 3), [9, 8, 7, 255]);
  assert.deepEqual(await rgba([9, 6], 2), [9, 9, 9, 6]);
  assert.deepEqual(await rgba([9], 1), [9, 9, 9, 255]);
});
