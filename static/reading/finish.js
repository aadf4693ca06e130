/** The end of a read: everything is sent, the reader says so, and the workstation forgets it. */
import { isPassing, Problem } from "./api.js";
import { forgetIfAllSent } from "./outbox.js";
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
  await outbox.adding.catch(() => {}); // the times of the visit just ended: sent too, or they would stay on the disk
  await outbox.flush();
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
    room.close();
    room.page.message(
      room.practice ? "Practice is finished" : `Read ${read.number} of ${read.of} is finished. Thank you.`,
      reply.detail ?? "", [], true);
    window.history.replaceState(null, "", window.location.pathname);
    room.entered.clear();
    outbox.database.close();
    await forgetIfAllSent();
  } catch (error) {
    if (!(error instanceof Problem) && !isPassing(error)) throw error;
    const { position } = room;
    room.page.message("The read is not finished yet", /** @type {Error} */ (error).message,
      [["Try again", () => void finishRead(room)], ["Back to the examples", () => void room.open(position)]], true);
  }
}
