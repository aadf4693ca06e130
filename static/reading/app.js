/** The reading room: one object holds the state; the modules around it each do one thing. */
import { Api, isPassing, Problem } from "./api.js";
import { ask, tell } from "./dialogs.js";
import { displayCheck, displayFacts } from "./display_check.js";
import { byId, make } from "./dom.js";
import { finishRead } from "./finish.js";
import { fillHelp, Keyboard } from "./keys.js";
import { Outbox } from "./outbox.js";
import { MissingImages, Prefetch } from "./prefetch.js";
import { Questions } from "./questions.js";
import { askPassword } from "./session.js";
import { Status } from "./status.js";
import { Tab } from "./tabs.js";
import { Pace } from "./timing.js";
import { Toolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";
import { Visit } from "./visit.js";

const RETRY_OPENING_MS = 4000;
const COMMENT_SETTLE_MS = 800;
const TAKE_OVER = "reading:take-over";

export class ReadingRoom {
  /** @param {DOMStringMap} config data-api, data-session-url, data-list-url, data-study */
  constructor(config) {
    this.config = config;
    this.api = new Api(String(config.api), () => this.logIn());
    this.status = new Status(byId("save-state"), byId("notice"));
    this.position = 0;
    /** @type {Visit|null} null while the images of this example are not on the screen */
    this.visit = null;
    /** Counts openings, so that a slow example cannot replace the one asked for after it. */
    this.turn = 0;
    /** @type {Map<number, {answers: Object<string, number>, comment?: string}>} entered in this sitting */
    this.entered = new Map();
    /** @type {Promise<void>[]} answers on their way to the disk */
    this.writes = [];
    this.retryTimer = 0;
    this.commentTimer = 0;
  }

  // --- starting ---------------------------------------------------------------------------------------------------

  async start() {
    this.message("Opening the read …", "");
    const takeOver = sessionStorage.getItem(TAKE_OVER) !== null;
    sessionStorage.removeItem(TAKE_OVER);
    this.tab = new Tab(String(this.config.api), () => this.lost());
    if (!await this.tab.hold(takeOver)) {
      this.elsewhere("This read is open in another tab");
      return;
    }
    await this.connect();
  }

  /** Ask for the state of the read until the server answers. */
  async connect() {
    clearTimeout(this.retryTimer);
    try {
      await this.prepare();
    } catch (error) {
      if (error instanceof DOMException) {
        this.message("Reading is not possible in this browser window",
          "It does not let the page keep answers safely (a private window, or a full disk). Open the page in a normal window.");
      } else if (isPassing(error)) {
        this.retryTimer = window.setTimeout(() => void this.connect(), RETRY_OPENING_MS);
        this.message("The server cannot be reached", "The page tries again by itself every few seconds.",
          [["Try again now", () => void this.connect()]]);
      } else if (error instanceof Problem) {
        this.message("The read cannot be opened", error.message, [], true);
      } else throw error;
    }
  }

  async prepare() {
    let state = await this.api.get("state/");
    this.api.reader = state.reader;
    const outbox = await Outbox.open(`${this.config.api} ${state.reader}`, this.api);
    if (outbox.entries.some((entry) => !entry.held)) {
      // Left by a killed browser or a lost network: sent before anything is shown, so that the place is right.
      await outbox.flush();
      state = await this.api.get("state/");
    }
    await this.enter(state, outbox);
  }

  /** @param {import("./types.js").State} state @param {Outbox} outbox */
  async enter(state, outbox) {
    this.state = state;
    this.outbox = outbox;
    const { study, read, reader } = state;
    document.title = study.title;
    byId("simulated").hidden = !state.simulated;
    if (read.state !== "open") {
      const why = { waiting: "Your next read is not open yet.", finished: "This read is finished. Thank you.",
        none: "There is nothing for you to read in this study." }[read.state];
      this.message("No read is open", why ?? "", [], true);
      return;
    }
    this.answered = read.done;
    this.pace = new Pace(read.seconds_per_example);
    this.prefetch = new Prefetch(this.api, read.total);
    this.buildRoom(study, reader);
    this.listenToOutbox();
    const first = this.firstPosition(read);
    void this.prefetch.parcel(first).decode(); // loads while the reader looks at the ramp
    this.display = await displayCheck(byId("display-dialog"), `display:${this.config.api}:${reader}`, this.panelSide());
    await this.open(first);
  }

  /** @param {import("./types.js").ReadFacts} read */
  firstPosition({ resume_position: resume, total }) {
    const asked = Number(window.location.hash.slice(1)); // a reload stays where it was
    const furthest = Math.min(Math.max(1, resume), total);
    return Number.isInteger(asked) && asked >= 1 ? Math.min(asked, furthest) : furthest;
  }

  /** @param {import("./types.js").StudyFacts} study @param {string} reader */
  buildRoom(study, reader) {
    document.documentElement.style.setProperty("--columns", String(study.panel_columns ?? 4));
    this.viewer = new Viewer(byId("panels"), document.body, {
      wlDirection: study.wl_drag_direction, onAction: (name) => this.visit?.count(name),
      onChange: () => this.toolbar?.reflect(), onExplain: (panel) => void this.cover(tell(panel.title, panel.what_is_this)),
    });
    const actions = this.actions();
    this.toolbar = new Toolbar(byId("toolbar"), actions, this.viewer);
    this.questions = new Questions(byId("questions"), this.state?.questions ?? [], {
      onAnswer: (key, score) => this.answer(key, score), onInput: () => this.visit?.input(),
    });
    this.keyboard = new Keyboard(actions, {
      answer: (digit) => this.questions?.answer(digit) ?? false, escape: () => this.escape(),
      enabled: study.single_key_shortcuts, storageKey: `single-keys:${study.slug}:${reader}`,
    });
    this.listenToPage(actions);
  }

  /** @param {Object<string, () => void>} actions */
  listenToPage(actions) {
    byId("next").addEventListener("click", () => actions.next());
    byId("back").addEventListener("click", () => actions.back());
    byId("help").addEventListener("click", () => actions.help());
    const comment = byId("comment");
    comment.addEventListener("input", () => {
      this.visit?.input();
      clearTimeout(this.commentTimer);
      this.commentTimer = window.setTimeout(() => this.keepComment(), COMMENT_SETTLE_MS);
    });
    comment.addEventListener("change", () => this.keepComment());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.putDown(); });
    window.addEventListener("pagehide", () => this.putDown());
  }

  listenToOutbox() {
    const outbox = /** @type {Outbox} */ (this.outbox);
    this.api.onSuccess = () => outbox.networkWorks();
    outbox.addEventListener("acknowledged", (event) => {
      const { entry, reply } = /** @type {CustomEvent} */ (event).detail;
      if (entry.kind !== "visit" && reply.saved_at) this.status.acknowledged(reply.saved_at);
    });
    outbox.addEventListener("change", () => this.status.reflect(outbox));
    outbox.addEventListener("wrong-reader", () => this.close("Someone else has logged in on this browser",
      `Reading stops here. Your answers are kept on this computer; log in as ${this.state?.reader} and open the read `
      + "again, and they are sent.", [], true));
    this.status.reflect(outbox);
  }

  actions() {
    const viewer = /** @type {Viewer} */ (this.viewer);
    const zoom = 1.25, pan = 0.1, step = 0.05;
    return {
      next: () => void this.next(), back: () => void this.back(), comment: () => byId("comment").focus(),
      help: () => void this.help(),
      overlay: () => viewer.toggleOverlay(), fainter: () => viewer.setOpacity(viewer.state.opacity - 0.1),
      stronger: () => viewer.setOpacity(viewer.state.opacity + 0.1),
      enlarge: () => viewer.enlarge(), nextPanel: () => viewer.nextPanel(), whole: () => viewer.toggleWhole(),
      play: () => viewer.animate("toggle"), frameZero: () => viewer.animate("toZero"),
      frameBack: () => viewer.stepBy(-1), frameOn: () => viewer.stepBy(1),
      zoomIn: () => viewer.zoomBy(zoom), zoomOut: () => viewer.zoomBy(1 / zoom),
      panLeft: () => viewer.panBy(pan, 0), panRight: () => viewer.panBy(-pan, 0),
      panUp: () => viewer.panBy(0, pan), panDown: () => viewer.panBy(0, -pan),
      brighter: () => viewer.windowBy(step, 0), darker: () => viewer.windowBy(-step, 0),
      harder: () => viewer.windowBy(0, -step), softer: () => viewer.windowBy(0, step),
      invert: () => viewer.invert(), tool: () => viewer.toggleTool(), reset: () => viewer.reset(),
    };
  }

  panelSide() {
    // Measured on an empty panel, since the check comes before the first example.
    const probe = make("figure", { class: "panel" }, make("div", { class: "view" }));
    byId("panels").replaceChildren(probe);
    this.showRoom(true);
    const side = /** @type {HTMLElement} */ (probe.firstChild).clientWidth;
    probe.remove();
    this.showRoom(false);
    return side;
  }

  // --- one example ------------------------------------------------------------------------------------------------

  /** @param {number} position */
  async open(position) {
    clearTimeout(this.retryTimer);
    this.leave();
    const prefetch = /** @type {Prefetch} */ (this.prefetch);
    const turn = ++this.turn;
    this.position = position;
    window.history.replaceState(null, "", `#${position}`);
    const visit = new Visit(/** @type {Outbox} */ (this.outbox), position, this.state?.read.number ?? 0);
    let loaded = prefetch.peek(position);
    if (!loaded) {
      this.viewer?.clear();
      this.message(`Loading example ${position} of ${this.state?.read.total} …`, "");
      try {
        loaded = await prefetch.get(position);
      } catch (error) {
        if (turn === this.turn) this.cannotShow(position, visit, /** @type {Error} */ (error));
        return;
      }
      if (turn !== this.turn) return;
    }
    this.show(loaded, visit);
    // After the frame that shows the images: only then was the stimulus on the screen.
    requestAnimationFrame(() => setTimeout(() => {
      if (turn === this.turn && loaded) this.shown(loaded, visit);
    }));
  }

  /** @param {import("./types.js").Loaded} loaded @param {Visit} visit */
  show(loaded, visit) {
    const { assignment } = loaded;
    const entered = this.enteredAt(assignment);
    this.describe(assignment);
    this.showRoom(true);
    this.viewer?.show(loaded);
    this.questions?.show(entered.answers);
    byId("comment").value = entered.comment;
    this.showFeedback(null);
    this.visit = visit;
    this.atFirst = { ...assignment.answers };
  }

  /** @param {import("./types.js").Loaded} loaded @param {Visit} visit */
  shown(loaded, visit) {
    const { assignment, files } = loaded;
    visit.imagesReadyMs = visit.watch.elapsedMs;
    void visit.announce(assignment.visit_token, this.displayFacts(), files);
    const final = !this.state?.study.allow_changes && Object.keys(this.atFirst ?? {}).length > 0;
    this.status.say("final", final ? "This example is answered; in this study answers cannot be changed." : "");
    this.questions?.setEnabled(!final);
    if (!final && !document.querySelector("dialog[open]")) this.questions?.focus();
    byId("next").disabled = false;
    document.body.dataset.shown = String(assignment.position);
    void this.prefetch?.warm(assignment.position);
  }

  displayFacts() {
    return { ...displayFacts(this.viewer?.panelPx ?? 0), check: this.display };
  }

  /** The server's answers, and over them what this browser knows better. @param {import("./types.js").Assignment} facts */
  enteredAt({ position, answers, comment }) {
    const pending = this.outbox?.pending(position);
    const here = this.entered.get(position);
    return {
      answers: { ...answers, ...pending?.answers, ...here?.answers },
      comment: here?.comment ?? pending?.comment ?? comment ?? "",
    };
  }

  /** @param {import("./types.js").Assignment} assignment */
  describe({ position, total, example, method, practice }) {
    const { number, pathology, probability_percent: percent, sex, age } = example;
    byId("example-number").textContent = practice ? `Practice ${position}` : `Example ${number}`;
    byId("prediction").textContent = `${pathology}, ${percent} %`;
    const person = [sex, age === null || age === "" ? "" : `${age} y`].filter(Boolean).join(", ");
    byId("facts").textContent = [person, method.label].filter(Boolean).join(" · ");
    this.reflectProgress(position, total);
    byId("back").disabled = position <= 1;
  }

  /** @param {number} position @param {number} total */
  reflectProgress(position, total) {
    const left = this.pace?.left(total - Math.max(this.answered ?? 0, position - 1));
    byId("progress-text").textContent = `${position} of ${total}${left ? ` · ${left}` : ""}`;
    byId("progress").max = total;
    byId("progress").value = Math.max(this.answered ?? 0, position - 1);
  }

  /** @param {number} position @param {Visit} visit @param {Error} error */
  cannotShow(position, visit, error) {
    visit.watch.stop();
    const again = /** @type {[string, () => void]} */ (["Try again", () => void this.open(position)]);
    const back = /** @type {[string, () => void][]} */ (
      position > 1 ? [["Back", () => void this.open(position - 1)]] : []);
    if (error instanceof MissingImages) {
      const passing = error.failures.every(({ error: cause }) => isPassing(cause));
      if (passing) this.retryTimer = window.setTimeout(() => void this.open(position), RETRY_OPENING_MS);
      this.describe(error.assignment);
      if (!passing) {
        void visit.announce(error.assignment.visit_token, this.displayFacts(), [], error.failures.map(({ title }) => title));
      }
      this.message("This example cannot be read now", `${error.message} Without all its images no answer is taken.`,
        passing ? [again, ...back] : [again, ...back, ["Go on without answering", () => void this.goOn(position)]]);
    } else if (isPassing(error)) {
      this.retryTimer = window.setTimeout(() => void this.open(position), RETRY_OPENING_MS);
      this.message("The network is away",
        `Example ${position} is not on this computer yet. Your answers are kept; the page tries again by itself.`,
        [again, ...back]);
    } else if (error instanceof Problem) {
      this.message("This example cannot be shown", error.message, [again, ...back], true);
    } else {
      this.message("This example cannot be shown", "Reload the page; your answers are kept.", [again, ...back]);
      throw error;
    }
  }

  // --- answers ----------------------------------------------------------------------------------------------------

  /** @param {string} key @param {number} score */
  answer(key, score) {
    const { visit } = this;
    if (!visit || !this.state) return;
    this.remember({ answers: { [key]: score } });
    const write = visit.answer(key, score, !this.state.study.allow_changes).catch(() => this.status.say("disk",
      "An answer could not be kept on this computer (is the disk full?). Do not close the page; tell the study team."));
    this.writes.push(write);
    this.status.say("missing", "");
  }

  /** @param {{answers?: Object<string, number>, comment?: string}} news */
  remember({ answers = {}, comment }) {
    const old = this.entered.get(this.position) ?? { answers: {} };
    this.entered.set(this.position, { answers: { ...old.answers, ...answers }, comment: comment ?? old.comment });
  }

  keepComment() {
    clearTimeout(this.commentTimer);
    this.commentTimer = 0;
    if (!this.visit) return;
    const comment = byId("comment").value;
    this.visit.comment = comment;
    this.remember({ comment });
    void this.visit.update();
  }

  /** Enter: everything answered, kept, and on to the next. */
  async next() {
    const { visit, questions, position } = this;
    if (!visit || !questions || visit.imagesReadyMs === null) return;
    questions.settle();
    const open = questions.firstUnanswered();
    if (open >= 0) {
      this.status.say("missing", `Question ${open + 1} has no answer yet.`);
      questions.focus(open);
      return;
    }
    await Promise.all(this.writes.splice(0));
    await this.outbox?.release(position);
    if (this.visit !== visit) return; // Enter pressed twice
    if (await this.teach(visit)) return;
    this.answered = Math.max(this.answered ?? 0, position);
    this.pace?.add(visit.watch.visibleMs);
    await this.goOn(position);
  }

  /** @param {number} position */
  async goOn(position) {
    if (position < (this.state?.read.total ?? 0)) await this.open(position + 1);
    else await finishRead(this);
  }

  async back() {
    if (this.position > 1 && this.outbox) await this.open(this.position - 1);
  }

  /**
   * Practice only: the truth, after all questions are answered.
   * @param {Visit} visit @returns {Promise<boolean>} whether it was just shown
   */
  async teach(visit) {
    const feedback = byId("feedback");
    if (!this.practice || !feedback.hidden) return false;
    await this.outbox?.flush();
    try {
      const said = await this.api.get(`feedback/${visit.position}/`);
      if (this.visit === visit) this.showFeedback(said);
      return true;
    } catch (error) {
      if (!(error instanceof Problem) && !isPassing(error)) throw error;
      return false; // practice goes on without it
    }
  }

  get practice() {
    return this.config.practice !== undefined;
  }

  /** @param {{truth: boolean, text: string}|null} said */
  showFeedback(said) {
    const box = byId("feedback");
    box.hidden = said === null;
    box.replaceChildren(...(said === null ? [] : [
      make("strong", { text: said.truth ? "The finding is there: the model is right. " : "The finding is not there: the model is wrong. " }),
      said.text, " ", make("em", { text: "Enter goes on." })]));
  }

  /** End the visit to the example on the screen. */
  leave() {
    const { visit, viewer } = this;
    delete document.body.dataset.shown;
    if (!visit) return;
    this.putDown(false);
    this.visit = null;
    visit.loops = viewer?.loops ?? 0;
    if (visit.imagesReadyMs === null) visit.watch.stop(); // left before it was seen: no visit
    else void visit.close();
    this.questions?.setEnabled(false);
    byId("next").disabled = true;
    this.status.say("missing", "");
  }

  /** Keep everything, for the page may be about to go away. */
  putDown(record = true) {
    const { visit } = this;
    if (!visit) return;
    this.questions?.settle();
    if (this.commentTimer) this.keepComment();
    visit.loops = this.viewer?.loops ?? 0;
    if (record && visit.imagesReadyMs !== null) void visit.update();
  }

  // --- around the example -----------------------------------------------------------------------------------------

  escape() {
    if (document.activeElement === byId("comment")) this.questions?.focus();
    else this.viewer?.closeEnlarged();
  }

  async help() {
    const dialog = byId("help-dialog");
    this.visit?.count("help");
    fillHelp(dialog, /** @type {Keyboard} */ (this.keyboard));
    dialog.showModal();
    await this.cover(new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true })));
  }

  /** Time under a dialog is not time looking at the images. @template T @param {Promise<T>} dialog @returns {Promise<T>} */
  async cover(dialog) {
    const watch = this.visit?.watch;
    watch?.hold("dialog");
    return dialog.finally(() => watch?.go("dialog"));
  }

  /** @returns {Promise<void>} */
  logIn() {
    const send = (/** @type {string} */ password) => (
      this.api.json("POST", String(this.config.sessionUrl), { password }, { tryLogIn: false }));
    return this.cover(askPassword(byId("session-dialog"), send));
  }

  lost() {
    this.close("", "");
    this.elsewhere("This read has moved to another tab");
  }

  /** @param {string} title */
  elsewhere(title) {
    this.message(title, "Only one tab reads at a time, so that nothing is answered twice. Every answer given here is kept.",
      [["Read here instead", () => { sessionStorage.setItem(TAKE_OVER, "yes"); window.location.reload(); }]], true);
  }

  /** Stop for good: keep what there is and take nothing more. */
  close(/** @type {string} */ title, /** @type {string} */ text, /** @type {[string, () => void][]} */ buttons = [], list = false) {
    this.turn++;
    clearTimeout(this.retryTimer);
    this.leave();
    this.outbox?.stop();
    this.prefetch?.clear();
    this.viewer?.clear();
    document.querySelectorAll("dialog[open]").forEach((dialog) => /** @type {HTMLDialogElement} */ (dialog).close());
    this.message(title, text, buttons, list);
  }

  /** @param {boolean} shown the images and questions, or a message in their place */
  showRoom(shown) {
    byId("reading").hidden = !shown;
    byId("message").hidden = shown;
  }

  /**
   * A full-page sentence where the images would be.
   * @param {string} title @param {string} text
   * @param {[string, () => void][]} [buttons] @param {boolean} [list] offer the way to the reading list
   */
  message(title, text, buttons = [], list = false) {
    this.showRoom(false);
    byId("message").replaceChildren(
      make("h2", { text: title }), make("p", { text }),
      make("p", { class: "buttons" },
        ...buttons.map(([label, run]) => make("button", { type: "button", text: label, on: { click: run } })),
        ...(list ? [make("a", { class: "button", href: this.config.listUrl, text: "To the reading list" })] : [])));
  }

  /** @param {string} title @param {string} text @param {{label: string, value: string, primary?: boolean}[]} buttons */
  ask(title, text, buttons) {
    return this.cover(ask(byId("ask-dialog"), title, text, buttons));
  }
}
