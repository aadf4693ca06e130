/** Opening a read: one tab, its state, what a killed browser left, the display check, the first example. */
import { Api, Foreign, isPassing, Problem } from "./api.js";
import { ReadingRoom } from "./app.js";
import { Disk } from "./disk.js";
import { displayCheck } from "./display_check.js";
import { byId, isPhone } from "./dom.js";
import { catchFaults, described, patiently } from "./faults.js";
import { sayLastWords } from "./leaving.js";
import { Outbox } from "./outbox.js";
import { Page } from "./page.js";
import { askPassword } from "./session.js";
import { Tab } from "./tabs.js";

const RETRY_MS = 4000;
const TAKE_OVER = "reading:take-over";
const NO_STORAGE = "It does not let the page keep answers safely (a private window, cookies refused, or a full disk). Open a "
  + "normal window.";
/** @type {[string, () => void]} */
const RELOAD = ["Reload the page", () => window.location.reload()];

/** @param {DOMStringMap} config data-api, data-session-url, data-page, data-list-url and, for practice, data-practice */
export async function start(config) {
  const page = new Page(String(config.listUrl));
  /** @type {ReadingRoom|null} */
  let room = null;
  catchFaults((error) => stumble(page, room, error));
  const ask = (/** @type {(password: string) => Promise<any>} */ send) => askPassword(byId("session-dialog"), send);
  const api = new Api(String(config.api), ask, String(config.sessionUrl), config.page);
  page.message("Opening the read …", "");
  const tab = new Tab(api.base, () => {
    if (room) sayLastWords(room);
    room?.close();
    elsewhere(page, "This read has moved to another tab");
  });
  const takeOver = sessionStorage.getItem(TAKE_OVER) !== null;
  sessionStorage.removeItem(TAKE_OVER);
  if (!await patiently(tab.hold(takeOver), () => late(page, "the browser to say whether another tab is reading"))) {
    elsewhere(page, "This read is open in another tab");
    return;
  }
  const opened = await connect(api, page);
  if (!opened) return;
  const { state, outbox } = opened;
  document.title = state.study.title;
  byId("simulated").hidden = !state.simulated;
  if (state.study.needs_large_screen && isPhone()) {
    page.message("This study needs a larger screen", "On a phone the images are too small to be read. Open the same "
      + "address on a computer or a tablet; every answer given so far is kept.", [], true);
    outbox.stop();
    return;
  }
  if (state.read.state !== "open") {
    page.message("No read is open", "This read is finished. Thank you.", [], true);
    outbox.stop();
    return;
  }
  room = new ReadingRoom({ api, page, state, outbox, practice: config.practice !== undefined });
  const { status } = room;
  const first = firstPosition(state.read);
  void room.prefetch.parcel(first).decode(); // loads while the reader looks at the ramp
  const check = `display:${state.study.slug}:${state.reader}`; // practice and reads are one sitting
  const side = page.panelSide(room.viewer);
  room.displayCheck = await displayCheck(byId("display-dialog"), check, side, (what) => status.say(
    "kept", `What this browser kept of the ${what} check could not be read; it was set aside, and is asked again.`));
  await room.open(first);
}

/**
 * Something nobody foresaw. While images are shown reading may go on; else the page says that it has stopped.
 * @param {Page} page @param {ReadingRoom|null} room @param {any} error
 */
function stumble(page, room, error) {
  if (room?.closed) return;
  const what = `Something unexpected happened on this page (${described(error)}). `;
  const todo = "Answers given here are kept on this computer. Reload the page; if it happens again, tell the study team "
    + "these words.";
  if (room && !byId("reading").hidden) room.status.say("fault", what + todo);
  else if (error instanceof DOMException && !room) page.message("Reading is not possible in this browser window", NO_STORAGE);
  else page.message("The reading room has stopped", what + todo, [RELOAD], true);
}

/** @param {Page} page @param {string} what */
function late(page, what) {
  page.message("Opening the read takes unusually long",
    `The page waits for ${what}, and goes on by itself when it can. Answers given earlier are kept.`, [RELOAD], true);
}

/**
 * Ask until the server answers.
 * @param {Api} api @param {Page} page
 * @returns {Promise<{state: import("./types.js").State, outbox: Outbox}|null>} null when the page has said why not
 */
async function connect(api, page) {
  for (;;) {
    try {
      return await load(api, page);
    } catch (error) {
      if (error instanceof DOMException) {
        page.message("Reading is not possible in this browser window", NO_STORAGE);
        return null;
      }
      if (!isPassing(error)) {
        if (!(error instanceof Problem)) throw error;
        page.message("The read cannot be opened", error.message, [], true);
        return null;
      }
      const said = error instanceof Foreign ? `${error.message} ` : "";
      await new Promise((resolve) => {
        setTimeout(resolve, RETRY_MS);
        page.message("The server cannot be reached", `${said}The page tries again by itself every few seconds.`,
          [["Try again now", () => resolve(null)]]);
      });
    }
  }
}

/** @param {Api} api @param {Page} page */
async function load(api, page) {
  const state = await patiently(askState(api), () => late(page, "the server's answer"));
  api.reader = state.reader;
  const disk = new Disk();
  await patiently(disk.connect(), () => late(page, "this browser's storage, which another tab of this site keeps busy (close "
    + "the other tabs)"));
  const outbox = await Outbox.open(disk, `${api.base} ${state.reader}`, api);
  try {
    return { outbox, state: await sendLeftOvers(outbox, api, page) ?? state };
  } catch (error) {
    outbox.stop(); // the next attempt opens its own
    throw error;
  }
}

/** @param {Outbox} outbox @param {Api} api @param {Page} page @returns the state after it, where there was anything */
async function sendLeftOvers(outbox, api, page) {
  let state = null;
  if (outbox.entries.some((entry) => !entry.held)) {
    // Left by a killed browser or a lost network: sent before anything is shown, so that the place is right.
    await patiently(outbox.flush(), () => late(page, "the server to take answers that were kept on this computer"));
    state = await patiently(askState(api), () => late(page, "the server's answer"));
  }
  outbox.opening = false;
  return state;
}

/** @param {Api} api @returns {Promise<import("./types.js").State>} */
async function askState(api) {
  const state = await api.get("state/");
  if (typeof state?.reader !== "string" || !state.read || !state.study || !Array.isArray(state.questions)) {
    throw new Foreign("an answer of another kind");
  }
  return state;
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
