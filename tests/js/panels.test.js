/** The forms of panels, and the files that each needs. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FORMS, formOf } from "../../static/reading/panels/forms.js";
import { filesOf } from "../../static/reading/prefetch.js";

const panel = (shows, facts = {}) => /** @type {any} */ ({ key: `${shows}-1`, title: shows, shows, sha256s: {}, ...facts });
const image = { url: "/image.png", sha256: "i", bits: 8, width: 4, height: 4 };
const assignment = (...panels) => /** @type {any} */ ({ case: { image }, panels });

test("each form says which file it needs and how that is unpacked", () => {
  const files = filesOf(assignment(panel("input"), panel("still", { layer_url: "/a.png", sha256s: { layer_url: "a" } }),
    panel("animation", { strip_url: "/b.png", frames: 7, sha256s: { strip_url: "b" } }),
    panel("curve", { layer_url: "/c.png" }), panel("flow", { layer_url: null })));
  assert.deepEqual(files.map(({ role, url, decoding, announced }) => [role, url, decoding, announced]), [
    ["image", "/image.png", "image", "i"], ["still-1", "/a.png", "layer", "a"], ["animation-1", "/b.png", "strip", "b"],
    ["curve-1", "/c.png", "layer", ""], ["flow-1", "", "layer", ""]]);
  assert.equal(files[2].frames, 7);
});

test("a form that this page does not know is refused in words, before anything is fetched", () => {
  for (const shows of ["hologram", "constructor"]) {
    assert.throws(() => filesOf(assignment(panel(shows))), /does not know how to show it \(\w+\): reload the page/);
  }
});

test("each form has a class of its own", () => {
  assert.equal(new Set(FORMS.values()).size, FORMS.size);
});

test("only the radiograph explains nothing, and only what lies over it has an opacity", () => {
  const traits = (shows) => {
    const Form = formOf(panel(shows));
    Object.assign(globalThis, { document: { createElement: () => ({ style: {}, setAttribute() {}, append() {} }) } });
    const one = new Form(panel(shows), /** @type {any} */ ({ layers: new Map(), strips: new Map() }), "example 1");
    return [one.explains, one.layered];
  };
  assert.deepEqual(Object.fromEntries([...FORMS.keys()].map((shows) => [shows, traits(shows)])), {
    input: [false, false], still: [true, true], animation: [true, false], curve: [true, false], flow: [true, true] });
});
