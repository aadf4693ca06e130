/** Buttons for every viewer action: each drag, pinch and key has one, so that nobody needs a steady hand. */
import { make } from "./dom.js";

export class Toolbar {
  /**
   * @param {HTMLElement} bar
   * @param {Object<string, () => void>} actions
   * @param {import("./viewer.js").Viewer} viewer
   */
  constructor(bar, actions, viewer) {
    this.viewer = viewer;
    const button = (/** @type {string} */ action, /** @type {string} */ text, /** @type {string} */ key,
      /** @type {string} */ label = "") => make("button", {
      type: "button", "data-action": action, title: key ? `${label || text} (${key})` : label || null,
      "aria-label": label || null, on: { click: () => actions[action]() },
    }, text, ...(key && !label ? [" ", make("kbd", { text: key })] : []));
    const group = (/** @type {string} */ label, /** @type {HTMLElement[]} */ ...items) => make(
      "span", { class: "tools", role: "group", "aria-label": label }, ...items);
    const name = (/** @type {string} */ text) => make("span", { class: "tools-name", "aria-hidden": true, text });

    this.overlay = button("overlay", "Overlay", "O");
    this.opacity = make("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": "Overlay opacity",
      on: { input: () => viewer.setOpacity(Number(this.opacity.value) / 100) } });
    this.overlayTools = group("Overlay", this.overlay, this.opacity);
    this.tool = make("button", { type: "button", "data-action": "tool", on: { click: () => actions.tool() } });
    this.invert = button("invert", "Invert", "I");
    this.pair = button("pair", "Side by side", "S");
    this.loupe = button("loupe", "Loupe", "L");
    this.zoomOut = button("zoomOut", "−", "−", "Zoom out");
    this.folder = button("fold", "Tools", "");
    bar.append(
      this.overlayTools,
      group("Panels", this.pair, this.loupe, this.folder),
      group("Zoom", name("Zoom"), this.zoomOut, button("zoomIn", "+", "+", "Zoom in")),
      group("Move the image", name("Move"), button("panLeft", "←", "Shift ←", "Move left"),
        button("panUp", "↑", "Shift ↑", "Move up"), button("panDown", "↓", "Shift ↓", "Move down"),
        button("panRight", "→", "Shift →", "Move right")),
      group("Brightness", name("Brightness"), button("darker", "−", "D", "Darker"),
        button("brighter", "+", "B", "Brighter")),
      group("Contrast", name("Contrast"), button("softer", "−", "V", "Less contrast"),
        button("harder", "+", "C", "More contrast")),
      group("View", this.tool, this.invert, button("reset", "Reset", "R")));
    this.reflect();
  }

  reflect() {
    const { state, tool, shown, loupe, layout, canPair, hasLayers } = this.viewer;
    this.pair.setAttribute("aria-pressed", String(shown.paired));
    this.pair.disabled = !canPair;
    this.loupe.setAttribute("aria-pressed", String(loupe.on));
    this.folder.setAttribute("aria-expanded", String(!layout.folded));
    // A control arm shows no explanation: what would lie over the radiograph is not spoken of.
    this.overlayTools.hidden = !canPair;
    this.overlay.setAttribute("aria-pressed", String(state.overlay));
    this.overlay.disabled = !hasLayers;
    this.opacity.disabled = !hasLayers;
    this.opacity.value = String(Math.round(100 * state.opacity));
    this.invert.setAttribute("aria-pressed", String(state.window.invert));
    this.tool.replaceChildren(tool === "window" ? "Drag: window" : "Drag: move", " ", make("kbd", { text: "T" }));
    this.zoomOut.disabled = state.zoom <= 1;
  }
}
