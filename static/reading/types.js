/**
 * What the page holds; what the API takes and sends is api_types.js's, under the same names. Types only: this file is never
 * loaded by the page.
 *
 * @typedef {import("./api_types.js").Assignment} Assignment
 * @typedef {import("./api_types.js").ExampleFacts} ExampleFacts
 * @typedef {import("./api_types.js").Field} Field
 * @typedef {import("./api_types.js").ImageFacts} ImageFacts
 * @typedef {import("./api_types.js").PanelFacts} PanelFacts
 * @typedef {import("./api_types.js").Question} Question
 * @typedef {import("./api_types.js").ReadFacts} ReadFacts
 * @typedef {import("./api_types.js").Shortcut} Shortcut
 * @typedef {import("./api_types.js").State} State
 * @typedef {import("./api_types.js").StudyFacts} StudyFacts
 * @typedef {keyof import("./api_types.js").ViewerActions} Action what the server counts
 *
 * @typedef {{width: number, height: number, bits: number, samples: Uint8Array|Uint16Array}} Samples
 * @typedef {{width: number, height: number, rgba: Uint8Array}} Layer a heat map's pixels; alpha not multiplied in
 * @typedef {import("./api_types.js").FileShown} FileFacts
 *
 * @typedef {object} Loaded everything needed to show one example without the network
 * @property {Assignment} assignment
 * @property {FileFacts[]} files
 * @property {Samples[]} levels the radiograph at full, half, quarter ... size
 * @property {Map<string, Layer>} layers by panel key
 * @property {Map<string, Samples[]>} strips frames by panel key
 *
 * @typedef {{[E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void}} Listeners
 * @typedef {{text?: string|number, on?: Listeners, [name: string]: string|number|boolean|null|undefined|Listeners}} Attributes
 *   of an element to make: "text", "on" (listeners), or any attribute (false and null: none)
 *
 * @typedef {{
 *   "example-number": HTMLElement, "prediction": HTMLElement, "facts": HTMLElement, "simulated": HTMLElement,
 *   "progress-text": HTMLElement, "progress": HTMLProgressElement, "help": HTMLButtonElement, "pause": HTMLAnchorElement,
 *   "message": HTMLElement, "reading": HTMLElement, "panels": HTMLElement, "toolbar": HTMLElement,
 *   "questions": HTMLFormElement, "feedback": HTMLElement, "notice": HTMLElement, "back": HTMLButtonElement,
 *   "comment": HTMLInputElement, "save-state": HTMLElement, "next": HTMLButtonElement, "facts-json": HTMLScriptElement,
 *   "explain-dialog": HTMLDialogElement, "help-dialog": HTMLDialogElement, "display-dialog": HTMLDialogElement,
 *   "session-dialog": HTMLDialogElement, "ask-dialog": HTMLDialogElement
 * }} PageElements by id, in templates/reading/; the preview has no comment and fewer dialogs
 */
export {};
