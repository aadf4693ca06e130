/** The page's side of decode_worker.js: files in, pixels out. */

/** @type {Worker|null} */
let worker = null;
/** @type {Map<number, {resolve: (made: unknown) => void, reject: (error: Error) => void}>} what the worker has not answered */
const waiting = new Map();
let asked = 0;

function start() {
  const started = new Worker(new URL("./decode_worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { number, made, problem } }) => {
    const { resolve, reject } = waiting.get(number) ?? {};
    waiting.delete(number);
    if (problem === undefined) resolve?.(made);
    else reject?.(new Error(problem));
  });
  started.addEventListener("error", () => { // not loaded, or out of memory: the next try has a new one
    started.terminate();
    worker = null;
    waiting.forEach(({ reject }) => reject(new Error("the browser could not unpack it; reload the page")));
    waiting.clear();
  });
  return started;
}

/**
 * @typedef {import("./types.js").Samples} Samples
 * @typedef {{image: Samples[], layer: import("./types.js").Layer, strip: Samples[]}} Decoded a radiograph at full, half
 *   ... size, a picture to lay over it, or frames (see pixels.js)
 */

/**
 * @template {keyof Decoded} As
 * @param {As} as @param {Blob} blob
 * @param {{bits: number, width: number, height: number}|number} [facts] of an image; of a strip the number of its frames
 * @returns {Promise<Decoded[As]>}
 * @throws {Error} in words, when the file is not what was announced
 */
export function decode(as, blob, facts) {
  worker ??= start();
  const number = ++asked;
  const answer = /** @type {Promise<Decoded[As]>} */ (new Promise((resolve, reject) => { waiting.set(number, { resolve: /** @type {(made: unknown) => void} */ (resolve), reject }); }));
  worker.postMessage({ number, as, blob, facts });
  return answer;
}
