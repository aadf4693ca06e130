/** What the reader has entered in this sitting, over what waits in the outbox, over what the server knows. */

export class Entered {
  /**
   * @param {import("./outbox.js").Outbox} outbox
   * @param {import("./types.js").State} state
   */
  constructor(outbox, { study, questions }) {
    this.outbox = outbox;
    this.allowChanges = study.allow_changes;
    this.questions = questions;
    /** @type {Map<number, {answers: Object<string, number>, comment?: string}>} by position */
    this.kept = new Map();
  }

  /**
   * The server's answers, and over them what this browser knows better.
   * @param {import("./types.js").Assignment} assignment
   * @returns {{answers: Object<string, number>, comment: string}}
   */
  at({ position, answers, comment }) {
    const pending = this.outbox.pending(position);
    const here = this.kept.get(position);
    return {
      answers: this.over(position, answers),
      comment: here?.comment ?? pending.comment ?? comment ?? "",
    };
  }

  /** @param {number} position @param {Object<string, number>} answers the server's @returns {Object<string, number>} */
  over(position, answers) {
    return { ...answers, ...this.outbox.pending(position).answers, ...this.kept.get(position)?.answers };
  }

  /** @param {number} position @param {{answers?: Object<string, number>, comment?: string}} news */
  remember(position, { answers = {}, comment }) {
    const old = this.kept.get(position) ?? { answers: {} };
    this.kept.set(position, { answers: { ...old.answers, ...answers }, comment: comment ?? old.comment });
  }

  /**
   * Where a study says so, answers are final once the reader has gone on; held ones have not left yet.
   * @param {number} position @param {Object<string, number>} answers
   */
  isFinal(position, answers) {
    const held = this.outbox.entries.some((entry) => entry.held && entry.position === position);
    return !this.allowChanges && !held && this.questions.every(({ key }) => key in answers);
  }

  clear() {
    this.kept.clear();
  }
}
