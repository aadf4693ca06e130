/** One opening of one example: what was shown, for how long, and what the reader did. It travels through the outbox. */
import { uuid } from "./dom.js";
import { Stopwatch } from "./timing.js";

export class Visit {
  /**
   * @param {import("./outbox.js").Outbox} outbox @param {number} position @param {number} read
   * @param {number} idleAfterMs
   */
  constructor(outbox, position, read, idleAfterMs) {
    this.id = uuid();
    this.outbox = outbox;
    this.position = position;
    this.read = read;
    this.openedAt = new Date().toISOString();
    this.watch = new Stopwatch(idleAfterMs);
    /** @type {import("./api_types.js").NewVisit|null} what the server is told of the opening */
    this.opened = null;
    /** @type {import("./api_types.js").ViewerActions} */
    this.actions = {};
    /** @type {number|null} */
    this.imagesReadyMs = null;
    /** @type {number|null} */
    this.firstInputMs = null;
    /** @type {number|null} the last answer */
    this.answeredMs = null;
    this.loops = 0;
    /** @type {string|undefined} only once changed in this visit */
    this.comment = undefined;
  }

  /** @param {import("./types.js").Action} name */
  count(name) {
    this.actions[name] = (this.actions[name] ?? 0) + 1;
    this.input();
  }

  /** The reader did something. */
  input() {
    this.firstInputMs ??= this.watch.elapsedMs;
  }

  /**
   * Tell the server what was opened; before any answer of this visit.
   * @param {string} token @param {object} display @param {import("./types.js").FileFacts[]} files
   * @param {string[]} [failed] titles of images that could not be shown
   */
  announce(token, display, files, failed = []) {
    this.opened = {
      id: this.id, position: this.position, read: this.read, visit_token: token, client_opened_at: this.openedAt,
      images_ready_ms: this.imagesReadyMs, display, files, failed_files: failed,
    };
    return this.pastAFullDisk(this.outbox.add({
      kind: "visit", key: `opened:${this.id}`, path: "visits/", position: this.position, body: this.opened,
    }));
  }

  /** @returns {import("./api_types.js").VisitMeasures} */
  measures() {
    const { visibleMs, idleMs } = this.watch.times();
    return {
      visible_ms: visibleMs, idle_ms: idleMs,
      images_ready_ms: this.imagesReadyMs, first_input_ms: this.firstInputMs, answered_ms: this.answeredMs,
      animation_loops: this.loops, actions: { ...this.actions },
      ...(this.comment === undefined ? {} : { comment: this.comment }),
    };
  }

  /** Opening and measures in one request, for a page that is going away. */
  lastWords() {
    return this.opened && { path: "visits/", body: { ...this.opened, ...this.measures() } };
  }

  /** Bring the server's record of this visit up to date. */
  update() {
    return this.pastAFullDisk(this.outbox.add({
      kind: "visit-update", key: `visit:${this.id}`, path: `visits/${this.id}/`, position: this.position,
      body: this.measures(),
    }));
  }

  /**
   * A full disk costs no times, and no answers, which the server takes only of a visit that it knows: opening and times
   * go without having been there.
   * @param {Promise<void>} added
   */
  pastAFullDisk(added) {
    return added.catch(() => this.outbox.lastWords(this.lastWords()));
  }

  /**
   * @param {string} question @param {number} score
   * @param {boolean} held until the reader goes on, in studies where an answer given is final
   */
  answer(question, score, held) {
    const id = uuid();
    const { elapsedMs, visibleMs } = this.watch.times();
    this.answeredMs = elapsedMs;
    return this.outbox.add({
      kind: "response", key: held ? `held:${this.position}:${question}` : id, path: `responses/${id}/`,
      position: this.position, held,
      body: {
        visit: this.id, position: this.position, read: this.read, question, score,
        client_answered_at: new Date().toISOString(), answered_ms: elapsedMs, visible_ms: visibleMs,
      },
    });
  }

  close() {
    this.watch.stop();
    return this.update();
  }
}
