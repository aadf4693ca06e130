/** The page's side of decode_worker.js: files in, pixels out. */

/** @type {Worker|null} */
let worker = null;
/** @type {Map<number, {resolve: (made: any) => void, reject: (error: Error) => void}>} what the worker has not answered */
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
 * @param {string} kind "image", "map" or "animation"
 * @param {Blob} blob
 * @param {any} [facts] of an image its bits, width and height; of an animation the number of its frames
 * @returns {Promise<any>} pyramid levels, a layer, or frames (see pixels.js)
 * @throws {Error} in words, when the file is not what was announced
 */
export function decode(kind, blob, facts) {
  worker ??= start();
  const number = ++asked;
  const answer = new Promise((resolve, reject) => { waiting.set(number, { resolve, reject }); });
  worker.postMessage({ number, kind, blob, facts });
  return answer;
}
