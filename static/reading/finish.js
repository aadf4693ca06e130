/** The end of a read: everything is sent, and the reader says so. */
import { Foreign, isPassing, Problem } from "./api.js";
import { halt } from "./leaving.js";
import { counted } from "./status.js";

/** @param {import("./app.js").ReadingRoom} room */
export async function finishRead(room) {
  const { outbox } = room;
  const { read } = room.state;
  const what = room.practice ? "practice" : `read ${read.number} of ${read.of}`;
  const chosen = await room.ask(`That was the last example of ${what}`,
    room.practice ? "The scored examples come next." : "Finish the read? After that its answers cannot be changed.", [
      { label: "Stay here", value: "" },
      { label: room.practice ? "Finish practice" : "Finish the read", value: "finish", primary: true },
    ]);
  if (chosen !== "finish") return;
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
