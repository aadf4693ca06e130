/**
 * The panels of one example under one linked view. Every viewer action, from key, button, mouse or finger, is a method
 * here; each tells `onAction` its name, so that a visit can count them. Each canvas holds the screen's own pixels.
 */
import { Animation } from "./animation.js";
import { make } from "./dom.js";
import { listen } from "./gestures.js";
import { Painter } from "./painter.js";
import { Panel } from "./panel.js";
import { ViewState } from "./view_state.js";

const DEFAULT_OPACITY = 0.8;
const SETTLING_MS = 400; // within this, a second click belongs to a double click

export class Viewer {
  /**
   * @param {HTMLElement} container
   * @param {HTMLElement} room carries data-enlarged for the style sheet
   * @param {{wlDirection: string, onAction: (name: string) => void, onChange: () => void,
   *   onExplain: (panel: import("./types.js").PanelFacts) => void}} options
   */
  constructor(container, room, { wlDirection, onAction, onChange, onExplain }) {
    this.container = container;
    this.room = room;
    this.sense = wlDirection === "inverted" ? -1 : 1; // standard: right widens the window, down darkens
    this.onAction = onAction;
    this.onChange = onChange;
    this.onExplain = onExplain;
    this.state = new ViewState();
    /** @type {"window"|"pan"} what the main button or one finger does */
    this.tool = "window";
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {number|null} */
    this.enlarged = null;
    this.pointed = 0;
    this.painter = new Painter();
    this.request = 0;
    new ResizeObserver(() => this.redraw()).observe(container);
    // A window moved to a screen of another pixel ratio changes no element's size.
    window.addEventListener("resize", () => this.redraw());
    document.addEventListener("mousedown", (event) => {
      if (room.hasAttribute("data-settling")) event.preventDefault(); // keeps the focus where it is
    });
  }

  /** Show an example; everything is drawn when this returns. @param {import("./types.js").Loaded} loaded */
  show(loaded) {
    this.clear();
    this.loaded = loaded;
    const { example, panels } = loaded.assignment;
    const subject = `example ${example.number}, ${example.pathology}`;
    const paused = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.defaultOpacity = panels.find((facts) => facts.opacity !== undefined)?.opacity ?? DEFAULT_OPACITY;
    this.state.startAt(loaded.assignment.case.image);
    this.state.overlay = true;
    this.state.opacity = this.defaultOpacity;
    this.panels = panels.map((facts, index) => this.build(new Panel(facts, loaded, subject), index, paused));
    this.container.replaceChildren(...this.panels.map((panel) => panel.element));
    this.draw();
    this.onChange();
  }

  clear() {
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.panels.forEach((panel) => panel.close());
    this.panels = [];
    this.loaded = undefined;
    this.painter.forget();
    this.pointed = 0;
    this.state.field = "crop";
    this.state.reset();
    this.setEnlarged(null);
    this.container.replaceChildren();
  }

  /** @param {Panel} panel @param {number} index @param {boolean} paused */
  build(panel, index, paused) {
    const { facts, links, controls } = panel;
    if (facts.type === "animation") {
      panel.animation = new Animation(facts, {
        paused, onAction: this.onAction, onFrame: () => this.redraw(),
      });
      controls.append(panel.animation.controls);
    }
    if (facts.type === "input") {
      controls.append(make("button", { type: "button", class: "quiet", "data-action": "whole",
        "aria-pressed": "false",
        on: { click: () => this.toggleWhole() } }, "Whole radiograph ", make("kbd", { text: "W" })));
    }
    if (facts.what_is_this) {
      links.append(make("button", { type: "button", class: "link", text: "What is this?",
        "aria-label": `What is this? ${facts.title}`,
        on: { click: () => { this.onAction("what_is_this"); this.onExplain(facts); } } }));
    }
    links.append(make("button", { type: "button", class: "icon", text: "⤢", title: "Enlarge (E)",
      "aria-label": `Enlarge: ${facts.title}`, "aria-pressed": "false", on: { click: () => this.enlarge(index) } }));
    listen(panel.view, {
      point: () => { this.pointed = index; },
      tap: () => { this.shield(); this.enlarge(index); },
      zoom: (factor, u, v) => this.change(() => this.state.zoomBy(factor, u, v)),
      pan: (dx, dy) => this.change(() => this.state.panBy(dx, dy)),
      drag: (dx, dy, button) => this.drag(dx, dy, button),
      done: (what) => this.onAction(what === "drag" ? this.lastDrag : "zoom"),
    }, panel.canvas);
    return panel;
  }

  /** The main button uses the chosen tool, the right button the other one, the middle button pans. */
  drag(/** @type {number} */ dx, /** @type {number} */ dy, /** @type {number} */ button) {
    const tool = button === 1 ? "pan" : (button === 2) === (this.tool === "window") ? "pan" : "window";
    this.lastDrag = tool;
    this.change(() => {
      if (tool === "pan") this.state.panBy(dx, dy);
      else this.state.windowBy(-this.sense * dy, this.sense * dx);
    });
  }

  lastDrag = "window";

  /** @param {() => void} work changes the state @param {string} [name] counted, when given */
  change(work, name) {
    if (!this.loaded) return;
    work();
    if (name) this.onAction(name);
    this.redraw();
    this.onChange();
  }

  /** @param {number} factor */
  zoomBy(factor) { this.change(() => this.state.zoomBy(factor), "zoom"); }

  /** @param {number} dx @param {number} dy */
  panBy(dx, dy) { this.change(() => this.state.panBy(dx, dy), "pan"); }

  /** @param {number} brighter @param {number} wider */
  windowBy(brighter, wider) { this.change(() => this.state.windowBy(brighter, wider), "window"); }

  invert() { this.change(() => this.state.invert(), "invert"); }

  reset() {
    this.change(() => {
      this.state.reset();
      this.state.overlay = true;
      this.state.opacity = this.defaultOpacity ?? DEFAULT_OPACITY;
    }, "reset");
  }

  toggleOverlay() { this.change(() => { this.state.overlay = !this.state.overlay; }, "overlay"); }

  /** @param {number} opacity 0..1 */
  setOpacity(opacity) {
    this.change(() => {
      this.state.opacity = Math.min(1, Math.max(0, opacity));
      this.state.overlay = true;
    }, "opacity");
  }

  toggleTool() {
    this.tool = this.tool === "window" ? "pan" : "window";
    this.onChange();
  }

  /** Enlarge a panel, or go back to all of them. @param {number} [index] */
  enlarge(index = this.enlarged ?? this.pointed) {
    if (!this.loaded) return;
    if (this.state.field === "whole") this.leaveWhole();
    this.onAction("enlarge");
    this.setEnlarged(this.enlarged === index ? null : index);
    this.redraw();
    this.onChange();
  }

  /** The page rearranges under the pointer: the second half of a double click must hit neither panel nor score. */
  shield() {
    this.room.toggleAttribute("data-settling", true);
    setTimeout(() => this.room.toggleAttribute("data-settling", false), SETTLING_MS);
  }

  /** The next panel, when one is enlarged; else the first. */
  nextPanel() {
    if (!this.loaded) return;
    const next = this.enlarged === null ? 0 : (this.enlarged + 1) % this.panels.length;
    if (this.state.field === "whole") this.leaveWhole();
    this.onAction("enlarge");
    this.setEnlarged(next);
    this.redraw();
    this.onChange();
  }

  toggleWhole() {
    if (!this.loaded) return;
    this.onAction("whole");
    if (this.state.field === "whole") {
      this.leaveWhole();
      this.setEnlarged(null);
    } else {
      this.keptView = { zoom: this.state.zoom, x: this.state.x, y: this.state.y };
      Object.assign(this.state, { field: "whole", zoom: 1, x: 0, y: 0 });
      this.setEnlarged(this.panels.findIndex((panel) => panel.facts.type === "input"));
    }
    this.redraw();
    this.onChange();
  }

  leaveWhole() {
    Object.assign(this.state, { field: "crop" }, this.keptView);
  }

  /** @returns {boolean} whether there was something to close */
  closeEnlarged() {
    if (this.enlarged === null) return false;
    if (this.state.field === "whole") this.toggleWhole();
    else this.enlarge(this.enlarged);
    return true;
  }

  /** @param {number|null} index */
  setEnlarged(index) {
    this.enlarged = index;
    this.room.toggleAttribute("data-enlarged", index !== null);
    const whole = this.state.field === "whole";
    this.panels.forEach((panel, i) => {
      panel.title.textContent = whole ? "Whole radiograph (box: what the model sees)" : panel.facts.title;
      panel.controls.querySelector("[data-action=whole]")?.setAttribute("aria-pressed", String(whole));
      panel.element.toggleAttribute("data-large", i === index);
      panel.links.querySelector("[aria-pressed]")?.setAttribute("aria-pressed", String(i === index));
    });
  }

  /** @returns {Animation[]} */
  get animations() {
    return /** @type {Animation[]} */ (this.panels.map((panel) => panel.animation).filter(Boolean));
  }

  /** @param {"toggle"|"toZero"} method */
  animate(method) { this.animations.forEach((animation) => animation[method]()); }

  /** @param {number} by */
  stepBy(by) { this.animations.forEach((animation) => animation.stepBy(by)); }

  /** @returns {number} whole loops watched in this example */
  get loops() {
    return Math.max(0, ...this.animations.map((animation) => animation.loops));
  }

  /** @returns {number} side of a panel in CSS pixels */
  get panelPx() {
    return Math.round(this.panels[0]?.canvas.getBoundingClientRect().width ?? 0);
  }

  redraw() {
    if (this.request || !this.loaded) return;
    this.request = requestAnimationFrame(() => { this.request = 0; this.draw(); });
  }

  draw() {
    if (!this.loaded) return;
    const { levels, assignment } = this.loaded;
    const visible = this.state.visible(levels[0], assignment.case.crop);
    const shown = this.panels.filter((_, i) => this.enlarged === null || this.enlarged === i);
    const side = Math.max(1, ...shown.map((panel) => panel.fit()));
    this.painter.paint(levels, this.state.window, visible, side);
    shown.forEach((panel) => panel.draw(this.painter.base, visible, this.state, this.painter.frameLut));
  }
}
