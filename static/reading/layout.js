/**
 * Where panels, toolbar and questions go, so that the pictures are as large as the window allows. Heights are measured,
 * not assumed: text size, zoom and the number of questions all change them. The style sheet draws what
 * `data-arrangement` says: "below" (questions under the panels), "beside" (in a column on the right), or, where neither
 * leaves room for pictures, "flow": the page scrolls and nothing lies over anything.
 */

const SMALLEST_PX = 200; // smaller pictures are no use: better to scroll
const SMALLEST_ALONE_PX = 300; // one alone is there to be large
const FLOW_PX = 280; // of a picture in a page that scrolls, where the width allows
const FOLD_GAIN = 1.02; // the toolbar folds by itself where that gives the pictures more than this

/**
 * @typedef {{arrangement: "below"|"beside"|"flow", folded: boolean, columns: number, side: number}} Plan
 * `side`: of a picture, in CSS pixels
 */

/**
 * The largest squares, each with a caption under it, that a box takes.
 * @param {number} count @param {number} width @param {number} height
 * @param {number} caption height under each @param {number} gap between them
 * @param {boolean} pair two to be compared stand side by side, also where one above the other would be larger
 * @returns {{columns: number, side: number}}
 */
export function largest(count, width, height, caption, gap, pair) {
  const fits = (pair ? [2] : Array.from({ length: count }, (_, i) => i + 1)).map((columns) => {
    const rows = Math.ceil(count / columns);
    const wide = (width - (columns - 1) * gap) / columns;
    const high = (height - (rows - 1) * gap) / rows - caption;
    return { columns, side: Math.floor(Math.min(wide, high)) };
  });
  return fits.reduce((best, fit) => (fit.side >= best.side ? fit : best));
}

export class Layout {
  /** @param {HTMLElement} room carries the attributes for the style sheet @param {HTMLElement} panels */
  constructor(room, panels) {
    this.room = room;
    this.panels = panels;
    this.reading = /** @type {HTMLElement} */ (panels.parentElement);
    /** @type {boolean|null} what the reader wants of the toolbar; null: whatever serves the pictures */
    this.fold = null;
    this.count = 0;
    this.pair = false;
    this.request = 0;
    const watch = new ResizeObserver(() => this.again());
    for (const part of [this.reading, ...this.reading.children]) if (part !== panels) watch.observe(part);
    window.addEventListener("resize", () => this.again());
  }

  get folded() {
    return this.room.hasAttribute("data-folded");
  }

  /** The next frame, for an observer must not change what it observes. */
  again() {
    if (this.request || !this.count) return;
    this.request = requestAnimationFrame(() => { this.request = 0; this.arrange(this.count, this.pair); });
  }

  /** @param {number} count of panels to make room for; fewer may be there @param {boolean} [pair] */
  arrange(count, pair = false) {
    this.count = count;
    this.pair = pair;
    if (!this.reading.offsetParent) return; // a message stands in its place
    const caption = this.caption();
    const plans = (this.fold === null ? [false, true] : [this.fold]).flatMap((folded) => (
      [this.try("below", folded, count, caption), this.try("beside", folded, count, caption)]));
    const worth = (/** @type {Plan} */ { side, folded }) => (folded && this.fold === null ? side / FOLD_GAIN : side);
    const best = plans.reduce((most, plan) => (worth(plan) > worth(most) ? plan : most));
    this.apply(best.side >= (count === 1 ? SMALLEST_ALONE_PX : SMALLEST_PX) ? best : this.flow(count));
  }

  /** @returns {number} height under a picture; measured where there is one */
  caption() {
    const panel = /** @type {HTMLElement|null} */ (this.panels.querySelector(".panel:not([hidden])"));
    const view = /** @type {HTMLElement|null} */ (panel?.querySelector(".view"));
    return panel && view ? panel.offsetHeight - view.offsetHeight : 0;
  }

  /**
   * @param {"below"|"beside"} arrangement @param {boolean} folded @param {number} count @param {number} caption
   * @returns {Plan}
   */
  try(arrangement, folded, count, caption) {
    const { reading } = this;
    this.mark(arrangement, folded);
    reading.toggleAttribute("data-measuring", true); // without the panels
    const parts = /** @type {HTMLElement[]} */ ([...reading.children]).filter((part) => part.offsetHeight);
    const gap = parseFloat(getComputedStyle(reading).rowGap);
    const rest = parts.reduce((height, part) => height + part.offsetHeight + gap, 0);
    reading.style.setProperty("--rows", String(parts.length));
    let { clientWidth: width, clientHeight: height } = reading;
    if (arrangement === "below") height -= rest;
    else if (rest - gap > height) height = 0; // the column itself does not fit
    else width = parts[0].offsetLeft - reading.offsetLeft - parseFloat(getComputedStyle(reading).columnGap);
    reading.toggleAttribute("data-measuring", false);
    return { arrangement, folded, ...largest(count, width, height, caption, this.gap, this.pair) };
  }

  /** @param {number} count @returns {Plan} */
  flow(count) {
    const folded = this.fold ?? false;
    this.mark("flow", folded);
    const width = this.reading.clientWidth;
    const most = Math.max(1, Math.min(count, Math.floor((width + this.gap) / (FLOW_PX + this.gap))));
    const columns = Math.ceil(count / Math.ceil(count / most)); // four in two rows of two, not three and one
    const wide = (width - (columns - 1) * this.gap) / columns;
    const high = Math.max(FLOW_PX + 40, window.innerHeight - this.caption()); // seen whole, if that is not too small
    return { arrangement: "flow", folded, columns, side: Math.floor(Math.min(wide, high)) };
  }

  get gap() {
    return parseFloat(getComputedStyle(this.panels).columnGap) || 0;
  }

  /** @param {string} arrangement @param {boolean} folded */
  mark(arrangement, folded) {
    this.room.dataset.arrangement = arrangement;
    this.room.toggleAttribute("data-folded", folded);
  }

  /** @param {Plan} plan */
  apply({ arrangement, folded, columns, side }) {
    this.mark(arrangement, folded);
    const { style } = document.documentElement;
    style.setProperty("--columns", String(columns));
    style.setProperty("--panel", `${side}px`);
  }
}
