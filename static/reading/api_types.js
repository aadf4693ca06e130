/**
 * The bodies of the API, made from its OpenAPI schema by scripts/api_types.py: change the serializer, then run that.
 * Types only: this file is never loaded by the page.
 */

/**
 * @typedef {object} AnswerIn
 * @property {string} visit
 * @property {number|null} [position]
 * @property {number|null} [read]
 * @property {string} question
 * @property {number} score
 * @property {string|null} [client_answered_at]
 * @property {number|null} [elapsed_ms]
 * @property {number|null} [visible_ms]
 */

/**
 * @typedef {object} AnswerOut
 * @property {string} saved_at
 * @property {number} revision
 * @property {number} score
 */

/**
 * @typedef {object} Feedback
 * @property {boolean} truth
 * @property {string} text
 */

/**
 * @typedef {object} FileShown
 * @property {string} role
 * @property {string} sha256
 * @property {string} format
 * @property {number} [bytes]
 */

/**
 * @typedef {object} FinishedRead
 * @property {number} [read]
 */

/**
 * Durations in milliseconds since the opening, by the browser's monotonic clock.
 * @typedef {object} NewVisit
 * @property {number|null} [images_ready_ms]
 * @property {number|null} [first_input_ms]
 * @property {number|null} [answered_ms]
 * @property {number|null} [visible_ms]
 * @property {number|null} [idle_ms]
 * @property {number} [animation_loops]
 * @property {unknown} [display]
 * @property {Object<string, number>} [actions]
 * @property {FileShown[]} [files]
 * @property {string|null} [comment]
 * @property {string} id
 * @property {number} position
 * @property {number|null} [read]
 * @property {string} visit_token
 * @property {string|null} [opened_at]
 * @property {string[]} [failed_files]
 */

/**
 * Either or both. `keys`: {action: [key, ...]}, what is left out has its usual keys, so {} resets all.
 * @typedef {object} Preferences
 * @property {boolean} [single_key_shortcuts]
 * @property {unknown} [keys]
 */

/**
 * Durations in milliseconds since the opening, by the browser's monotonic clock.
 * @typedef {object} VisitMeasures
 * @property {number|null} [images_ready_ms]
 * @property {number|null} [first_input_ms]
 * @property {number|null} [answered_ms]
 * @property {number|null} [visible_ms]
 * @property {number|null} [idle_ms]
 * @property {number} [animation_loops]
 * @property {unknown} [display]
 * @property {Object<string, number>} [actions]
 * @property {FileShown[]} [files]
 * @property {string|null} [comment]
 */

export {};
