/** What stands under a picture, and what mouse and fingers on it do: it only tells the viewer. */
import { Animation } from "./animation.js";
import { make } from "./dom.js";
import { listen } from "./gestures.js";

/** What the colours of a map mean. @param {string[]} colours from the weakest pixel shown to the strongest */
function legend(colours) {
  const bar = make("span", { class: "legend-bar", "aria-hidden": true });
  bar.style.backgroundImage = `linear-gradient(to right, ${colours.join(", ")})`;
  const said = "Colours, from the weakest pixel shown to the strongest";
  return make("span", { class: "legend", role: "img", "aria-label": said }, "weaker ", bar, " stronger");
}

/**
 * @param {import("./panel.js").Panel} panel @param {number} index
 * @param {import("./viewer.js").Viewer} viewer @param {boolean} paused
 * @returns {import("./panel.js").Panel}
 */
export function dress(panel, index, viewer, paused) {
  const { facts, links, controls } = panel;
  if (facts.type === "animation") {
    panel.animation = new Animation(facts, {
      paused, speed: viewer.speed, onAction: viewer.onAction, onSpeed: (speed) => viewer.setSpeed(speed),
      onFrame: () => viewer.redraw(),
    });
    controls.append(panel.animation.controls);
  }
  if (facts.legend) controls.append(legend(facts.legend));
  if (facts.type === "input" && viewer.hasWhole) {
    controls.append(make("button", { type: "button", class: "quiet", "data-action": "whole",
      "aria-pressed": "false",
      on: { click: () => viewer.toggleWhole() } }, "Whole radiograph ", make("kbd", { text: "W" })));
  }
  if (facts.what_is_this) {
    links.append(make("button", { type: "button", class: "link what",
      "aria-label": `What is this? ${facts.title}`,
      on: { click: () => { viewer.onAction("what_is_this"); viewer.onExplain(facts); } } },
      make("span", { class: "long", text: "What is this" }), "?"));
  }
  if (facts.type !== "input") {
    links.append(make("button", { type: "button", class: "quiet", "data-action": "nextExplanation",
      "aria-label": "Next explanation", on: { click: () => viewer.nextExplanation() } },
      "Next", make("span", { class: "long", text: " explanation" }), " ", make("kbd", { text: "X" })));
  }
  links.append(make("button", { type: "button", class: "icon", text: "⤢", title: "Enlarge (E)",
    "aria-label": `Enlarge: ${facts.title}`, "aria-pressed": "false", on: { click: () => viewer.enlarge(index) } }));
  listen(panel.view, {
    point: () => { viewer.pointed = index; },
    tap: () => { viewer.shield(); viewer.enlarge(index); },
    zoom: (factor, u, v) => viewer.change(() => viewer.state.zoomBy(factor, u, v)),
    pan: (dx, dy) => viewer.change(() => viewer.state.panBy(dx, dy)),
    hover: (u, v) => viewer.moveLoupe(u, v),
    drag: (dx, dy, button, finger) => viewer.drag(dx, dy, button, finger),
    done: (what) => viewer.done(what),
  }, panel.canvas);
  return panel;
}
