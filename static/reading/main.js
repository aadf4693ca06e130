/** Start the reading room on a page that carries its addresses as data attributes. */
import { ReadingRoom } from "./app.js";

document.body.dataset.script = "on"; // the style sheet shows the room's frame only then
void new ReadingRoom(document.body.dataset).start();
