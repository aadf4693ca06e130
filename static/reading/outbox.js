/**
 * Answers on their way to the server. Each is written to IndexedDB before anything else, keeps the id the browser gave
 * it, and leaves only when the server has acknowledged it, so a killed browser or a cut network loses nothing and a
 * repeated request stores nothing twice. Entries belong to one reader of one study; another reader who logs in on the
 * same workstation never sends them.
 *
 * @typedef {{kind: "response", body: import("./api_types.js").NewAnswer}
 *   | {kind: "visit", body: import("./api_types.js").NewVisit}
 *   | {kind: "visit-update", body: import("./api_types.js").VisitMeasures}} Content
 * @typedef {object} Envelope
 * @property {number} [seq] order of sending
 * @property {string} key an unsent entry with the same key is replaced (visit updates), so keys of answers are unique
 * @property {string} path
 * @property {number} position
 * @property {boolean} [held] kept but not sent before release(): answers that become final when the reader goes on
 *   (they survive a killed browser too, and are shown again)
 * @property {string} [refused] the server's sentence, when it will not take this entry in this sitting
 * @typedef {Envelope & Content & {owner: string, method: "POST"|"PUT"}} Entry
 */
import { Disk, flaw, METHODS } from "./disk.js";
import { Foreign, isPassing, Problem } from "./api.js";

const RETRY_MS = [1000, 2000, 4000]; // the reader should not wait for "Saved" once the network is back
const MOST_LAST_WORDS = 12; // browsers let 64 KiB outlive a page

/**
 * Emits "change" (counts may differ), "acknowledged" (detail: {entry, reply}), "refused" (detail: {entry}: kept, never
 * sent again in this sitting) and "stopped" (detail: {problem}: nothing of this read is taken any more; all is kept).
 */
export class Outbox extends EventTarget {
  /** @param {Disk} disk @param {string} owner @param {import("./api.js").Api} api */
  constructor(disk, owner, api) {
    super();
    this.disk = disk;
    this.owner = owner;
    this.api = api;
    /** @type {Entry[]} this owner's entries, oldest first: a copy of what is on disk */
    this.entries = [];
    /** @type {Set<Entry>} not on the disk yet */
    this.coming = new Set();
    /** @type {string[]} what is wrong with rows that cannot be sent; they stay on the disk as they are */
    this.aside = [];
    this.failures = 0;
    this.trouble = "";
    /** What earlier sittings left is refused one by one; in a sitting, the read ends with the first such refusal. */
    this.opening = true;
    this.stopped = false;
    /** @type {number|undefined} */
    this.inFlight = undefined;
    /** @type {Promise<void>|null} */
    this.sending = null;
    this.timer = 0;
    /** @type {Promise<void>} */
    this.adding = Promise.resolve();
    disk.held = () => this.entries;
  }

  /** @param {Disk} disk @param {string} owner @param {import("./api.js").Api} api */
  static async open(disk, owner, api) {
    const outbox = new Outbox(disk, owner, api);
    for (const row of await disk.all()) {
      if (typeof row?.owner === "string" && row.owner !== owner) continue; // another reader's
      const wrong = row?.owner === owner ? flaw(row) : "no owner";
      if (wrong) outbox.aside.push(wrong);
      else outbox.entries.push(row);
    }
    // What was refused gets another try in each sitting: the cause (a study closed by mistake) may be gone.
    for (const entry of outbox.entries) delete entry.refused;
    return outbox;
  }

  /** @returns {Entry[]} answers and comments the server has not acknowledged */
  get unsent() {
    return this.entries.filter((entry) => entry.kind === "response" || "comment" in entry.body);
  }

  get waiting() {
    return this.failures > 0;
  }

  /**
   * Resolves when the entry is on disk; sending starts by itself.
   * @param {Envelope & Content} entry
   */
  add(entry) {
    /** @type {Entry} */
    const kept = { ...entry, owner: this.owner, method: METHODS[entry.kind] };
    this.coming.add(kept); // at once: the page may be going away
    // One after the other, or two entries of one key written at once would both stay.
    this.adding = this.adding.catch(() => {}).then(() => this.addNow(kept));
    return this.adding;
  }

  /** @param {Entry} kept */
  async addNow(kept) {
    const replaced = this.entries.filter((old) => old.key === kept.key && old.seq !== this.inFlight);
    try {
      kept.seq = await this.disk.write((store) => {
        replaced.forEach((old) => store.delete(/** @type {number} */ (old.seq)));
        return store.add(kept);
      });
    } finally {
      this.coming.delete(kept);
    }
    this.entries = [...this.entries.filter((old) => !replaced.includes(old)), kept];
    this.changed();
    void this.flush();
  }

  /** Let the held answers of an example go. @param {number} position */
  async release(position) {
    const held = this.entries.filter((entry) => entry.held && entry.position === position);
    if (!held.length) return;
    await this.disk.write((store) => held.map((entry) => store.put({ ...entry, held: false })).at(-1));
    for (const entry of held) entry.held = false;
    void this.flush();
  }

  /**
   * What the reader has entered for an example and the server may not know yet.
   * @param {number} position
   * @returns {{answers: Object<string, number>, comment?: string}}
   */
  pending(position) {
    /** @type {{answers: Object<string, number>, comment?: string}} */
    const found = { answers: {} };
    for (const entry of this.entries) {
      if (entry.position !== position || entry.refused) continue;
      if (entry.kind === "response") found.answers[entry.body.question] = entry.body.score;
      else if (typeof entry.body.comment === "string") found.comment = entry.body.comment;
    }
    return found;
  }

  /** Send what can be sent, oldest first. Resolves when nothing is left to try now. @returns {Promise<void>} */
  flush() {
    clearTimeout(this.timer);
    this.sending ??= this.sendAll().finally(() => { this.sending = null; });
    return this.sending;
  }

  async sendAll() {
    for (;;) {
      const entry = this.entries.find((candidate) => !candidate.held && !candidate.refused);
      if (!entry || this.stopped) return;
      try {
        this.inFlight = entry.seq;
        const reply = await this.api.json(entry.method, entry.path, entry.body, { keepalive: true });
        // Only the server's own words count: an entry is gone once it is acknowledged.
        if (typeof reply?.saved_at !== "string") throw new Foreign("an answer without a time of saving");
        await this.remove(entry);
        this.failures = 0;
        this.dispatchEvent(new CustomEvent("acknowledged", { detail: { entry, reply } }));
      } catch (error) {
        if (!await this.goOnAfter(entry, error)) return;
      } finally {
        this.inFlight = undefined;
        this.changed();
      }
    }
  }

  /** @param {Entry} entry @param {any} error @returns {Promise<boolean>} whether to send the next one */
  async goOnAfter(entry, error) {
    if (isPassing(error) || error instanceof DOMException) {
      this.trouble = error.message;
      this.retryLater();
      return false;
    }
    if (error instanceof Problem && error.stops && (!this.opening || error.code === "wrong_reader")) {
      this.stop();
      this.dispatchEvent(new CustomEvent("stopped", { detail: { problem: error } }));
      return false;
    }
    entry.refused = error.message;
    this.dispatchEvent(new CustomEvent("refused", { detail: { entry } }));
    return true;
  }

  retryLater() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.flush(), RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  /** Everything on the disk, and sent where that can be done now. */
  async settle() {
    await this.adding.catch(() => {});
    await this.flush();
  }

  /**
   * The page may be gone before the disk answers: send now, whatever the order of arrival. The copies on the disk stay;
   * the server knows both by their ids. Of a question's answers only the oldest goes, or it would come back as the last.
   * @param {{path: string, body: import("./api_types.js").NewVisit}|null} visit
   */
  lastWords(visit) {
    if (this.stopped) return;
    /** @type {Map<string, Entry>} */
    const oldest = new Map();
    for (const entry of [...this.entries, ...this.coming]) {
      if (entry.kind !== "response") continue;
      const question = `${entry.position} ${entry.body.question}`;
      if (!oldest.has(question)) oldest.set(question, entry);
    }
    const answers = [...oldest.values()].filter((entry) => !entry.held && !entry.refused
      && (entry.seq === undefined || entry.seq !== this.inFlight));
    for (const { method, path, body } of [...(visit ? [{ ...visit, method: METHODS.visit }] : []), ...answers].slice(0, MOST_LAST_WORDS)) {
      void this.api.json(method, path, body, { keepalive: true, tryLogIn: false }).catch(() => {}); // kept on the disk
    }
  }

  /** Another request got through: the network is back, whatever the browser says. */
  networkWorks() {
    if (this.waiting && !this.sending && !this.stopped) void this.flush();
  }

  /** Reading has ended here; the next sitting, or another tab, finds the entries on the disk. */
  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    void this.adding.catch(() => {}).then(() => this.disk.close());
  }

  /** @param {Entry} entry */
  async remove(entry) {
    await this.disk.write((store) => store.delete(/** @type {number} */ (entry.seq)));
    this.entries = this.entries.filter((other) => other.seq !== entry.seq);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
