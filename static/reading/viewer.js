/**
 * The panels of one example under one linked view. Every viewer action, from key, button, mouse or finger, is a method
 * here; each tells `onAction` its name, so that a visit can count them. Each canvas holds the screen's own pixels.
 *
 * @typedef {import("./types.js").Action} Action
 */
import { dress } from "./controls.js";
import { Layout } from "./layout.js";
import { Loupe } from "./loupe.js";
import { Painter } from "./painter.js";
import { formOf } from "./panels/forms.js";
import { Shown } from "./shown.js";
import { ViewState } from "./view_state.js";

const DEFAULT_OPACITY = 0.8;
const SETTLING_MS = 400; // within this, a second click belongs to a double click

export class Viewer {
  /**
   * @param {HTMLElement} container
   * @param {HTMLElement} room carries attributes for the style sheet
   * @param {{wlDirection: string, columns: number, overlayAtFirst: boolean, onAction: (name: Action) => void,
   *   onChange: () => void, onExplain: (panel: import("./types.js").PanelFacts) => void}} options
   */
  constructor(container, room, { wlDirection, columns, overlayAtFirst, onAction, onChange, onExplain }) {
    this.container = container;
    this.room = room;
    this.columns = columns; // the most panels of any example: all of them get the same size
    this.sense = wlDirection === "inverted" ? -1 : 1; // standard: right widens the window, down darkens
    this.overlayAtFirst = overlayAtFirst;
    this.speed = 1; // of animations
    this.onAction = onAction;
    this.onChange = onChange;
    this.onExplain = onExplain;
    // Overlay, opacity, window and speed are the reader's, and live on from example to example.
    this.state = new ViewState();
    this.state.overlay = overlayAtFirst;
    /** @type {number|null} null: as the study's maps come */
    this.chosenOpacity = null;
    /** @type {"window"|"pan"} what the main button or one finger does */
    this.tool = "window";
    /** @type {import("./panels/panel.js").Panel[]} */
    this.panels = [];
    this.pointed = 0;
    this.shown = new Shown();
    this.layout = new Layout(room, container);
    this.loupe = new Loupe();
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
    const { example, panels, position } = loaded.assignment;
    const subject = `example ${position}, ${example.pathology}`;
    const paused = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.state.startAt(loaded.assignment.case.image);
    this.defaultOpacity = panels.find((facts) => facts.opacity !== undefined)?.opacity ?? DEFAULT_OPACITY;
    this.state.opacity = this.chosenOpacity ?? this.defaultOpacity;
    if (!this.overlayAtFirst) this.state.overlay = false;
    this.panels = panels.map((facts, index) => (
      dress(new (formOf(facts))(facts, loaded, subject), index, this, paused)));
    this.container.replaceChildren(...this.panels.map((panel) => panel.element));
    this.shown.start(panels.length, Math.max(0, this.panels.findIndex(({ explains }) => !explains)));
    this.rearrange();
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
    this.state.resetField();
    this.shown.start(0, 0);
    this.loupe.clear();
    this.container.replaceChildren();
  }

  /**
   * The main button uses the chosen tool, the right button the other one, the middle button pans.
   * @param {number} dx @param {number} dy @param {number} button @param {boolean} finger
   */
  drag(dx, dy, button, finger) {
    if (finger && this.loupe.on) return; // the finger leads the loupe
    const tool = button === 1 ? "pan" : (button === 2) === (this.tool === "window") ? "pan" : "window";
    this.lastDrag = tool;
    this.change(() => {
      if (tool === "pan") this.state.panBy(dx, dy);
      else this.state.windowBy(-this.sense * dy, this.sense * dx);
    });
  }

  /** @param {"zoom"|"drag"|"pinch"} what */
  done(what) {
    this.onAction(what === "drag" ? this.lastDrag : "zoom");
    // Who has pinched wants to look round with one finger; the tool's button says so, and reset takes it back.
    if (what === "pinch") this.lend(this.state.zoom > 1);
  }

  /** The moving tool, lent for as long as a pinch's zoom lasts. @param {boolean} wanted */
  lend(wanted) {
    if (wanted ? this.tool === "pan" : !this.lent) return;
    this.tool = wanted ? "pan" : "window";
    this.lent = wanted;
    this.onChange();
  }

  lastDrag = /** @type {"window"|"pan"} */ ("window");

  lent = false;

  /** @param {() => void} work changes the state @param {Action} [name] counted, when given */
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
  panBy(dx, dy) {
    if (this.loupe.on) this.moveLoupe(this.loupe.u - dx, this.loupe.v - dy); // the same keys, the other way round
    else this.change(() => this.state.panBy(dx, dy), "pan");
  }

  /** @param {number} brighter @param {number} wider */
  windowBy(brighter, wider) { this.change(() => this.state.windowBy(brighter, wider), "window"); }

  invert() { this.change(() => this.state.invert(), "invert"); }

  reset() {
    this.change(() => {
      this.state.reset();
      this.state.overlay = this.overlayAtFirst;
      this.chosenOpacity = null;
      this.state.opacity = this.defaultOpacity ?? DEFAULT_OPACITY;
    }, "reset");
    this.lend(false);
  }

  /** Nothing lies over the radiograph of a control arm, so nothing there changes what the next example begins with. */
  get hasLayers() {
    return this.panels.some(({ layered }) => layered);
  }

  toggleOverlay() { if (this.hasLayers) this.change(() => { this.state.overlay = !this.state.overlay; }, "overlay"); }

  /** @param {number} opacity 0..1 */
  setOpacity(opacity) {
    if (!this.hasLayers) return;
    this.change(() => {
      this.chosenOpacity = Math.min(1, Math.max(0, opacity));
      this.state.opacity = this.chosenOpacity;
      this.state.overlay = true;
    }, "opacity");
  }

  toggleTool() {
    this.tool = this.tool === "window" ? "pan" : "window";
    this.lent = false;
    this.onChange();
  }

  /** @param {Action} name counted @param {() => void} work changes which panels are shown */
  turn(name, work) {
    if (!this.loaded) return;
    if (this.state.field === "whole") this.leaveWhole();
    this.onAction(name);
    work();
    this.rearrange();
    this.redraw();
    this.onChange();
  }

  /** Enlarge a panel, or go back to what was shown. @param {number} [index] */
  enlarge(index = this.shown.one ?? this.pointed) {
    this.turn("enlarge", () => { this.shown.one = this.shown.one === index ? null : index; });
  }

  /** The page rearranges under the pointer: the second half of a double click must hit neither panel nor score. */
  shield() {
    this.room.toggleAttribute("data-settling", true);
    setTimeout(() => this.room.toggleAttribute("data-settling", false), SETTLING_MS);
  }

  /** The next panel, when one is enlarged; else the first. */
  nextPanel() {
    const { one, total } = this.shown;
    this.turn("enlarge", () => { this.shown.one = one === null ? 0 : (one + 1) % total; });
  }

  /** The radiograph and one explanation, side by side. */
  togglePair() { if (this.canPair) this.turn("pair", () => this.shown.togglePair()); }

  nextExplanation() { if (this.canPair) this.turn("next_explanation", () => this.shown.nextExplanation()); }

  get canPair() {
    return this.shown.explanations.length > 0;
  }

  toggleLoupe() {
    if (!this.loaded) return;
    this.loupe.on = !this.loupe.on;
    if (!this.loupe.on) this.loupe.clear();
    this.change(() => {}, "loupe");
  }

  /** @param {number} u @param {number} v in fractions of a panel */
  moveLoupe(u, v) {
    if (!this.loupe.on) return;
    this.loupe.moveTo(u, v);
    this.redraw();
  }

  /** Fold the toolbar away or unfold it; until then it does what serves the pictures. */
  fold() {
    this.layout.fold = !this.layout.folded;
    this.rearrange();
    this.redraw();
    this.onChange();
  }

  /** Whether there is more to the radiograph than the model's field of view. */
  get hasWhole() {
    if (!this.loaded) return false;
    const { image, crop } = this.loaded.assignment.case;
    return crop.x > 0.5 || crop.y > 0.5 || crop.x + crop.size < image.width - 0.5
      || crop.y + crop.size < image.height - 0.5;
  }

  toggleWhole() {
    if (!this.hasWhole) return;
    this.onAction("whole");
    if (this.state.field === "whole") {
      this.leaveWhole();
      this.shown.one = null;
    } else {
      this.keptView = { zoom: this.state.zoom, x: this.state.x, y: this.state.y };
      Object.assign(this.state, { field: "whole", zoom: 1, x: 0, y: 0 });
      this.shown.one = this.shown.input;
    }
    this.rearrange();
    this.redraw();
    this.onChange();
  }

  leaveWhole() {
    Object.assign(this.state, { field: "crop" }, this.keptView);
  }

  /** @returns {boolean} whether there was something to close */
  closeEnlarged() {
    if (this.shown.one !== null) {
      if (this.state.field === "whole") this.toggleWhole();
      else this.enlarge(this.shown.one);
    } else if (this.shown.paired) this.togglePair();
    else return false;
    return true;
  }

  /** Put the panels that are to be seen where they belong. */
  rearrange() {
    const { shown, room } = this;
    const { indices, explanations } = shown;
    const whole = this.state.field === "whole";
    room.dataset.view = shown.name;
    this.panels.forEach((panel, i) => {
      panel.element.hidden = !indices.includes(i);
      const place = shown.paired && i !== shown.input && explanations.length > 1
        ? ` (${shown.at + 1} of ${explanations.length})` : "";
      panel.title.textContent = whole ? "Whole radiograph (box: what the model sees)" : panel.facts.title + place;
      panel.controls.querySelector("[data-action=whole]")?.setAttribute("aria-pressed", String(whole));
      panel.links.querySelector("[aria-pressed]")?.setAttribute("aria-pressed", String(i === shown.one));
      const next = /** @type {HTMLElement|null} */ (panel.links.querySelector("[data-action=nextExplanation]"));
      if (next) next.hidden = !place;
    });
    this.layout.arrange(shown.room(this.columns), shown.name === "pair");
  }

  /** @returns {import("./animation.js").Animation[]} */
  get animations() {
    return this.panels.flatMap(({ animation }) => animation ?? []);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    this.animations.forEach((animation) => animation.setSpeed(speed));
  }

  /** What the reader sees of an example at first, for the record. */
  get settings() {
    const { overlay, opacity, window, offset } = this.state;
    return { overlay, opacity, window: { ...window }, window_offset: { ...offset }, animation_speed: this.speed };
  }

  /** @param {"toggle"|"toZero"} method */
  animate(method) { this.animations.forEach((animation) => animation[method]()); }

  /** @param {number} by */
  stepBy(by) { this.animations.forEach((animation) => animation.stepBy(by)); }

  /** @returns {number} whole loops watched in this example */
  get loops() {
    return Math.max(0, ...this.animations.map((animation) => animation.loops));
  }

  /** @returns {number} side of the panels on the screen, in CSS pixels */
  get panelPx() {
    const shown = this.panels[this.shown.indices[0]];
    return Math.round(shown?.canvas.getBoundingClientRect().width ?? 0);
  }

  redraw() {
    if (this.request || !this.loaded) return;
    this.request = requestAnimationFrame(() => { this.request = 0; this.draw(); });
  }

  draw() {
    if (!this.loaded) return;
    const { levels, assignment } = this.loaded;
    const visible = this.state.visible(levels[0], assignment.case.crop);
    const shown = this.shown.indices.map((index) => this.panels[index]);
    const side = Math.max(1, ...shown.map((panel) => panel.fit()));
    this.painter.paint(levels, this.state.window, visible, side);
    const { state, painter: { base, frameLut } } = this;
    const sight = { base, visible, state, frameLut, part: { x: 0, y: 0, size: 1 } };
    shown.forEach((panel) => panel.draw(sight));
    this.loupe.draw(shown, visible, levels, this.state);
  }
}
