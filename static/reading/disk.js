/**
 * The outbox on this computer's disk (IndexedDB). Rows are added, and removed one by one when the server has them; the
 * database itself is never deleted. Pages of earlier versions do delete it: what this page holds is then written again.
 */
const DATABASE = "reading-room";
const STORE = "outbox";
const SLOWEST_MS = 10_000;
/** How each kind of entry is sent. */
export const METHODS = /** @type {const} */ ({ response: "PUT", visit: "POST", "visit-update": "PUT" });

/** @param {number} [version] left out: the one that is there. @returns {Promise<IDBDatabase>} */
function openDatabase(version) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, version);
    request.onupgradeneeded = () => {
      if (request.result.objectStoreNames.contains(STORE)) return;
      const store = request.result.createObjectStore(STORE, { keyPath: "seq", autoIncrement: true });
      store.createIndex("owner", "owner"); // pages of earlier versions look by it
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      if (database.objectStoreNames.contains(STORE)) {
        resolve(database);
        return;
      }
      database.close(); // made by something else, empty
      openDatabase(database.version + 1).then(resolve, reject);
    };
  });
}

export class Disk {
  constructor() {
    /** @type {Promise<IDBDatabase>|null} */
    this.opening = null;
    this.closed = false;
    /** @type {() => object[]} the rows that must be there */
    this.held = () => [];
  }

  /** Waits as long as another page is deleting the database and a third one keeps it open. */
  connect() {
    if (!this.opening) {
      const opening = openDatabase();
      this.opening = opening;
      opening.then((database) => {
        // Whoever wants to delete or upgrade need not wait for this page; it comes back with its rows.
        database.onversionchange = database.onclose = () => {
          this.disconnect();
          if (!this.closed) void this.write((store) => { this.held().forEach((row) => store.put(row)); }).catch(() => {});
        };
      }, () => { this.opening = null; });
    }
    return this.opening;
  }

  disconnect() {
    void this.opening?.then((database) => database.close(), () => {}); // waits for what is being written
    this.opening = null;
  }

  /** Reading has ended here. */
  close() {
    this.closed = true;
    this.disconnect();
  }

  /** @param {(store: IDBObjectStore) => IDBRequest|void} work @returns {Promise<any>} once it is on the disk */
  write(work) {
    return this.transact("readwrite", work);
  }

  /** @returns {Promise<any[]>} every row, whoever's */
  all() {
    return this.transact("readonly", (store) => store.getAll());
  }

  /**
   * All of it or nothing. Rejects when the disk does not answer in time, or does not take it.
   * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest|void} work
   * @returns {Promise<any>} the request's result
   */
  async transact(mode, work) {
    /** @type {IDBTransaction|undefined} */
    let transaction;
    let timer = 0;
    const late = new Promise((_, reject) => {
      timer = window.setTimeout(() => reject(new DOMException("the disk does not answer", "TimeoutError")), SLOWEST_MS);
    });
    const done = this.connect().then((database) => new Promise((resolve, reject) => {
      transaction = database.transaction(STORE, mode, { durability: "strict" });
      // Not on `onerror`, which comes before the transaction knows its error.
      transaction.onabort = () => reject(transaction?.error ?? new DOMException("the disk gave up", "AbortError"));
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
    }));
    try {
      return await Promise.race([done, late]);
    } catch (error) {
      try { transaction?.abort(); } catch { /* it had ended */ }
      done.catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
      if (this.closed) this.disconnect();
    }
  }
}

/**
 * What is wrong with a row that should be an entry of the outbox.
 * @param {any} row @returns {string} "" when nothing is
 */
export function flaw(row) {
  if (!row || typeof row !== "object") return "no entry";
  const { kind, method, path, key, body, position } = row;
  if (!(kind in METHODS) || method !== METHODS[/** @type {"visit"} */ (kind)]) return "of an unknown kind";
  if (typeof path !== "string" || !/^(visits|responses)\/[\w-]*\/?$/.test(path) || typeof key !== "string") return "no address";
  if (!Number.isInteger(position) || position < 1) return "no position";
  if (!body || typeof body !== "object" || Array.isArray(body)) return "no content";
  if (kind === "response" && (typeof body.question !== "string" || !Number.isInteger(body.score))) return "no score";
  try {
    JSON.stringify(body);
  } catch {
    return "content that cannot be sent";
  }
  return "";
}
