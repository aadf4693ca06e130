/** A map over the radiograph, which the server has coloured, and what its colours mean. */
import { make } from "../dom.js";
import { LayeredPanel } from "./layered.js";

export class StillPanel extends LayeredPanel {
  /** @override */
  furnish() {
    this.controls.append(legend(this.facts.legend ?? []));
  }
}

/** What the colours of a map mean. @param {string[]} colours from the weakest pixel shown to the strongest */
function legend(colours) {
  const bar = make("span", { class: "legend-bar", "aria-hidden": true });
  bar.style.backgroundImage = `linear-gradient(to right, ${colours.join(", ")})`;
  const said = "Colours, from the weakest pixel shown to the strongest";
  return make("span", { class: "legend", role: "img", "aria-label": said }, "weaker ", bar, " stronger");
}
