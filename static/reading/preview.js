/** One example for the people who run the study: the reading room's viewer and questions, and no way to answer. */
import { viewerActions } from "./actions.js";
import { Api } from "./api.js";
import { tell } from "./dialogs.js";
import { byId } from "./dom.js";
import { returnFocus } from "./focus.js";
import { fillHelp } from "./help.js";
import { Keyboard } from "./keys.js";
import { Page } from "./page.js";
import { Prefetch } from "./prefetch.js";
import { Questions } from "./questions.js";
import { Toolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";

/** Fetches files; the example itself came with the page. */
class PreviewApi extends Api {
  /** @param {import("./types.js").Assignment} assignment */
  constructor(assignment) {
    super("", () => Promise.reject(new Error("Log in again, then reload the page.")), "");
    this.assignment = assignment;
  }

  /** @override */
  get() { return Promise.resolve(this.assignment); }
}

/** @param {string|undefined} url empty where there is no such example */
function go(url) {
  if (url) window.location.assign(url);
}

async function start() {
  const { before, after, back } = document.body.dataset;
  const { study, keys, questions, assignment, missing } = JSON.parse(byId("facts-json").textContent);
  document.body.dataset.script = "on";
  const page = new Page(String(back));
  /** @type {Toolbar|null} */
  let toolbar = null;
  const viewer = new Viewer(byId("panels"), document.body, {
    wlDirection: study.wl_drag_direction, overlayAtFirst: study.overlay_at_first ?? true, columns: study.panel_columns,
    onAction: () => {}, onChange: () => toolbar?.reflect(),
    onExplain: (panel) => void tell(panel.title, panel.what_is_this),
  });
  const form = new Questions(byId("questions"), questions, {
    onAnswer: () => {}, onInput: () => {}, onDone: () => byId("next").focus(),
  });
  const actions = {
    ...viewerActions(viewer), next: () => go(after), back: () => go(before), comment: () => {}, question: () => form.visitNext(),
    help: () => {
      fillHelp(byId("help-dialog"), keyboard);
      byId("help-dialog").showModal();
    },
  };
  toolbar = new Toolbar(byId("toolbar"), actions, viewer);
  const keyboard = new Keyboard(actions, {
    answer: (digit) => form.answer(digit), escape: () => viewer.closeEnlarged(), singleKeys: true, shortcuts: keys,
    keep: null,
  });
  returnFocus(() => form.focus());
  for (const name of /** @type {const} */ (["next", "back", "help"])) byId(name).addEventListener("click", actions[name]);
  page.describe(assignment);
  byId("back").disabled = !before;
  byId("next").disabled = !after;
  byId("notice").textContent = missing.length ? `Not rendered yet: ${missing.join(", ")}.` : "";
  try {
    const loaded = await new Prefetch(new PreviewApi(assignment), 1).get(1);
    page.showRoom(true);
    viewer.show(loaded);
    form.show({}, assignment.not_asked);
    form.setEnabled(true);
    document.body.dataset.shown = String(assignment.position);
  } catch (error) {
    page.message("This example cannot be shown", /** @type {Error} */ (error).message);
  }
}

void start();
