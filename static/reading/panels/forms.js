/** The forms that a panel can have, by the word that the server sends. A kind of explanation has no code of its own here. */
import { AnimationPanel } from "./animation.js";
import { CurvePanel } from "./curve.js";
import { FlowPanel } from "./flow.js";
import { InputPanel } from "./input.js";
import { Panel } from "./panel.js";
import { StillPanel } from "./still.js";

export const FORMS = new Map(/** @type {[string, typeof Panel][]} */ ([
  ["input", InputPanel],
  ["still", StillPanel],
  ["animation", AnimationPanel],
  ["curve", CurvePanel],
  ["flow", FlowPanel],
]));

/** @param {import("../types.js").PanelFacts} facts @returns {typeof Panel} @throws {Error} in words */
export function formOf({ shows }) {
  const form = FORMS.get(shows);
  if (!form) throw new Error(`this page does not know how to show it (${shows}): reload the page`);
  return form;
}
