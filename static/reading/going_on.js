/** From one example to the next: everything is answered and kept first, and practice says whether the model was right. */
import { isPassing, Problem } from "./api.js";
import { finishRead } from "./finish.js";

export const CANNOT_KEEP = "An answer could not be kept on this computer (is the disk full?). Enter tries again.";

/** Enter. @param {import("./app.js").ReadingRoom} room */
export async function next(room) {
  const { visit, questions, position } = room;
  if (!visit || visit.imagesReadyMs === null) return;
  questions.settle();
  const open = questions.firstUnanswered();
  if (open >= 0) {
    room.status.say("missing", `Question ${open + 1} has no answer yet.`);
    questions.focus(open);
    questions.reveal(open);
    return;
  }
  await Promise.all(room.writes.splice(0));
  if (!questions.settledAll || room.visit !== visit) return; // not kept, or Enter pressed twice
  try {
    await room.outbox.release(position);
  } catch {
    room.status.say("disk", CANNOT_KEEP);
    return;
  }
  if (room.visit !== visit) return;
  if (room.practice && !room.page.feedbackShown && await teach(room, visit)) return;
  if (room.visit !== visit) return; // went back meanwhile
  room.done = Math.max(room.done, position);
  room.pace.add(position, visit.watch);
  await goOn(room, position);
}

/** @param {import("./app.js").ReadingRoom} room @param {number} position of the example that is left */
export async function goOn(room, position) {
  if (position < room.total) await room.open(position + 1);
  else await finishRead(room);
}

/**
 * Practice only: the truth, after all questions are answered.
 * @param {import("./app.js").ReadingRoom} room @param {import("./visit.js").Visit} visit
 * @returns {Promise<boolean>} whether it was shown; practice goes on without it
 */
async function teach(room, visit) {
  await room.outbox.flush();
  try {
    const said = await room.api.get(`feedback/${visit.position}/`);
    if (room.visit === visit) room.page.feedback(said);
    return true;
  } catch (error) {
    if (!(error instanceof Problem) && !isPassing(error)) throw error;
    return false;
  }
}
