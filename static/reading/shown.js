/** Which panels are on the screen: all of them, the radiograph beside one explanation, or one alone. */

export class Shown {
  constructor() {
    /** The reader's wish; it lives on from example to example. */
    this.pair = false;
    /** @type {number|null} the one alone */
    this.one = null;
    this.at = 0; // which explanation
    this.input = 0;
    this.total = 0;
    /** @type {number[]} */
    this.explanations = [];
  }

  /** Another example. @param {number} total of its panels @param {number} input which of them is the radiograph */
  start(total, input) {
    this.one = null;
    this.at = 0;
    this.input = input;
    this.total = total;
    this.explanations = Array.from({ length: total }, (_, index) => index).filter((index) => index !== input);
  }

  /** @returns {number[]} panels on the screen */
  get indices() {
    if (this.one !== null) return [this.one];
    if (this.paired) return [this.input, this.explanations[this.at]];
    return Array.from({ length: this.total }, (_, index) => index);
  }

  get paired() {
    return this.one === null && this.pair && this.explanations.length > 0;
  }

  /** @returns {"one"|"pair"|"all"} for the record of what was seen */
  get name() {
    if (this.one !== null) return "one";
    return this.paired ? "pair" : "all";
  }

  togglePair() {
    this.pair = this.one !== null || !this.pair;
    this.one = null;
  }

  /** The pair, or in it the next explanation. */
  nextExplanation() {
    if (!this.explanations.length) return;
    if (this.paired) this.at = (this.at + 1) % this.explanations.length;
    this.pair = true;
    this.one = null;
  }

  /** @param {number} most panels that any example of the study has @returns {number} of panels to make room for */
  room(most) {
    // Where the pair is wished for, an example without explanations has the same picture size.
    return this.one !== null ? 1 : Math.min(most, this.pair ? 2 : most);
  }
}
