/** What the panels show: grey window, zoom and pan, the size of pictures, heat maps drawn area-true. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { boomerang } from "../../static/reading/animation.js";
import { areaTrue, evenSide } from "../../static/reading/area.js";
import { largest } from "../../static/reading/layout.js";
import { buildLut, FULL_WINDOW } from "../../static/reading/lut.js";
import { Shown } from "../../static/reading/shown.js";
import { ViewState } from "../../static/reading/view_state.js";

const near = (a, b, why) => assert.ok(Math.abs(a - b) < 1e-9, `${why ?? ""} ${a} is not ${b}`);
const grey = (/** @type {number} */ pixel) => pixel & 255;

test("the table has an entry for every value, opaque, from black to white", () => {
  const lut = buildLut(12, FULL_WINDOW);
  assert.equal(lut.length, 4096);
  assert.equal(lut[0], 0xff000000);
  assert.equal(lut[4095], 0xffffffff);
  assert.ok(lut.every((pixel, value) => value === 0 || grey(pixel) >= grey(lut[value - 1])));
});

test("a window spends all greys on its part, and inverting swaps its ends", () => {
  const narrow = { centre: 0.5, width: 0.5, invert: false };
  const lut = buildLut(8, narrow);
  assert.equal(grey(lut[63]), 0);
  assert.equal(grey(lut[192]), 255);
  const swapped = buildLut(8, { ...narrow, invert: true });
  assert.ok(lut.every((pixel, value) => Math.abs(255 - grey(pixel) - grey(swapped[value])) <= 1), "but for rounding");
});

test("zooming leaves the point under the cursor where it is, and never leaves the picture", () => {
  const state = new ViewState();
  const at = (u) => state.x + u / state.zoom;
  for (const [factor, u] of [[4, 0.3], [2, 0.8], [0.5, 0.5]]) {
    const before = at(u);
    state.zoomBy(factor, u, u);
    near(at(u), before);
  }
  state.zoomBy(1000);
  assert.equal(state.zoom, 16);
  state.panBy(-50, 50);
  near(state.x, 1 - 1 / 16);
  assert.equal(state.y, 0);
  state.zoomBy(0);
  assert.deepEqual([state.zoom, state.x, state.y], [1, 0, 0]);
});

test("an image starts in its own window, and what the reader changed lives on over the next one's", () => {
  const state = new ViewState();
  const image = (window) => /** @type {any} */ ({ bits: 12, window });
  state.startAt(image([1024, 3071]));
  near(state.window.centre, 0.5);
  near(state.window.width, 2047 / 4095);
  state.windowBy(0, 0.5);
  near(state.window.width, 2 * (2047 / 4095));
  state.startAt(image(null));
  near(state.window.width, 2, "twice its own");
  state.reset();
  assert.deepEqual(state.window, { centre: 0.5, width: 1, invert: false });
});

test("brighter is brighter, also where black and white are swapped", () => {
  for (const invert of [false, true]) {
    const state = new ViewState();
    state.startAt(/** @type {any} */ ({ bits: 8, window: [64, 191] }));
    if (invert) state.invert();
    const before = grey(buildLut(8, state.window)[128]);
    state.windowBy(0.2, 0);
    assert.ok(grey(buildLut(8, state.window)[128]) > before, `inverted: ${invert}`);
  }
});

test("the whole radiograph is seen in a square with its middle in the middle", () => {
  const state = new ViewState();
  state.field = "whole";
  assert.deepEqual(state.visible({ width: 300, height: 500 }, { x: 0, y: 100, size: 300 }), { x: -100, y: 0, size: 500 });
});

test("pictures are as large as the box allows, and two to be compared stand side by side", () => {
  assert.deepEqual(largest(4, 1000, 1000, 0, 0, false), { columns: 2, side: 500 });
  assert.deepEqual(largest(3, 1200, 400, 40, 0, false), { columns: 3, side: 360 });
  assert.deepEqual(largest(2, 400, 900, 0, 0, true), { columns: 2, side: 200 });
  assert.deepEqual(largest(2, 410, 900, 0, 10, false), { columns: 1, side: 410 });
});

test("all panels, a pair or one, and room for as many as any method has", () => {
  const shown = new Shown();
  shown.start(3, 0);
  assert.deepEqual([shown.name, shown.indices], ["all", [0, 1, 2]]);
  shown.togglePair();
  assert.deepEqual([shown.name, shown.indices], ["pair", [0, 1]]);
  shown.nextExplanation();
  assert.deepEqual(shown.indices, [0, 2]);
  shown.one = 1;
  assert.deepEqual([shown.name, shown.indices, shown.room(4)], ["one", [1], 1]);
  shown.start(1, 0);
  assert.deepEqual([shown.name, shown.indices, shown.room(4)], ["all", [0], 2], "a control arm has the same picture size");
});

test("an animation plays there and back without doubled ends", () => {
  assert.deepEqual(boomerang(4), [0, 1, 2, 3, 2, 1]);
  assert.deepEqual(boomerang(1), [0]);
  assert.deepEqual(boomerang(2), [0, 1]);
});

test("a map's colour and weight are kept whatever the size it is drawn at", () => {
  const layer = { width: 2, height: 2, rgba: Uint8Array.from([200, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 128]) };
  for (const side of [2, 3, 5, 7]) {
    const drawn = areaTrue(layer, { x: 0, y: 0, size: side }, side);
    let alpha = 0;
    for (let i = 3; i < drawn.length; i += 4) alpha += drawn[i];
    assert.ok(Math.abs(alpha / (side * side) - (255 + 128) / 4) < 1, `${side} pixels`);
    assert.deepEqual([...drawn.subarray(0, 4)], [200, 0, 0, 255], "colours are not mixed with what is transparent");
  }
  assert.deepEqual([...areaTrue(layer, { x: -10, y: 0, size: 4 }, 4)], Array(64).fill(0), "off the screen");
});

test("a panel is a whole multiple of the maps' side where that costs little", () => {
  assert.deepEqual([448, 470, 500, 100].map(evenSide), [448, 448, 500, 100]);
});
