/** Start the reading room on a page that carries its addresses as data attributes. */
import { start } from "./start.js";

document.body.dataset.script = "on"; // the style sheet shows the room's frame only then
void start(document.body.dataset);
