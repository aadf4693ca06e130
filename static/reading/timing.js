/** How long the reader looked: only while the page is visible and nothing (a password prompt) covers it. */

export class Stopwatch {
  constructor() {
    this.started = performance.now();
    this.total = 0;
    /** @type {Set<string>} reasons for standing still */
    this.holds = new Set(document.hidden ? ["hidden"] : []);
    this.since = this.started;
    this.onVisibility = () => (document.hidden ? this.hold("hidden") : this.go("hidden"));
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  /** @param {string} reason */
  hold(reason) {
    if (!this.holds.size) this.total += performance.now() - this.since;
    this.holds.add(reason);
  }

  /** @param {string} reason */
  go(reason) {
    if (this.holds.delete(reason) && !this.holds.size) this.since = performance.now();
  }

  get visibleMs() {
    return Math.round(this.total + (this.holds.size ? 0 : performance.now() - this.since));
  }

  get elapsedMs() {
    return Math.round(performance.now() - this.started);
  }

  stop() {
    this.hold("stopped");
    document.removeEventListener("visibilitychange", this.onVisibility);
  }
}

/** "about 1 h 50 left": honest only after some examples, so null before. */
export class Pace {
  /** @param {number|null|undefined} known seconds per example from earlier sittings */
  constructor(known) {
    this.known = known ?? null;
    /** @type {number[]} */
    this.seconds = [];
  }

  /** @param {number} visibleMs */
  add(visibleMs) {
    this.seconds.push(visibleMs / 1000);
  }

  /** @param {number} examplesLeft @returns {string|null} */
  left(examplesLeft) {
    if (this.seconds.length < 5 && this.known === null) return null;
    const sorted = this.seconds.slice(-40).sort((a, b) => a - b);
    const each = sorted.length >= 5 ? sorted[Math.floor(sorted.length / 2)] : Number(this.known);
    const minutes = (each * examplesLeft) / 60;
    if (minutes < 2) return "about a minute left";
    if (minutes < 60) return `about ${Math.round(minutes)} min left`;
    const rounded = 10 * Math.round(minutes / 10);
    return `about ${Math.floor(rounded / 60)} h ${rounded % 60 ? `${rounded % 60} ` : ""}left`;
  }
}
