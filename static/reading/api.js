/** Talking to the server: JSON with the CSRF token, errors as sentences, and the in-place log-in. */

const JSON_TIMEOUT_MS = 20_000;
const FILE_TIMEOUT_MS = 60_000;

const MOST_KEEPALIVE = 60_000; // bytes; browsers refuse more than 64 KiB in all
/** Nothing of this read will be taken: the read, the study or the reader is not what the page holds. */
const STOPS = ["read_finished", "stale_read", "stale_visit", "study_closed", "unknown_visit", "wrong_reader"];
/** No view has refused it: while the server is upgraded, the host that answers may be older than the page. */
const UNDECIDED = ["no_such_address"];

/** The server's refusal (application/problem+json). */
export class Problem extends Error {
  /** @param {{title?: string, detail?: string, code?: string}} body @param {number} status */
  constructor(body, status) {
    super(body.detail || body.title || `The server answered with error ${status}.`);
    this.status = status;
    this.code = body.code || "";
  }

  /** Worth trying again unchanged: the server was busy, restarting, broken or being upgraded. */
  get passing() {
    return UNDECIDED.includes(this.code) || this.status >= 500 || [408, 425, 429].includes(this.status);
  }

  /** No use in asking for anything else of this read. */
  get stops() {
    return !this.passing && (STOPS.includes(this.code) || [403, 404, 410].includes(this.status));
  }
}

/** No answer came: network cut, server down, or too slow. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

/** Something on the way answered in the server's place: a network's log-in page, a proxy's notice. */
export class Foreign extends Unreachable {
  /** @param {string} what */
  constructor(what) {
    super();
    this.message = `Something else than the study's server answered (${what}). Perhaps the network asks for a log-in: `
      + "open any other web page to see.";
  }
}

/** @param {unknown} error */
export function isPassing(error) {
  return error instanceof Unreachable || (error instanceof Problem && error.passing);
}

export class Api {
  /**
   * @param {string} base such as /api/reading/chest/
   * @param {(send: (password: string) => Promise<any>) => Promise<void>} askPassword asks in place; resolves when the
   *   session is good again
   * @param {string} sessionUrl takes the password, and gives a CSRF token
   * @param {string} [pageOf] the server's word for whose page this is; goes with the password
   */
  constructor(base, askPassword, sessionUrl, pageOf = "") {
    this.base = base;
    this.askPassword = askPassword;
    this.sessionUrl = sessionUrl;
    this.pageOf = pageOf;
    /** @type {(dialog: Promise<void>) => Promise<void>} told that a dialog covers the images */
    this.covering = (dialog) => dialog;
    /** Sent with every request once known, so that nothing is stored for whoever logged in meanwhile. */
    this.reader = "";
    /** @type {() => void} called after each request that got through */
    this.onSuccess = () => {};
    /** @type {Promise<void>|null} */
    this.loggingIn = null;
    this.logIns = 0;
    /** @type {Problem|null} why no password can help: nothing more is asked, of the reader or of the server */
    this.lost = null;
    /** @type {(problem: Problem) => void} told once, whichever request found it out */
    this.onLost = () => {};
  }

  /** @param {string} path below the base */
  get(path) {
    return this.json("GET", path);
  }

  /**
   * @param {string} method @param {string} path below the base, or absolute @param {any} [body]
   * @param {{keepalive?: boolean, tryLogIn?: boolean}} [options]
   * @returns {Promise<any>}
   */
  async json(method, path, body, { keepalive = false, tryLogIn = true } = {}) {
    const response = await this.request(path.startsWith("/") ? path : this.base + path, {
      method, keepalive, tryLogIn, timeout: JSON_TIMEOUT_MS, json: true,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.status === 204) return {};
    if (!isJson(response)) throw new Foreign("a web page");
    try {
      return await response.json();
    } catch {
      throw new Unreachable(); // cut in the middle of the answer: not known to be stored
    }
  }

  /** @param {string} url @returns {Promise<Blob>} */
  async file(url) {
    const response = await this.request(url, { method: "GET", timeout: FILE_TIMEOUT_MS, tryLogIn: true });
    try {
      return await response.blob();
    } catch {
      throw new Unreachable();
    }
  }

  /**
   * @param {string} url
   * @param {{method: string, body?: string, keepalive?: boolean, tryLogIn: boolean, timeout: number, json?: boolean,
   *   renewed?: boolean}} options
   * @returns {Promise<Response>}
   */
  async request(url, options) {
    if (this.lost) throw this.lost;
    const { logIns } = this;
    if (options.method !== "GET" && !cookie("csrftoken")) await this.renewToken();
    const response = await this.send(url, options);
    if (response.ok) {
      this.onSuccess();
      return response;
    }
    const problem = await readProblem(response, options.json === true);
    if (!(problem instanceof Problem)) throw problem;
    if (problem.code === "csrf_failed" && !options.renewed) {
      await this.renewToken();
      return this.request(url, { ...options, renewed: true });
    }
    if (problem.code !== "login_required" || !options.tryLogIn) throw problem;
    if (this.lost) throw this.lost; // while this one was under way
    // However many requests find the session gone, the reader is asked once; some hear of it after the log-in.
    if (logIns === this.logIns) this.loggingIn ??= this.logIn().finally(() => { this.loggingIn = null; });
    await this.loggingIn;
    return this.request(url, options);
  }

  /** Rejects, and for good, where no password can help. */
  async logIn() {
    const send = (/** @type {string} */ password) => (
      this.json("POST", this.sessionUrl, { password, page: this.pageOf }, { tryLogIn: false }));
    try {
      await this.covering(this.askPassword(send));
      this.logIns += 1;
    } catch (error) {
      this.lost = /** @type {Problem} */ (error);
      this.onLost(this.lost);
      throw error;
    }
  }

  /** Cookies can be deleted under a page; the next write needs a token again. */
  async renewToken() {
    await this.send(this.sessionUrl, { method: "GET", timeout: JSON_TIMEOUT_MS });
  }

  /** @param {string} url @param {{method: string, body?: string, keepalive?: boolean, timeout: number}} options */
  async send(url, { method, body, keepalive, timeout }) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json, application/problem+json, image/*" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET") headers["X-CSRFToken"] = cookie("csrftoken");
    if (this.reader) headers["X-Reader"] = this.reader;
    try {
      return await fetch(url, {
        method, headers, body, credentials: "same-origin", cache: "no-store", redirect: "manual",
        keepalive: keepalive && (body ?? "").length < MOST_KEEPALIVE,
        signal: AbortSignal.timeout(timeout),
      });
    } catch {
      throw new Unreachable();
    }
  }
}

/** @param {Response} response */
function isJson(response) {
  return /json/.test(response.headers.get("content-type") ?? "");
}

/** @param {Response} response @param {boolean} json whether the API was asked, which speaks JSON and never redirects */
async function readProblem(response, json) {
  if (response.type === "opaqueredirect") {
    return json ? new Foreign("a redirect") : new Problem({ code: "login_required" }, 401); // files: to the log-in page
  }
  const body = isJson(response) ? await response.json().catch(() => null) : null;
  if (body && typeof body === "object") return new Problem(body, response.status);
  if (!json) return new Problem({}, response.status);
  return response.status >= 500 ? new Unreachable() : new Foreign(`error ${response.status}, a web page`);
}

/** @param {string} name */
function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  try {
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  } catch {
    return ""; // garbled: as good as none
  }
}
