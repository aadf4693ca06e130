/** What is kept while the reader looks, and how reading ends: Pause, a page that goes away, a server that has moved on. */
import { byId } from "./dom.js";
import { counted, refusal } from "./status.js";

const CHECKPOINT_MS = 10_000;
const LONGEST_PAUSE_MS = 4000; // then the disk has what the server has not

const ELSEWHERE = "Another tab or computer has finished this read or opened the next one.";
const OLDER = "The server does not know what this page is reading: it may have been set back to an older state. Please tell "
  + "the study team before you read on.";
/** @type {Object<string, [string, string]>} title and sentence by the code of the server's refusal */
const ENDS = {
  read_finished: ["This read is finished already", ELSEWHERE],
  stale_read: ["This read is no longer open", ELSEWHERE],
  stale_visit: ["This read is no longer open", ELSEWHERE],
  unknown_visit: ["The server does not know this read", OLDER],
  not_found: ["The server does not know this read", OLDER],
  account_unknown: ["The server does not know you any more", OLDER],
};

/**
 * @param {import("./app.js").ReadingRoom} room @param {import("./api.js").Problem} problem
 * @returns {[string, string]} title and sentence
 */
export function whyItEnds({ outbox, state: { reader } }, problem) {
  if (problem.code === "wrong_reader") {
    return ["Someone else has logged in on this browser", `Or the server no longer knows you as ${reader}. Reading stops `
      + `here; log in as ${reader} and open the read again, and what is kept is sent.`];
  }
  // The server knows no visit that it did not take: then its reason for that is what the reader must hear.
  if (problem.code === "unknown_visit" && outbox.entries.some(({ kind, refused }) => kind === "visit" && refused)) {
    return ["Reading stops here", refusal(outbox)];
  }
  return ENDS[problem.code] ?? (problem.status === 404 ? ENDS.not_found : ["Reading stops here", problem.message]);
}

/**
 * Stop the page with one message, instead of having each answer refused. What the server has not taken stays on the disk.
 * @param {import("./app.js").ReadingRoom} room @param {import("./api.js").Problem} problem
 */
export function halt(room, problem) {
  if (room.closed) return;
  room.close();
  room.status.clear();
  const [title, why] = whyItEnds(room, problem);
  // Also what is on its way to the disk now.
  void room.outbox.adding.catch(() => {}).then(() => {
    const kept = room.outbox.unsent.length;
    room.page.message(title, `${why} ${kept
      ? `${counted(kept, "answer")} that the server has not taken ${kept === 1 ? "is" : "are"} kept on this computer.`
      : "No answer waits on this computer."}`,
    [["Open the read again", () => window.location.reload()]], true);
  });
}

/** @param {import("./app.js").ReadingRoom} room */
export function keepRecord(room) {
  window.setInterval(() => {
    // Time without input is no news, and a page that nobody uses must not keep its session alive.
    if (!document.hidden && !room.visit?.watch.isIdle) room.keepTimes();
  }, CHECKPOINT_MS);
  document.addEventListener("visibilitychange", () => { if (document.hidden) sayLastWords(room); });
  window.addEventListener("pagehide", () => sayLastWords(room));
  // Brought back by the Back button: everything on it may be old.
  window.addEventListener("pageshow", ({ persisted }) => { if (persisted) window.location.reload(); });
  const link = byId("pause");
  link.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || room.closed) return;
    event.preventDefault();
    void pause(room, link.href);
  });
}

/** The page may be gone a moment later. @param {import("./app.js").ReadingRoom} room */
export function sayLastWords(room) {
  if (room.closed) return;
  room.putDown();
  room.outbox.lastWords(room.visit?.lastWords() ?? null);
}

/** @param {import("./app.js").ReadingRoom} room @param {string} to */
async function pause(room, to) {
  room.questions.setEnabled(false);
  room.status.say("leaving", "Saving …");
  room.putDown();
  await Promise.race([room.outbox.settle(), new Promise((resolve) => setTimeout(resolve, LONGEST_PAUSE_MS))]);
  window.location.assign(to);
}
