/**
 * Follows the jobs on a page: asks how far each is, every two seconds, and loads the page anew when one has ended.
 */

const EVERY_MS = 2000;

/** @typedef {{ state: string, label: string, under_way: boolean, done: number, total: number, words: string }} State */

/** @param {HTMLElement} words @param {string} address */
async function look(words, address) {
  const response = await fetch(address, { headers: { Accept: "application/json" } });
  if (!response.ok) return;
  const job = /** @type {State} */ (await response.json());
  if (!job.under_way) {
    location.reload();
    return;
  }
  if (words.textContent !== job.words) words.textContent = job.words;
  const badge = words.closest("section")?.querySelector(".badge");
  if (badge) badge.textContent = job.label;
  const bar = words.closest("section")?.querySelector("progress");
  if (bar && job.total) {
    bar.max = job.total;
    bar.value = job.done;
  }
}

for (const words of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-job]"))) {
  setInterval(() => {
    if (document.visibilityState === "visible") look(words, words.dataset.job ?? "").catch(() => {}); // asked again
  }, EVERY_MS);
}
