/** Talking to the server: JSON with the CSRF token, errors as sentences, and the in-place log-in. */

const JSON_TIMEOUT_MS = 20_000;
const FILE_TIMEOUT_MS = 60_000;

/** The server's refusal (application/problem+json). */
export class Problem extends Error {
  /** @param {{title?: string, detail?: string, code?: string}} body @param {number} status */
  constructor(body, status) {
    super(body.detail || body.title || `The server answered with error ${status}.`);
    this.status = status;
    this.code = body.code || "";
  }

  /** Worth trying again unchanged: the server was busy, restarting or broken. */
  get passing() {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

/** No answer came: network cut, server down, or too slow. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
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
   * @param {string} sessionUrl takes the password
   */
  constructor(base, askPassword, sessionUrl) {
    this.base = base;
    this.askPassword = askPassword;
    this.sessionUrl = sessionUrl;
    /** @type {(dialog: Promise<void>) => Promise<void>} told that a dialog covers the images */
    this.covering = (dialog) => dialog;
    /** Sent with every request once known, so that nothing is stored for whoever logged in meanwhile. */
    this.reader = "";
    /** @type {() => void} called after each request that got through */
    this.onSuccess = () => {};
    /** @type {Promise<void>|null} */
    this.loggingIn = null;
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
      method, keepalive, tryLogIn, timeout: JSON_TIMEOUT_MS,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.status === 204) return {};
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
   * @param {{method: string, body?: string, keepalive?: boolean, tryLogIn: boolean, timeout: number}} options
   * @returns {Promise<Response>}
   */
  async request(url, options) {
    const response = await this.send(url, options);
    if (response.ok) {
      this.onSuccess();
      return response;
    }
    const problem = await readProblem(response);
    if (problem.code !== "login_required" || !options.tryLogIn) throw problem;
    // However many requests find the session gone, the reader is asked once.
    this.loggingIn ??= this.logIn().finally(() => { this.loggingIn = null; });
    await this.loggingIn;
    return this.request(url, options);
  }

  logIn() {
    return this.covering(this.askPassword((password) => (
      this.json("POST", this.sessionUrl, { password }, { tryLogIn: false }))));
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
        method, headers, body, keepalive, credentials: "same-origin", cache: "no-store", redirect: "manual",
        signal: AbortSignal.timeout(timeout),
      });
    } catch {
      throw new Unreachable();
    }
  }
}

/** @param {Response} response @returns {Promise<Problem>} */
async function readProblem(response) {
  // A redirect can only be one to the log-in page: the API itself never redirects.
  if (response.type === "opaqueredirect") return new Problem({ code: "login_required" }, 401);
  const body = await response.json().catch(() => ({}));
  return new Problem(body && typeof body === "object" ? body : {}, response.status);
}

/** @param {string} name */
function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}
