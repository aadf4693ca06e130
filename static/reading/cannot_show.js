/** An example that cannot be shown: the reader is told why, and what can be done. No answer is taken. */
import { isPassing, Problem } from "./api.js";
import { goOn } from "./going_on.js";
import { halt } from "./leaving.js";
import { MissingImages } from "./prefetch.js";

const RETRY_MS = 4000;

/**
 * @param {import("./app.js").ReadingRoom} room @param {import("./visit.js").Visit} visit @param {Error} error
 */
export function cannotShow(room, visit, error) {
  const { position } = visit;
  if (error instanceof Problem && error.stops) {
    halt(room, error);
    return;
  }
  /** @type {[string, () => void][]} */
  const ways = [["Try again", () => void room.open(position)]];
  if (position > 1) ways.push(["Back", () => void room.open(position - 1)]);
  const missing = error instanceof MissingImages;
  const passing = missing ? error.failures.every((failure) => isPassing(failure.error)) : isPassing(error);
  if (missing) room.describe(error.assignment);
  if (passing) {
    room.retryTimer = window.setTimeout(() => void room.open(position), RETRY_MS);
    room.page.message("The network is away",
      `Example ${position} is not on this computer yet. Your answers are kept; the page tries again by itself.`, ways);
  } else if (missing) {
    const failed = error.failures.map(({ title }) => title);
    const display = { ...room.displayFacts(), failed_why: error.message };
    void visit.announce(error.assignment.visit_token, display, [], failed);
    ways.push(["Go on without answering", () => void goOn(room, position)]);
    room.page.message("This example cannot be read now",
      `${error.message} Without all its images no answer is taken.`, ways);
  } else {
    room.page.message("This example cannot be shown",
      error instanceof Problem ? error.message : "Reload the page; your answers are kept.", ways, true);
    if (!(error instanceof Problem)) throw error;
  }
}
