/** The page around the images: header, messages in place of the images, feedback. Words only, no decisions. */
import { byId, make } from "./dom.js";

export class Page {
  /** @param {string} listUrl the reading list */
  constructor(listUrl) {
    this.listUrl = listUrl;
  }

  /** @param {import("./types.js").Assignment} assignment */
  describe({ position, example, method, practice }) {
    const { pathology, probability_percent: percent, probability_band: band, sex, age, view, origin } = example;
    // The place in this read, never a number of the example itself: nobody should know it again in another read.
    byId("example-number").textContent = `${practice ? "Practice" : "Example"} ${position}`;
    byId("prediction").textContent = [pathology, percent === null ? band : `${percent} %`].filter(Boolean).join(", ");
    const person = [sex, age ? `${age} y` : "", view].filter(Boolean).join(", ");
    const facts = [person, origin ? `image from ${origin}` : "", method.label];
    byId("facts").textContent = facts.filter(Boolean).join(" · ");
    byId("back").disabled = position <= 1;
  }

  /** @param {number} position @param {number} total @param {number} done @param {string|null} left */
  progress(position, total, done, left) {
    byId("progress-text").textContent = `${position} of ${total}${left ? ` · ${left}` : ""}`;
    byId("progress").max = total;
    byId("progress").value = done;
  }

  /** Nothing of the last example stays to be seen or pressed. */
  clear() {
    byId("example-number").textContent = "Reading";
    for (const id of /** @type {const} */ (["prediction", "facts", "progress-text"])) byId(id).textContent = "";
    for (const id of /** @type {const} */ (["back", "comment", "next"])) byId(id).disabled = true;
    byId("comment").value = "";
  }

  /** Reading has ended here. */
  rest() {
    this.clear();
    byId("progress").hidden = true;
  }

  /** @param {boolean} shown the images and questions, or a message in their place */
  showRoom(shown) {
    byId("reading").hidden = !shown;
    byId("message").hidden = shown;
    const comment = document.querySelector("input#comment"); // the preview has none
    comment?.toggleAttribute("disabled", !shown); // there is nothing to comment on
  }

  /**
   * A sentence where the images would be, and the focus on what to do about it.
   * @param {string} title @param {string} text
   * @param {[string, () => void][]} [buttons] @param {boolean} [list] offer the way to the reading list
   */
  message(title, text, buttons = [], list = false) {
    this.showRoom(false);
    byId("message").replaceChildren(
      make("h2", { text: title }), make("p", { text }),
      make("p", { class: "buttons" },
        ...buttons.map(([label, run]) => make("button", { type: "button", text: label, on: { click: run } })),
        ...(list ? [make("a", { class: "button", href: this.listUrl, text: "To the reading list" })] : [])));
    /** @type {HTMLElement|null} */ (byId("message").querySelector("button, a"))?.focus();
  }

  /** @param {import("./api_types.js").Feedback|null} said practice only */
  feedback(said) {
    const box = byId("feedback");
    box.hidden = said === null;
    if (said === null) return;
    box.replaceChildren(make("strong", { text: said.text }), " ", make("em", { text: "Enter goes on." }));
  }

  get feedbackShown() {
    return !byId("feedback").hidden;
  }

  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @returns {number} side of a panel in CSS pixels, measured before there is one
   */
  panelSide(viewer) {
    const view = make("div", { class: "view" });
    byId("panels").replaceChildren(make("figure", { class: "panel" }, view, make("figcaption"),
      make("div", { class: "panel-controls" })));
    this.showRoom(true);
    viewer.rearrange();
    const side = view.clientWidth;
    byId("panels").replaceChildren();
    this.showRoom(false);
    return side;
  }
}
