/** How long the reader looked: only while the page is visible and nothing (a password prompt) covers it. */

const INPUTS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"];

export class Stopwatch {
  /** @param {number} [idleAfterMs] visible time without input beyond this is idle: the reader is on the telephone */
  constructor(idleAfterMs = Infinity) {
    this.idleAfterMs = idleAfterMs;
    this.idle = 0;
    this.atInput = 0; // visible time at the last input
    this.onInput = (/** @type {any} */ event) => {
      if (event.type !== "pointermove" || event.movementX || event.movementY) this.input();
    };
    for (const name of INPUTS) document.addEventListener(name, this.onInput, { capture: true, passive: true });
    this.started = performance.now();
    this.held = 0; // how long it stood still, up to the last go
    /** @type {Set<string>} reasons for standing still */
    this.holds = new Set(document.hidden ? ["hidden"] : []);
    this.heldSince = this.started;
    this.onVisibility = () => (document.hidden ? this.hold("hidden") : this.go("hidden"));
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  /** @param {string} reason */
  hold(reason) {
    if (!this.holds.size) this.heldSince = performance.now();
    this.holds.add(reason);
  }

  /** @param {string} reason */
  go(reason) {
    if (!this.holds.delete(reason) || this.holds.size) return;
    this.held += performance.now() - this.heldSince;
    this.input(); // whoever comes back has done something
  }

  input() {
    const { idleMs, visibleMs } = this.times();
    this.idle = idleMs;
    this.atInput = visibleMs;
  }

  /** All of one moment: of two looks at the clock the later could make the visible time longer than the elapsed. */
  times() {
    const now = performance.now();
    const visibleMs = Math.round((this.holds.size ? this.heldSince : now) - this.started - this.held);
    return {
      elapsedMs: Math.round(now - this.started),
      visibleMs,
      idleMs: this.idle + Math.max(0, visibleMs - this.atInput - this.idleAfterMs), // of the visible time
    };
  }

  /** Whether nobody seems to be there. */
  get isIdle() {
    return this.visibleMs - this.atInput > this.idleAfterMs;
  }

  get idleMs() {
    return this.times().idleMs;
  }

  get visibleMs() {
    return this.times().visibleMs;
  }

  get elapsedMs() {
    return this.times().elapsedMs;
  }

  stop() {
    this.hold("stopped");
    document.removeEventListener("visibilitychange", this.onVisibility);
    for (const name of INPUTS) document.removeEventListener(name, this.onInput, { capture: true });
  }
}

/** "about 1 h 50 left": honest only after some examples, so null before. */
export class Pace {
  /** @param {number|null|undefined} known seconds per example from earlier sittings */
  constructor(known) {
    this.known = known ?? null;
    /** @type {Map<number, number>} by position, over all visits of this sitting */
    this.seconds = new Map();
  }

  /** @param {number} position @param {Stopwatch} watch */
  add(position, { visibleMs, idleMs }) {
    this.seconds.set(position, (this.seconds.get(position) ?? 0) + (visibleMs - idleMs) / 1000);
  }

  /** @param {number} examplesLeft @returns {string|null} */
  left(examplesLeft) {
    if (this.seconds.size < 5 && this.known === null) return null;
    const sorted = [...this.seconds.values()].slice(-40).sort((a, b) => a - b);
    const each = sorted.length >= 5 ? sorted[Math.floor(sorted.length / 2)] : Number(this.known);
    const minutes = (each * examplesLeft) / 60;
    if (minutes < 2) return "about a minute left";
    if (minutes < 60) return `about ${Math.round(minutes)} min left`;
    const rounded = 10 * Math.round(minutes / 10);
    return `about ${Math.floor(rounded / 60)} h ${rounded % 60 ? `${rounded % 60} ` : ""}left`;
  }
}
