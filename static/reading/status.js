/** What the reader is told about saving ("Saved 14:02:11" only for what the server acknowledged) and about trouble. */

/** @param {number} count @param {string} noun @param {string} [plural] */
export function counted(count, noun, plural = `${noun}s`) {
  return `${count} ${count === 1 ? noun : plural}`;
}

/**
 * What the server does not take in this sitting, and its reason for the first: the others may follow from that.
 * @param {import("./outbox.js").Outbox} outbox @returns {string} "" when it has refused nothing
 */
export function refusal(outbox) {
  const refused = outbox.entries.filter((entry) => entry.refused);
  if (!refused.length) return "";
  const answers = outbox.unsent.filter((entry) => entry.refused).length;
  const others = refused.filter((entry) => !outbox.unsent.includes(entry));
  const visits = new Set(others.map((entry) => entry.key.split(":").at(-1))).size; // opening and times are one visit
  const what = [visits && counted(visits, "visit"), answers && counted(answers, "answer")].filter(Boolean).join(" and ");
  return `The server did not take ${what}: ${refused[0].refused} Please tell the study team.`;
}

export class Status {
  /** @param {HTMLElement} saved a status region @param {HTMLElement} notice an alert region */
  constructor(saved, notice) {
    this.saved = saved;
    this.notice = notice;
    /** @type {Map<string, string>} sentence by subject */
    this.sentences = new Map();
    this.lastSaved = "";
  }

  /** @param {string} savedAt ISO time of the server */
  acknowledged(savedAt) {
    const time = new Date(savedAt);
    if (!Number.isNaN(time.getTime())) this.lastSaved = `Saved ${time.toTimeString().slice(0, 8)}`;
  }

  /** @param {import("./outbox.js").Outbox} outbox */
  reflect(outbox) {
    const waiting = outbox.unsent.filter((entry) => !entry.refused);
    const held = waiting.filter((entry) => entry.held).length;
    const unsent = waiting.length - held;
    let text = this.lastSaved;
    if (unsent && outbox.waiting) text = `Not sent yet: ${unsent}`;
    else if (unsent) text = "Saving…";
    else if (held) text = "Saved when you go on";
    if (this.saved.textContent !== text) this.saved.textContent = text;
    const kept = unsent ? `${counted(unsent, "answer")} ${unsent === 1 ? "is" : "are"}` : "your answers are";
    this.say("network", outbox.waiting
      ? `${outbox.trouble} You can go on: ${kept} kept on this computer and sent by ${
        unsent === 1 ? "itself" : "themselves"} when it is back.` : "");
    this.say("aside", outbox.aside.length
      ? "Set aside on this computer's disk, because it cannot be read, and not sent: "
        + `${counted(outbox.aside.length, "entry", "entries")} (${outbox.aside[0]}). Please tell the study team.` : "");
    this.say("refused", refusal(outbox));
  }

  clear() {
    this.sentences.clear();
    this.notice.textContent = this.saved.textContent = "";
  }

  /** @param {string} subject @param {string} sentence "" when there is nothing to say any more */
  say(subject, sentence) {
    if (sentence) this.sentences.set(subject, sentence);
    else this.sentences.delete(subject);
    const text = [...this.sentences.values()].join(" ");
    if (this.notice.textContent !== text) this.notice.textContent = text;
  }
}
