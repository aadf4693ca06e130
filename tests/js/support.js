/** What the tests of static/reading/ share: a page without elements, a disk in memory, a server, PNG files. */
import { createServer } from "node:http";
import { crc32, deflateSync } from "node:zlib";

/** The little of a page that modules without elements of their own touch. */
export class BarePage extends EventTarget {
  hidden = false;

  cookie = "csrftoken=token";

  querySelector() { return null; }

  querySelectorAll() { return []; }
}

/** @returns {BarePage} as the global document; the global window is the global object */
export function openPage() {
  const page = new BarePage();
  Object.assign(globalThis, { document: page, window: globalThis });
  return page;
}

/** A key event, as much of it as is read. */
export class Key extends Event {
  constructor(key, { code = "", repeat = false, shiftKey = false, ctrlKey = false, altKey = false, altGraph = false,
    isComposing = false } = {}) {
    super("keydown", { cancelable: true });
    Object.assign(this, { key, code, repeat, shiftKey, ctrlKey, altKey, metaKey: false, isComposing, keyCode: 0 });
    this.getModifierState = (name) => name === "AltGraph" && altGraph;
  }
}

/** Rows in memory, with Disk's interface; `broken` refuses every write. */
export class MemoryDisk {
  rows = new Map();

  last = 0;

  broken = false;

  async write(work) {
    if (this.broken) throw new DOMException("the disk is full", "QuotaExceededError");
    return work({
      add: (row) => {
        this.last += 1;
        this.rows.set(this.last, structuredClone({ ...row, seq: this.last }));
        return this.last;
      },
      put: (row) => { this.rows.set(row.seq, structuredClone(row)); },
      delete: (seq) => { this.rows.delete(seq); },
    });
  }

  async all() { return structuredClone([...this.rows.values()]); }

  close() {}
}

/**
 * A server on this computer. `received` has {method, path, body} of each request in order of arrival; `answer` gives
 * {status, body, type, cut, after}, and may be replaced. It keeps what it acknowledges in `stored`, by path.
 */
export class Server {
  received = [];

  stored = new Map();

  answer = () => ({});

  async start() {
    this.http = createServer(async (request, response) => {
      let text = "";
      for await (const part of request) text += part;
      const seen = { method: request.method, path: request.url, body: text ? JSON.parse(text) : null };
      this.received.push(seen);
      const { status = 200, body = { saved_at: "2026-11-28T12:00:00Z" }, type = "application/json", cut, after } = (
        await this.answer(seen) ?? {});
      if (after) await after;
      if (status < 300 && typeof body === "object") this.stored.set(seen.path, seen.body);
      const content = typeof body === "string" ? body : JSON.stringify(body);
      response.writeHead(status, { "content-type": type, "content-length": content.length });
      if (cut) response.write(content.slice(0, 5), () => response.destroy());
      else response.end(content);
    });
    await new Promise((resolve) => { this.http.listen(this.port ?? 0, "127.0.0.1", resolve); });
    this.port = this.http.address().port;
    return this;
  }

  get base() { return `http://127.0.0.1:${this.port}/api/`; }

  /** Also cuts what is open: nothing answers any more until the next start. */
  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => { this.http.close(resolve); });
  }

  refuseWith(status, code) {
    return { status, body: { title: "Refused", detail: `Refused: ${code}.`, code }, type: "application/problem+json" };
  }
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/**
 * @param {number} width @param {number[]} samples pixel by pixel @param {number} channels 1 to 4
 * @param {{lines?: Buffer, interlaced?: number}} [odd] lines already filtered, each with its filter's number
 * @returns {Buffer} a PNG of 8 bits a channel
 */
export function pngOf(width, samples, channels, { lines, interlaced = 0 } = {}) {
  const stride = width * channels;
  const height = lines ? lines.length / (stride + 1) : samples.length / stride;
  const plain = lines ?? Buffer.concat(Array.from({ length: height }, (_, y) => (
    Buffer.from([0, ...samples.slice(y * stride, (y + 1) * stride)]))));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, [0, 0, 4, 2, 6][channels], 0, 0, interlaced], 8);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header), chunk("IDAT", deflateSync(plain)), chunk("IEND", Buffer.alloc(0))]);
}
