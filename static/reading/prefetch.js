/**
 * The examples around the current one, fetched ahead and kept in memory only (nothing of a patient stays on a shared
 * workstation's disk). The next example is decoded too, so that Enter shows it at once.
 */
import { Problem } from "./api.js";
import { decode } from "./decoder.js";
import { formOf } from "./panels/forms.js";

const AHEAD = 5;
const BEHIND = 2;

/** Files of an example that could not be shown: a read without its stimulus is not a read. */
export class MissingImages extends Error {
  /**
   * @param {import("./types.js").Assignment} assignment
   * @param {{title: string, error: Error}[]} failures
   */
  constructor(assignment, failures) {
    const what = failures.map(({ title, error }) => `${title} (${reason(error)})`).join("; ");
    super(`Not all images of this example could be loaded: ${what}.`);
    this.assignment = assignment;
    this.failures = failures;
  }
}

/** @param {Error} error */
function reason(error) {
  if (error instanceof Problem) {
    return error.status === 404 ? "the server does not have the file" : `the server refused it, error ${error.status}`;
  }
  return error.message.replace(/\.$/, "");
}

/** @param {ArrayBuffer} bytes @returns {Promise<string>} hex; empty on plain http, where browsers offer no hashing */
async function sha256(bytes) {
  if (!crypto.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {import("./types.js").Assignment} assignment
 * @returns {{role: string, title: string, url: string, announced: string, decoding: keyof import("./decoder.js").Decoded,
 *   frames?: number}[]} every file the reader will see
 */
export function filesOf(assignment) {
  const { image } = assignment.case;
  return [
    { role: "image", title: "Input image", url: /** @type {string} */ (image.url), announced: image.sha256, decoding: "image" },
    ...assignment.panels.flatMap((panel) => {
      const { file } = formOf(panel);
      return file ? [{ role: panel.key, title: panel.title, url: panel[file.field] ?? "", frames: panel.frames,
        announced: panel.sha256s?.[file.field] ?? "", decoding: file.decode }] : [];
    }),
  ];
}

/** One example, fetched now and decoded when asked. */
class Parcel {
  /** @param {import("./api.js").Api} api @param {number} position */
  constructor(api, position) {
    this.api = api;
    this.fetched = this.fetchAll(position);
    /** Told when a file does not come or comes damaged: the next attempt fetches afresh. */
    this.failed = () => {};
    this.fetched.catch(() => this.failed()); // reported by whoever waits for it
    /** @type {Promise<import("./types.js").Loaded>|null} */
    this.decoded = null;
    /** @type {import("./types.js").Loaded|null} set once decoded, so that it can be shown without waiting a turn */
    this.ready = null;
  }

  /** @param {number} position */
  async fetchAll(position) {
    /** @type {import("./types.js").Assignment} */
    const assignment = await this.api.get(`assignments/${position}/`);
    const wanted = filesOf(assignment);
    const results = await Promise.allSettled(wanted.map(async (file) => {
      if (!file.url) throw new Error("the server names no file");
      const blob = await this.api.file(file.url);
      return { ...file, blob, hash: await sha256(await blob.arrayBuffer()) };
    }));
    return { assignment, files: allOf(assignment, wanted, results) };
  }

  decode() {
    this.decoded ??= this.decodeAll();
    this.decoded.catch(() => this.failed());
    return this.decoded;
  }

  /** @returns {Promise<import("./types.js").Loaded>} */
  async decodeAll() {
    const { assignment, files } = await this.fetched;
    /** @type {import("./types.js").Loaded} */
    const loaded = {
      assignment, levels: [], layers: new Map(), strips: new Map(),
      files: files.map(({ role, hash, announced, blob }) => (
        { role, sha256: hash || announced, format: blob.type, bytes: blob.size }
      )),
    };
    allOf(assignment, files, await Promise.allSettled(files.map(async ({ decoding, role, blob, frames }) => {
      if (decoding === "image") loaded.levels = await decode(decoding, blob, assignment.case.image);
      else if (decoding === "layer") loaded.layers.set(role, await decode(decoding, blob));
      else loaded.strips.set(role, await decode(decoding, blob, frames));
    })));
    this.ready = loaded;
    return loaded;
  }
}

/**
 * @template T
 * @param {import("./types.js").Assignment} assignment
 * @param {{title: string}[]} files
 * @param {PromiseSettledResult<T>[]} results
 * @returns {T[]}
 * @throws {MissingImages} unless there is a result for each file
 */
function allOf(assignment, files, results) {
  const failures = results.flatMap((result, i) => (
    result.status === "rejected" ? [{ title: files[i].title, error: result.reason }] : []
  ));
  if (failures.length) throw new MissingImages(assignment, failures);
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

export class Prefetch {
  /** @param {import("./api.js").Api} api @param {number} total */
  constructor(api, total) {
    this.api = api;
    this.total = total;
    /** @type {Map<number, Parcel>} */
    this.parcels = new Map();
  }

  /** @param {number} position */
  parcel(position) {
    let parcel = this.parcels.get(position);
    if (!parcel) {
      parcel = new Parcel(this.api, position);
      this.parcels.set(position, parcel);
      const made = parcel;
      parcel.failed = () => { if (this.parcels.get(position) === made) this.parcels.delete(position); };
    }
    return parcel;
  }

  /** @param {number} position @returns {import("./types.js").Loaded|null} only when it can be shown this instant */
  peek(position) {
    return this.parcels.get(position)?.ready ?? null;
  }

  /**
   * @param {number} position
   * @returns {Promise<import("./types.js").Loaded>}
   * @throws {MissingImages|import("./api.js").Problem|import("./api.js").Unreachable}
   */
  async get(position) {
    try {
      return await this.parcel(position).decode();
    } catch (error) {
      this.parcels.delete(position); // the next attempt starts afresh
      throw error;
    }
  }

  /** Fetch what comes after this example, one at a time so that nearer ones come first. @param {number} position */
  async warm(position) {
    for (const held of [...this.parcels.keys()]) {
      if (held < position - BEHIND || held > position + AHEAD) this.parcels.delete(held);
    }
    this.centre = position;
    for (let next = position + 1; next <= Math.min(this.total, position + AHEAD); next++) {
      try {
        const parcel = this.parcel(next);
        await (next === position + 1 ? parcel.decode() : parcel.fetched);
      } catch {
        return; // said when the reader gets there, if it still fails then
      }
      if (this.centre !== position) return;
    }
  }

  clear() {
    this.parcels.clear();
    this.centre = -1;
  }
}
