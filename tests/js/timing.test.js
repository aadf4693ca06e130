/** How long a reader looked: a clock that stands still while nobody can be looking. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Pace, Stopwatch } from "../../static/reading/timing.js";
import { Visit } from "../../static/reading/visit.js";
import { openPage } from "./support.js";

/** @type {ReturnType<openPage>} */ let page;
let now = 0;
const clock = performance.now;

beforeEach(() => {
  page = openPage();
  now = 1000;
  performance.now = () => now;
});

afterEach(() => { performance.now = clock; });

function show(visible) {
  page.hidden = !visible;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a hidden page and a dialog are not looking, and elapsed time goes on", () => {
  const watch = new Stopwatch();
  now += 500;
  watch.hold("dialog");
  now += 300;
  show(false);
  now += 200;
  watch.go("dialog");
  now += 100;
  assert.equal(watch.visibleMs, 500, "the page is still hidden");
  show(true);
  now += 50;
  assert.equal(watch.visibleMs, 550);
  assert.equal(watch.elapsedMs, 1150);
});

test("a page that opens hidden counts from when it is shown", () => {
  page.hidden = true;
  const watch = new Stopwatch();
  now += 400;
  show(true);
  now += 30;
  assert.equal(watch.visibleMs, 30);
});

test("a reason that was never given does not start the clock", () => {
  const watch = new Stopwatch();
  watch.hold("dialog");
  watch.hold("dialog");
  now += 100;
  watch.go("something else");
  now += 100;
  assert.equal(watch.visibleMs, 0);
  watch.go("dialog");
  now += 100;
  assert.equal(watch.visibleMs, 100);
});

test("time without input beyond the limit is idle, until the next input", () => {
  const watch = new Stopwatch(1000);
  now += 1000;
  assert.equal(watch.idleMs, 0);
  assert.equal(watch.isIdle, false);
  now += 250;
  assert.equal(watch.idleMs, 250);
  assert.equal(watch.isIdle, true);
  page.dispatchEvent(new Event("keydown"));
  assert.equal(watch.isIdle, false);
  now += 1100;
  assert.equal(watch.idleMs, 350);
  assert.equal(watch.visibleMs, 2350);
});

test("a pointer that lies still is no input, a moved one is", () => {
  const watch = new Stopwatch(1000);
  now += 1500;
  page.dispatchEvent(Object.assign(new Event("pointermove"), { movementX: 0, movementY: 0 }));
  assert.equal(watch.isIdle, true);
  page.dispatchEvent(Object.assign(new Event("pointermove"), { movementX: 0, movementY: 2 }));
  assert.equal(watch.isIdle, false);
});

test("time away from the page is not idle time", () => {
  const watch = new Stopwatch(1000);
  now += 900;
  show(false);
  now += 60_000;
  show(true);
  now += 900;
  assert.equal(watch.idleMs, 0);
});

test("whatever a visit sends, no part of its time is longer than the whole, though the clock goes on between looks", () => {
  /** @type {any[]} */ const sent = [];
  const outbox = /** @type {any} */ ({ add: async (/** @type {any} */ entry) => { sent.push(entry.body); } });
  performance.now = () => (now += 0.7);
  for (let i = 0; i < 20; i += 1) {
    const visit = new Visit(outbox, 1, 1, 0);
    visit.answer("confidence", 4, false);
    visit.update();
    visit.watch.hold("dialog");
    visit.watch.go("dialog");
    visit.answer("feature", 3, false);
    visit.close();
  }
  assert.equal(sent.length, 80);
  for (const { answered_ms: answered, visible_ms: visible, idle_ms: idle } of sent) {
    assert.ok(idle === undefined ? visible <= answered : idle <= visible, JSON.stringify({ answered, visible, idle }));
  }
});

test("stopped, it counts and hears nothing more", () => {
  const watch = new Stopwatch(1000);
  now += 2000;
  watch.stop();
  now += 5000;
  page.dispatchEvent(new Event("keydown"));
  show(true);
  assert.equal(watch.visibleMs, 2000);
  assert.equal(watch.idleMs, 1000);
});

test("how much is left is said after five examples, by the median of the time looked", () => {
  const pace = new Pace(null);
  const add = (position, seconds, idle = 0) => (
    pace.add(position, /** @type {any} */ ({ visibleMs: 1000 * (seconds + idle), idleMs: 1000 * idle })));
  [30, 30, 600, 10].forEach((seconds, i) => add(i + 1, seconds));
  assert.equal(pace.left(100), null);
  add(5, 20, 5000);
  add(5, 10);
  assert.equal(pace.left(100), "about 50 min left", "two visits of one example are one");
  assert.equal(pace.left(200), "about 1 h 40 left");
  assert.equal(pace.left(240), "about 2 h left");
  assert.equal(pace.left(3), "about a minute left");
  assert.equal(new Pace(60).left(30), "about 30 min left", "an earlier sitting's pace holds at once");
});
