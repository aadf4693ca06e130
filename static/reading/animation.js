/** The latent-shift animation: plays there and back, pauses, steps from less to more; controls stand under the picture. */
import { make } from "./dom.js";

/** @param {number} count @returns {number[]} there and back without doubled end frames: 2N - 2 */
export function boomerang(count) {
  const there = Array.from({ length: count }, (_, i) => i);
  return [...there, ...there.slice(1, -1).reverse()];
}

/** Times as fast as rendered. */
const SPEEDS = [0.5, 1, 2];

export class Animation {
  /**
   * @param {import("./types.js").PanelFacts} panel
   * @param {{onFrame: () => void, onAction: (name: import("./types.js").Action) => void,
   *   onSpeed: (speed: number) => void, speed: number, paused: boolean}} options
   */
  constructor(panel, { onFrame, onAction, onSpeed, speed, paused }) {
    this.panel = panel;
    this.onSpeed = onSpeed;
    this.speed = speed;
    this.onFrame = onFrame;
    this.onAction = onAction;
    this.order = boomerang(panel.frames ?? 1);
    this.step = 0;
    this.shown = 0; // steps played, for counting loops
    this.timer = 0;
    const { frames = 1, title } = panel;
    this.playButton = make("button", { type: "button", class: "icon", on: { click: () => this.toggle() } });
    this.slider = make("input", { type: "range", min: 0, max: frames - 1, step: 1, "aria-label": `${title}: frame`,
      on: { input: () => this.slid() } });
    // Its room is kept while it is empty.
    this.readout = make("output", {
      class: "frame-readout", "data-wide": Boolean(panel.frame_predictions), "aria-live": "polite" });
    this.speedButton = make("button", {
      type: "button", class: "speed", title: "Speed (F)", on: { click: () => this.nextSpeed() } });
    this.reflectSpeed();
    this.controls = this.build();
    this.show(paused ? panel.unchanged_frame ?? 0 : 0);
    if (!paused) this.play(false);
    else this.reflectPlaying();
  }

  /** @returns {number} */
  get frame() {
    return this.order[this.step];
  }

  /** @returns {string} on the scale from less to more of the finding; its numbers are never sent */
  get place() {
    const { unchanged_frame: unchanged, frames } = this.panel;
    if (unchanged === null || unchanged === undefined) return `${this.frame + 1} of ${frames}`;
    return this.frame === unchanged ? "unchanged" : this.frame < unchanged ? "less" : "more";
  }

  get playing() {
    return this.timer !== 0;
  }

  get loops() {
    return Math.floor(this.shown / this.order.length);
  }

  build() {
    const { frames = 1, unchanged_frame: unchanged, title } = this.panel;
    const tick = make("span", { class: "tick", title: "unchanged", "aria-hidden": true });
    tick.hidden = (unchanged ?? null) === null;
    // The thumb's centre travels from half a thumb to half a thumb before the end (--thumb in reading.css).
    tick.style.setProperty("--at", String(frames > 1 ? (unchanged ?? 0) / (frames - 1) : 0));
    const stepButton = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {number} */ by) => make(
      "button",
      { type: "button", class: "icon step", "aria-label": label, text: sign, on: { click: () => this.stepBy(by) } });
    const end = (/** @type {string} */ text, /** @type {string} */ sign) => (
      make("span", { class: "walk-end", "aria-hidden": true, "data-sign": sign, text }));
    return make("div", { class: "animation", role: "group", "aria-label": `${title}: playback` },
      this.playButton, this.speedButton, stepButton("Frame before", "❙◀", -1),
      end("less", "−"), make("span", { class: "track" }, this.slider, tick), end("more", "+"),
      stepButton("Next frame", "▶❙", 1), this.readout);
  }

  /** The reader has moved the slider. */
  slid() {
    const frame = Number(this.slider.value); // pausing brings the slider up to date
    this.pause(false);
    this.show(frame);
    this.onAction("step");
  }

  /** @param {number} frame */
  show(frame) {
    this.step = this.order.indexOf(frame);
    this.reflectFrame();
  }

  reflectFrame() {
    const { frame } = this;
    const { frames, frame_predictions: predictions } = this.panel;
    const prediction = predictions ? `, ${Math.round(100 * predictions[frame])} %` : "";
    this.slider.value = String(frame);
    // Nothing can be read off, or listened to, ten times a second: it is said when the animation stands.
    if (!this.playing) {
      this.slider.setAttribute("aria-valuetext", `Frame ${frame + 1} of ${frames}, ${this.place}${prediction}`);
    }
    this.readout.textContent = this.playing ? "" : this.place + prediction;
    this.onFrame();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play(count = true) {
    if (count) this.onAction("play");
    const { frame_ms: rendered } = this.panel; // comes with the frames
    if (this.playing || this.order.length < 2 || !rendered) return;
    const advance = () => {
      if (!document.hidden && !document.querySelector("dialog[open]")) { // behind a dialog nobody looks at it
        this.step = (this.step + 1) % this.order.length;
        this.shown += 1;
        this.reflectFrame();
      }
    };
    this.timer = window.setInterval(advance, rendered / this.speed);
    this.reflectPlaying();
  }

  /** Slower, as rendered, faster, and again; all animations together. */
  nextSpeed() {
    this.onAction("speed");
    this.onSpeed(SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length]);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    this.reflectSpeed();
    if (!this.playing) return;
    this.close();
    this.play(false);
  }

  reflectSpeed() {
    const name = this.speed === 0.5 ? "½" : String(this.speed);
    this.speedButton.textContent = `${name}×`;
    this.speedButton.setAttribute("aria-label", `Speed of the animation: ${name} times`);
  }

  pause(count = true) {
    if (count) this.onAction("pause");
    clearInterval(this.timer);
    this.timer = 0;
    this.reflectPlaying();
  }

  /** From less to more, not through the playing order: the end frames are ends. @param {number} by */
  stepBy(by) {
    if (this.playing) this.pause(false);
    this.onAction("step");
    this.show(Math.min((this.panel.frames ?? 1) - 1, Math.max(0, this.frame + by)));
  }

  toZero() {
    if (this.playing) this.pause(false);
    this.onAction("step");
    this.show(this.panel.unchanged_frame ?? 0);
  }

  reflectPlaying() {
    this.playButton.textContent = this.playing ? "❚❚" : "▶";
    this.playButton.setAttribute("aria-label", this.playing ? "Pause the animation" : "Play the animation");
    this.playButton.title = `${this.playing ? "Pause" : "Play"} (A)`;
    this.reflectFrame();
  }

  close() {
    clearInterval(this.timer);
    this.timer = 0;
  }
}
