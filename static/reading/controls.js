/** What stands under a picture, and what mouse and fingers on it do: it only tells the viewer. */
import { make } from "./dom.js";
import { listen } from "./gestures.js";

/**
 * @param {import("./panels/panel.js").Panel} panel @param {number} index
 * @param {import("./viewer.js").Viewer} viewer @param {boolean} paused
 * @returns {import("./panels/panel.js").Panel}
 */
export function dress(panel, index, viewer, paused) {
  const { facts, links } = panel;
  panel.furnish(viewer, paused);
  if (facts.what_is_this) {
    links.append(make("button", { type: "button", class: "link what",
      "aria-label": `What is this? ${facts.title}`,
      on: { click: () => { viewer.onAction("what_is_this"); viewer.onExplain(facts); } } },
      make("span", { class: "long", text: "What is this" }), "?"));
  }
  if (panel.explains) {
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
