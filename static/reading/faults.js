/** Nothing goes wrong in silence: what nobody foresaw is said in words, with what to do. */

/** @param {any} error */
export function described(error) {
  return String(error?.message ? `${error.name}: ${error.message}` : error).slice(0, 300);
}

/** @param {(error: any) => void} tell of everything that no code has caught */
export function catchFaults(tell) {
  window.addEventListener("error", ({ error, message, filename }) => {
    if (filename && !filename.startsWith(window.location.origin)) return; // a browser extension's
    if (/^ResizeObserver loop/.test(message)) return; // a drawing that comes a frame later
    tell(error ?? message);
  });
  window.addEventListener("unhandledrejection", ({ reason }) => tell(reason));
}

/**
 * Wait for as long as it takes, but not in silence.
 * @template T @param {Promise<T>} promise @param {() => void} late what to say @param {number} [patienceMs]
 * @returns {Promise<T>}
 */
export async function patiently(promise, late, patienceMs = 8000) {
  const timer = setTimeout(late, patienceMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * JSON that this tab keeps. What cannot be read, or is not what it should be, is set aside under another name.
 * @param {string} key @param {(value: any) => boolean} isGood @param {(what: string) => void} tell of what was set aside
 * @returns {any} null where there is nothing good
 */
export function keptJson(key, isGood, tell) {
  const text = sessionStorage.getItem(key);
  if (text === null) return null;
  try {
    const value = JSON.parse(text);
    if (isGood(value)) return value;
  } catch { /* set aside below */ }
  sessionStorage.setItem(`${key}:set-aside`, text);
  sessionStorage.removeItem(key);
  tell(key.split(":")[0]);
  return null;
}
