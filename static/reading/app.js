/** The reading room: one object holds the state; the modules around it each do one thing. */
import { viewerActions } from "./actions.js";
import { cannotShow } from "./cannot_show.js";
import { ask, closeAll, tell } from "./dialogs.js";
import { displayFacts } from "./display_check.js";
import { byId } from "./dom.js";
import { Entered } from "./entered.js";
import { returnFocus } from "./focus.js";
import { CANNOT_KEEP, next } from "./going_on.js";
import { fillHelp } from "./help.js";
import { Keyboard } from "./keys.js";
import { patiently } from "./faults.js";
import { halt, keepRecord } from "./leaving.js";
import { Prefetch } from "./prefetch.js";
import { Questions } from "./questions.js";
import { Status } from "./status.js";
import { Pace } from "./timing.js";
import { Toolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";
import { Visit } from "./visit.js";

const COMMENT_SETTLE_MS = 800;

export class ReadingRoom {
  /**
   * @param {{api: import("./api.js").Api, page: import("./page.js").Page, state: import("./types.js").State,
   *   outbox: import("./outbox.js").Outbox, practice: boolean}} parts
   */
  constructor({ api, page, state, outbox, practice }) {
    this.api = api;
    this.page = page;
    this.state = state;
    this.outbox = outbox;
    this.practice = practice;
    this.total = state.read.total;
    this.done = state.read.done;
    this.position = 0;
    this.closed = false;
    /** @type {Visit|null} null while the images of this example are not on the screen */
    this.visit = null;
    /** Counts openings, so that a slow example cannot replace the one asked for after it. */
    this.turn = 0;
    this.entered = new Entered(outbox, state);
    this.finishing = false;
    /** @type {Promise<void>[]} answers on their way to the disk */
    this.writes = [];
    this.retryTimer = 0;
    this.commentTimer = 0;
    this.displayCheck = {};
    this.pace = new Pace(state.read.seconds_per_example);
    this.status = new Status(byId("save-state"), byId("notice"));
    this.prefetch = new Prefetch(api, this.total);
    this.viewer = new Viewer(byId("panels"), document.body, {
      wlDirection: state.study.wl_drag_direction, overlayAtFirst: state.study.overlay_at_first ?? true,
      columns: state.study.panel_columns ?? 4, onAction: (name) => this.visit?.count(name),
      onChange: () => { this.toolbar?.reflect(); this.keyboard?.label(); },
      onExplain: (panel) => void this.cover(tell(panel.title, panel.what_is_this)),
    });
    this.questions = new Questions(byId("questions"), state.questions, {
      onAnswer: (key, score, before) => this.answer(key, score, before), onInput: () => this.visit?.input(),
      onDone: () => byId("next").focus({ preventScroll: true }),
    });
    const actions = {
      ...viewerActions(this.viewer), next: () => void next(this), back: () => void this.back(),
      help: () => void this.help(), comment: () => byId("comment").focus(),
      question: () => this.questions.visitNext(),
    };
    this.toolbar = new Toolbar(byId("toolbar"), actions, this.viewer);
    this.keyboard = new Keyboard(actions, {
      answer: (digit) => this.digit(digit), escape: () => this.escape(),
      singleKeys: state.study.single_key_shortcuts, shortcuts: state.keys,
      keep: (wish) => api.json("PUT", "preferences/", wish),
    });
    api.covering = (dialog) => this.cover(dialog);
    api.onLost = (problem) => halt(this, problem);
    this.listenToPage(actions);
    this.listenToOutbox();
  }

  /** @param {Object<string, () => void>} actions */
  listenToPage(actions) {
    for (const name of /** @type {const} */ (["next", "back", "help"])) byId(name).addEventListener("click", actions[name]);
    const comment = byId("comment");
    comment.addEventListener("input", () => {
      this.visit?.input();
      clearTimeout(this.commentTimer);
      this.commentTimer = window.setTimeout(() => this.keepComment(), COMMENT_SETTLE_MS);
    });
    keepRecord(this);
    returnFocus(() => this.goHome());
  }

  listenToOutbox() {
    const { outbox, status } = this;
    this.api.onSuccess = () => outbox.networkWorks();
    outbox.addEventListener("acknowledged", (event) => {
      const { entry, reply } = /** @type {CustomEvent} */ (event).detail;
      if (entry.kind === "response" || "comment" in entry.body) status.acknowledged(reply.saved_at);
    });
    outbox.addEventListener("change", () => { if (!this.closed) status.reflect(outbox); });
    outbox.addEventListener("stopped", (event) => halt(this, /** @type {CustomEvent} */ (event).detail.problem));
    status.reflect(outbox);
  }

  // --- one example ------------------------------------------------------------------------------------------------

  /** @param {number} position */
  async open(position) {
    clearTimeout(this.retryTimer);
    this.leave();
    const turn = ++this.turn;
    this.position = position;
    window.history.replaceState(null, "", `#${position}`);
    const visit = new Visit(this.outbox, position, this.state.read.number, this.state.idle_after_ms);
    let loaded = this.prefetch.peek(position);
    if (!loaded) {
      this.viewer.clear();
      this.page.clear();
      this.page.message(`Loading example ${position} of ${this.total} …`, "");
      try {
        loaded = await patiently(this.prefetch.get(position), () => {
          if (turn === this.turn) this.page.message(`Example ${position} takes unusually long to load`,
            "It is shown as soon as it is here. Your answers are kept.", [["Reload the page", () => location.reload()]], true);
        });
      } catch (error) {
        visit.watch.stop();
        if (turn === this.turn) cannotShow(this, visit, /** @type {Error} */ (error));
        return;
      }
      if (turn !== this.turn) {
        visit.watch.stop();
        return;
      }
    }
    this.show(loaded, visit);
    const shown = loaded;
    // After the frame that shows the images: only then was the stimulus on the screen.
    requestAnimationFrame(() => setTimeout(() => { if (turn === this.turn) this.shown(shown, visit); }));
  }

  /** @param {import("./types.js").Loaded} loaded @param {Visit} visit */
  show(loaded, visit) {
    const { assignment } = loaded;
    const { answers, comment } = this.entered.at(assignment);
    this.visit = visit;
    this.describe(assignment);
    this.page.showRoom(true);
    window.scrollTo(0, 0); // the images first, where the page scrolls
    this.page.feedback(null);
    this.viewer.show(loaded);
    this.questions.show(answers, assignment.not_asked);
    byId("comment").value = comment;
    this.entered.remember(assignment.position, { answers, comment });
    this.final = this.entered.isFinal(assignment.position, answers);
  }

  /** @param {import("./types.js").Loaded} loaded @param {Visit} visit */
  shown({ assignment, files }, visit) {
    visit.imagesReadyMs = visit.watch.elapsedMs;
    void visit.announce(assignment.visit_token, this.displayFacts(), files);
    this.status.say("final", this.final ? "This example is answered; in this study answers cannot be changed." : "");
    this.questions.setEnabled(!this.final);
    byId("next").disabled = false;
    this.goHome();
    document.body.dataset.shown = String(assignment.position);
    void this.prefetch.warm(assignment.position);
  }

  displayFacts() {
    return {
      ...displayFacts(this.viewer.panelPx), panels_shown: this.viewer.shown.name, view: this.viewer.settings,
      check: this.displayCheck,
    };
  }

  /** @param {import("./types.js").Assignment} assignment */
  describe(assignment) {
    const done = Math.max(this.done, assignment.position - 1);
    this.page.describe(assignment);
    this.page.progress(assignment.position, this.total, done, this.pace.left(this.total - done));
  }

  /** The focus goes to the question that is next, or to Next. */
  goHome() {
    if (!this.visit || document.querySelector("dialog[open]")) return;
    if (this.final) byId("next").focus({ preventScroll: true });
    else this.questions.focus();
  }

  // --- answers ----------------------------------------------------------------------------------------------------

  /** @param {number} digit */
  digit(digit) {
    const why = this.visit ? this.questions.answer(digit) : "";
    if (why) this.status.say("missing", why);
  }

  /** @param {string} key @param {number} score @param {number} [before] what it replaces */
  answer(key, score, before) {
    if (!this.visit) return;
    this.entered.remember(this.position, { answers: { [key]: score } });
    this.status.say("missing", before === undefined ? "" : `Question ${
      1 + this.questions.questions.findIndex((question) => question.key === key)}: ${before} is changed to ${score}.`);
    this.writes.push(this.visit.answer(key, score, !this.state.study.allow_changes).then(
      () => this.status.say("disk", ""),
      () => {
        this.questions.unsettle(key);
        this.status.say("disk", CANNOT_KEEP);
      },
    ));
  }

  keepComment() {
    clearTimeout(this.commentTimer);
    this.commentTimer = 0;
    if (!this.visit) return;
    this.visit.comment = byId("comment").value;
    this.entered.remember(this.position, { comment: this.visit.comment });
    void this.visit.update();
  }

  /** Bring the record of the example on the screen up to date. */
  keepTimes() {
    const { visit } = this;
    if (!visit || visit.imagesReadyMs === null) return;
    visit.loops = this.viewer.loops;
    void visit.update();
  }

  async back() {
    if (this.position > 1 && !this.closed) await this.open(this.position - 1);
  }

  /** End the visit to the example on the screen. */
  leave() {
    const { visit } = this;
    delete document.body.dataset.shown;
    if (!visit) return;
    this.putDown(false);
    this.visit = null;
    if (visit.imagesReadyMs === null) visit.watch.stop(); // left before it was seen: no visit
    else void visit.close();
    this.questions.setEnabled(false);
    byId("next").disabled = true;
    this.status.say("missing", "");
  }

  /** Keep everything, for the page may be about to go away. @param {boolean} record the visit's times as well */
  putDown(record = true) {
    const { visit } = this;
    if (!visit) return;
    this.questions.settle();
    if (this.commentTimer) this.keepComment();
    visit.loops = this.viewer.loops;
    if (record) this.keepTimes();
  }

  /** Stop for good: keep what there is and take nothing more. The caller says why. */
  close() {
    this.closed = true;
    this.turn++;
    clearTimeout(this.retryTimer);
    this.leave();
    this.outbox.stop();
    this.prefetch.clear();
    this.viewer.clear();
    this.page.rest();
    closeAll();
  }

  // --- dialogs ----------------------------------------------------------------------------------------------------

  escape() {
    if (document.activeElement === byId("comment")) this.goHome();
    else this.viewer.closeEnlarged();
  }

  async help() {
    const dialog = byId("help-dialog");
    this.visit?.count("help");
    fillHelp(dialog, this.keyboard);
    dialog.showModal();
    await this.cover(new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true })));
  }

  /** @param {string} title @param {string} text @param {import("./dialogs.js").Choice[]} choices @param {Node} [more] */
  ask(title, text, choices, more) {
    return this.cover(ask(byId("ask-dialog"), title, text, choices, more));
  }

  /**
   * Time under a dialog is not time looking at the images.
   * @template T @param {Promise<T>} dialog @returns {Promise<T>}
   */
  async cover(dialog) {
    const watch = this.visit?.watch;
    watch?.hold("dialog");
    return dialog.finally(() => {
      watch?.go("dialog");
      // Not to the control that opened it, where Enter would open it again; but a comment goes on.
      if (document.activeElement !== byId("comment")) this.goHome();
    });
  }
}
