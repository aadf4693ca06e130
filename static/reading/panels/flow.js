/** Arrows over the radiograph, which the server has drawn: where its structures seem to move, and how far. */
import { LayeredPanel } from "./layered.js";

export class FlowPanel extends LayeredPanel {}
