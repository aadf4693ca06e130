/**
 * Answers on their way to the server. Each is written to IndexedDB before anything else, keeps the id the browser gave
 * it, and leaves only when the server has acknowledged it, so a killed browser or a cut network loses nothing and a
 * repeated request stores nothing twice. Entries belong to one reader of one study; another reader who logs in on the
 * same workstation never sends them.
 *
 * @typedef {object} Entry
 * @property {number} [seq] order of sending
 * @property {string} owner
 * @property {"response"|"visit"|"visit-update"} kind
 * @property {string} key an unsent entry with the same key is replaced (visit updates), so keys of answers are unique
 * @property {"POST"|"PUT"} method
 * @property {string} path
 * @property {any} body
 * @property {number} position
 * @property {boolean} [held] kept but not sent before release(): answers that become final when the reader goes on
 *   (they survive a killed browser too, and are shown again)
 * @property {string} [refused] the server's sentence, when it will never take this entry
 */
import { isPassing, Problem } from "./api.js";

const DATABASE = "reading-room";
const STORE = "outbox";
const RETRY_MS = [1000, 2000, 4000]; // the reader should not wait for "Saved" once the network is back

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(STORE, { keyPath: "seq", autoIncrement: true });
      store.createIndex("owner", "owner");
    };
    // Left open when another page wants to delete it: that waits until reading here has ended.
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Emits "change" (counts may differ), "acknowledged" (detail: {entry, reply}), "refused" (detail: {entry}: kept, never
 * sent again) and "wrong-reader" (another reader has logged in meanwhile; nothing more is sent).
 */
export class Outbox extends EventTarget {
  /** @param {IDBDatabase} database @param {string} owner @param {import("./api.js").Api} api */
  constructor(database, owner, api) {
    super();
    this.database = database;
    this.owner = owner;
    this.api = api;
    /** @type {Entry[]} this owner's entries, oldest first: a copy of what is on disk */
    this.entries = [];
    this.failures = 0;
    this.stopped = false;
    /** @type {number|undefined} */
    this.inFlight = undefined;
    /** @type {Promise<void>|null} */
    this.sending = null;
    this.timer = 0;
    /** @type {Promise<void>} */
    this.adding = Promise.resolve();
  }

  /** @param {string} owner @param {import("./api.js").Api} api */
  static async open(owner, api) {
    const outbox = new Outbox(await openDatabase(), owner, api);
    outbox.entries = await outbox.transact("readonly", (store) => store.index("owner").getAll(owner));
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
   * @param {Omit<Entry, "owner">} entry
   */
  add(entry) {
    // One after the other, or two entries of one key written at once would both stay.
    this.adding = this.adding.catch(() => {}).then(() => this.addNow(entry));
    return this.adding;
  }

  /** @param {Omit<Entry, "owner">} entry */
  async addNow(entry) {
    /** @type {Entry} */
    const kept = { ...entry, owner: this.owner };
    const replaced = this.entries.filter((old) => old.key === kept.key && old.seq !== this.inFlight);
    kept.seq = await this.transact("readwrite", (store) => {
      replaced.forEach((old) => store.delete(/** @type {number} */ (old.seq)));
      return store.add(kept);
    });
    this.entries = [...this.entries.filter((old) => !replaced.includes(old)), kept];
    this.changed();
    void this.flush();
  }

  /** Let the held answers of an example go. @param {number} position */
  async release(position) {
    const held = this.entries.filter((entry) => entry.held && entry.position === position);
    for (const entry of held) entry.held = false;
    if (!held.length) return;
    await this.transact("readwrite", (store) => held.map((entry) => store.put(entry)).at(-1));
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
    for (const { kind, body, position: at, refused } of this.entries) {
      if (at !== position || refused) continue;
      if (kind === "response") found.answers[body.question] = body.score;
      else if (typeof body.comment === "string") found.comment = body.comment;
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
        this.failures = 0;
        await this.remove(entry);
        this.dispatchEvent(new CustomEvent("acknowledged", { detail: { entry, reply } }));
      } catch (error) {
        if (error instanceof Problem && error.code === "wrong_reader") {
          this.stop();
          this.dispatchEvent(new Event("wrong-reader"));
          return;
        }
        if (!(error instanceof Problem) || isPassing(error)) {
          this.retryLater();
          return;
        }
        entry.refused = error.message;
        await this.transact("readwrite", (store) => store.put(entry));
        this.dispatchEvent(new CustomEvent("refused", { detail: { entry } }));
      } finally {
        this.inFlight = undefined;
        this.changed();
      }
    }
  }

  retryLater() {
    this.timer = window.setTimeout(() => void this.flush(), RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
  }

  /** Another request got through: the network is back, whatever the browser says. */
  networkWorks() {
    if (this.waiting && !this.sending && !this.stopped) void this.flush();
  }

  /** Another tab has taken over; it finds the entries on disk. */
  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** @param {Entry} entry */
  async remove(entry) {
    await this.transact("readwrite", (store) => store.delete(/** @type {number} */ (entry.seq)));
    this.entries = this.entries.filter((other) => other.seq !== entry.seq);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>|undefined} work
   * @returns {Promise<any>} the request's result, once the transaction is complete on disk
   */
  transact(mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

/**
 * Workstations are shared: when nothing is unsent, leave no trace. Called when a read is finished and at log-out.
 * Close an open outbox's database first.
 * @returns {Promise<number>} entries kept because they are not sent yet
 */
export async function forgetIfAllSent() {
  const database = await openDatabase();
  const left = await new Promise((resolve, reject) => {
    const request = database.transaction(STORE).objectStore(STORE).count();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  database.close();
  if (left === 0) indexedDB.deleteDatabase(DATABASE);
  return left;
}
