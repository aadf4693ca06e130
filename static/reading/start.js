/** Opening a read: one tab, its state, what a killed browser left, the display check, the first example. */
import { Api, isPassing, Problem } from "./api.js";
import { ReadingRoom } from "./app.js";
import { displayCheck } from "./display_check.js";
import { byId } from "./dom.js";
import { Outbox } from "./outbox.js";
import { Page } from "./page.js";
import { askPassword } from "./session.js";
import { Tab } from "./tabs.js";

const RETRY_MS = 4000;
const TAKE_OVER = "reading:take-over";
const CLOSED = {
  waiting: "Your next read is not open yet.",
  finished: "This read is finished. Thank you.",
  none: "There is nothing for you to read in this study.",
};

/** @param {DOMStringMap} config data-api, data-session-url, data-list-url and, for practice, data-practice */
export async function start(config) {
  const page = new Page(String(config.listUrl));
  const ask = (/** @type {(password: string) => Promise<any>} */ send) => askPassword(byId("session-dialog"), send);
  const api = new Api(String(config.api), ask, String(config.sessionUrl));
  page.message("Opening the read …", "");
  /** @type {ReadingRoom|null} */
  let room = null;
  const tab = new Tab(api.base, () => {
    room?.close();
    elsewhere(page, "This read has moved to another tab");
  });
  const takeOver = sessionStorage.getItem(TAKE_OVER) !== null;
  sessionStorage.removeItem(TAKE_OVER);
  if (!await tab.hold(takeOver)) {
    elsewhere(page, "This read is open in another tab");
    return;
  }
  const opened = await connect(api, page);
  if (!opened) return;
  const { state, outbox } = opened;
  document.title = state.study.title;
  byId("simulated").hidden = !state.simulated;
  if (state.read.state !== "open") {
    const opens = state.read.opens_at ? ` It opens on ${new Date(state.read.opens_at).toLocaleString()}.` : "";
    page.message("No read is open", (CLOSED[state.read.state] ?? "") + opens, [], true);
    return;
  }
  document.documentElement.style.setProperty("--columns", String(state.study.panel_columns ?? 4));
  room = new ReadingRoom({ api, page, state, outbox, practice: config.practice !== undefined });
  const first = firstPosition(state.read);
  void room.prefetch.parcel(first).decode(); // loads while the reader looks at the ramp
  const check = `display:${state.study.slug}:${state.reader}`; // practice and reads are one sitting
  room.displayCheck = await displayCheck(byId("display-dialog"), check, page.panelSide());
  await room.open(first);
}

/**
 * Ask until the server answers.
 * @param {Api} api @param {Page} page
 * @returns {Promise<{state: import("./types.js").State, outbox: Outbox}|null>} null when the page has said why not
 */
async function connect(api, page) {
  for (;;) {
    try {
      return await load(api);
    } catch (error) {
      if (error instanceof DOMException) {
        page.message("Reading is not possible in this browser window",
          "It does not let the page keep answers safely (a private window, or a full disk). Open a normal window.");
        return null;
      }
      if (!isPassing(error)) {
        if (!(error instanceof Problem)) throw error;
        page.message("The read cannot be opened", error.message, [], true);
        return null;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, RETRY_MS);
        page.message("The server cannot be reached", "The page tries again by itself every few seconds.",
          [["Try again now", () => resolve(null)]]);
      });
    }
  }
}

/** @param {Api} api */
async function load(api) {
  let state = await api.get("state/");
  api.reader = state.reader;
  const outbox = await Outbox.open(`${api.base} ${state.reader}`, api);
  if (outbox.entries.some((entry) => !entry.held)) {
    // Left by a killed browser or a lost network: sent before anything is shown, so that the place is right.
    await outbox.flush();
    state = await api.get("state/");
  }
  return { state, outbox };
}

/** @param {import("./types.js").ReadFacts} read */
function firstPosition({ resume_position: resume, total }) {
  const asked = Number(window.location.hash.slice(1)); // a reload stays where it was
  const furthest = Math.min(Math.max(1, resume), total);
  return Number.isInteger(asked) && asked >= 1 ? Math.min(asked, furthest) : furthest;
}

/** @param {Page} page @param {string} title */
function elsewhere(page, title) {
  page.message(title,
    "Only one tab reads at a time, so that nothing is answered twice. Every answer given here is kept.",
    [["Read here instead", () => {
      sessionStorage.setItem(TAKE_OVER, "yes");
      window.location.reload();
    }]], true);
}
