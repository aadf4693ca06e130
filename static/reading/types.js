/**
 * What the page holds, and what the API sends (docs/reading-api.md) where its schema, and so api_types.js, does not say it
 * yet. Types only: this file is never loaded by the page.
 *
 * @typedef {{key: string, text: string, minimum: number, maximum: number, low_label: string, high_label: string}} Question
 *
 * @typedef {object} StudyFacts
 * @property {string} slug
 * @property {string} title
 * @property {boolean} show_frame_predictions
 * @property {boolean} [overlay_at_first] false: every example starts without its heat maps
 * @property {"standard"|"inverted"} wl_drag_direction
 * @property {boolean} needs_large_screen phones are refused
 * @property {boolean} allow_changes
 * @property {boolean} single_key_shortcuts
 * @property {number} [panel_columns] the most panels any method of the study shows (default 4)
 *
 * @typedef {object} ReadFacts
 * @property {number} number
 * @property {number} of
 * @property {number} total
 * @property {number} done
 * @property {"open"|"finished"} state
 * @property {number} resume_position
 * @property {number|null} [seconds_per_example]
 *
 * @typedef {{action: string, keys: string[], says: string}} Shortcut keys: the signs they write, the first one shown
 *
 * @typedef {object} State
 * @property {Shortcut[]} keys of everything that has a key, with the reader's own
 * @property {StudyFacts} study
 * @property {string} reader
 * @property {ReadFacts} read
 * @property {Question[]} questions
 * @property {boolean} simulated
 * @property {number} idle_after_ms visible time without input beyond this is idle
 *
 * @typedef {{x: number, y: number, size: number}} Field a square of the radiograph, in its pixels
 *
 * @typedef {object} PanelFacts
 * @property {string} key
 * @property {string} title
 * @property {string} what_is_this
 * @property {string} shows its form: see panels/forms.js
 * @property {string|null} [layer_url]
 * @property {number} [opacity] of the layer at first, 0..1
 * @property {string[]} [legend] of a map: its colours from the weakest pixel shown to the strongest
 * @property {string|null} [strip_url]
 * @property {number} [frames]
 * @property {number} [frame_ms]
 * @property {number|null} [unchanged_frame] the frame that is the image unchanged
 * @property {number[]|null} [frame_predictions]
 * @property {Object<string, string>} sha256s by field name, such as layer_url
 *
 * @typedef {object} ImageFacts
 * @property {string} url
 * @property {number} bits
 * @property {[number, number]|null} [window] the darkest and the brightest pixel value to show at first; null for all
 * @property {number} width
 * @property {number} height
 * @property {string} sha256
 *
 * @typedef {object} ExampleFacts null: the study does not tell it, or it is not known
 * @property {string} pathology
 * @property {number|null} probability_percent
 * @property {string|null} probability_band in words, such as "75–100 %"
 * @property {string|null} sex
 * @property {string|null} age
 * @property {string|null} view AP, PA ...
 * @property {string|null} origin the data set that the image is from
 *
 * @typedef {object} Assignment
 * @property {number} position
 * @property {number} total
 * @property {ExampleFacts} example
 * @property {{label: string}} method
 * @property {boolean} practice
 * @property {{image: ImageFacts, crop: Field}} case
 * @property {PanelFacts[]} panels
 * @property {string[]} not_asked keys of questions that this method leaves out
 * @property {Object<string, number>} answers
 * @property {string} comment
 * @property {string} visit_token
 *
 * @typedef {{width: number, height: number, bits: number, samples: Uint8Array|Uint16Array}} Samples
 * @typedef {{width: number, height: number, rgba: Uint8Array}} Layer a heat map's pixels; alpha not multiplied in
 * @typedef {{role: string, sha256: string, format: string, bytes: number}} FileFacts
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
