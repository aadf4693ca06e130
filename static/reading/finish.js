/** The end of a read: the reader sees the answers given and says that it ends; then everything is sent. */
import { Foreign, isPassing, Problem } from "./api.js";
import { answersGiven, answerTable, isOpen } from "./given.js";
import { halt } from "./leaving.js";
import { counted } from "./status.js";

/** @param {import("./app.js").ReadingRoom} room */
export async function finishRead(room) {
  if (room.finishing) return; // Enter pressed twice
  room.finishing = true;
  try {
    const chosen = await askToFinish(room);
    if (room.closed) return;
    if (chosen === "finish") await sendAndFinish(room);
    else if (chosen.startsWith("go:")) await room.open(Number(chosen.slice(3)));
  } finally {
    room.finishing = false;
  }
}

/**
 * Staying is what Enter chooses, so that no number of hasty Enters ends a read.
 * @param {import("./app.js").ReadingRoom} room @returns {Promise<string>} "finish", "go:" and a position, or ""
 */
async function askToFinish(room) {
  const { read, questions } = room.state;
  const what = room.practice ? "practice" : `read ${read.number} of ${read.of}`;
  const examples = await answersGiven(room);
  if (room.closed) return "";
  const open = (examples ?? []).filter((given) => isOpen(given, questions)).length;
  const next = room.practice ? "The scored examples come next." : "After you finish the read its answers cannot be changed.";
  const list = !examples ? "The server does not list your answers now; all of them are kept."
    : open ? `${counted(open, "example")} ${open === 1 ? "is" : "are"} still open: choose one to go there.`
      : "These are your answers; choose an example to go back to it.";
  return room.ask(`That was the last example of ${what}`, `${next}\n${list}`, [
    { label: "Stay here", value: "", primary: true },
    { label: room.practice ? "Finish practice" : "Finish the read", value: "finish", disabled: open > 0 },
  ], examples ? answerTable(examples, questions) : undefined);
}

/** @param {import("./app.js").ReadingRoom} room */
async function sendAndFinish(room) {
  const { outbox } = room;
  const { read } = room.state;
  room.leave();
  room.page.message("Sending the last answers …", "");
  await outbox.settle(); // with the times of the visit just ended, or they would stay on the disk
  if (room.closed) return; // said why
  const left = outbox.unsent.filter((entry) => !entry.refused).length; // refused ones were told, and stay on the disk
  if (left) {
    const { position } = room;
    room.page.message("Not everything is sent yet",
      `${counted(left, "answer")} could not be sent so far, and stay on this computer. Finish when the server is back.`,
      [["Try again", () => void finishRead(room)], ["Back to the example", () => void room.open(position)]]);
    return;
  }
  try {
    const reply = await room.api.json("POST", "finish/", { read: read.number });
    if (!reply?.finished_at) throw new Foreign("an answer without the time of finishing");
    room.close();
    room.page.message(
      room.practice ? "Practice is finished" : `Read ${read.number} of ${read.of} is finished. Thank you.`,
      reply.detail ?? "", [], true);
    window.history.replaceState(null, "", window.location.pathname);
    room.entered.clear();
  } catch (error) {
    if (!(error instanceof Problem) && !isPassing(error)) throw error;
    if (error instanceof Problem && error.stops) {
      halt(room, error);
      return;
    }
    const { position } = room;
    room.page.message("The read is not finished yet", /** @type {Error} */ (error).message,
      [["Try again", () => void finishRead(room)], ["Back to the examples", () => void room.open(position)]], true);
  }
}
