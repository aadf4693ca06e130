/**
 * The bodies of the API, made from its OpenAPI schema by scripts/api_types.py: change the serializer, then run that.
 * Types only: this file is never loaded by the page.
 */

/**
 * @typedef {object} AnswerStored
 * @property {string} saved_at By the server's clock.
 * @property {number} revision
 * @property {number} score
 */

/** @typedef {{examples: AnswersOfExample[]}} Answers */

/** @typedef {{position: number, answers: Object<string, number>, not_asked: string[]}} AnswersOfExample */

/**
 * @typedef {object} Assignment
 * @property {number} position
 * @property {number} total
 * @property {ExampleFacts} example
 * @property {MethodFacts} method
 * @property {boolean} practice
 * @property {CaseFacts} case
 * @property {PanelFacts[]} panels
 * @property {string[]} not_asked Questions this method leaves out.
 * @property {Object<string, number>} answers The latest score, by question.
 * @property {string} comment
 * @property {string} visit_token Comes back with the visit.
 */

/**
 * @typedef {object} CaseFacts
 * @property {ImageFacts} image
 * @property {Field} crop The model's field of view.
 */

/**
 * The screen, how large the panels were, and how the example was first seen.
 * @typedef {{screen?: Extent|null, viewport?: Extent|null, device_pixel_ratio?: number|null, panel_px?: number|null,
 * panels_shown?: PanelsShownEnum, reduced_motion?: boolean|null, view?: ViewAtFirst|null, check?: DisplayCheck|null,
 * failed_why?: string|null}} Display
 */

/**
 * What the reader said of the grey ramp at the start of the sitting.
 * @typedef {{checked_at?: string|null, dark_square_seen?: boolean|null, light_square_seen?: boolean|null,
 * panel_px?: number|null, large_enough?: boolean|null}} DisplayCheck
 */

/**
 * Null: the study does not tell it, or it is not known.
 * @typedef {object} ExampleFacts
 * @property {string} pathology
 * @property {number|null} probability_percent
 * @property {string|null} probability_band In words, such as “75–100 %”.
 * @property {string|null} sex
 * @property {string|null} age
 * @property {string|null} view AP, PA ...
 * @property {string|null} origin The data set that the image is from.
 */

/** @typedef {{width?: number|null, height?: number|null, color_depth?: number|null}} Extent In CSS pixels. */

/**
 * @typedef {object} Feedback
 * @property {boolean} truth Whether the pathology is present.
 * @property {string} text
 */

/** @typedef {{x: number, y: number, size: number}} Field A square of the radiograph, in its pixels. */

/**
 * A file as the reader's browser drew it; `role` is "image" or the panel's key.
 * @typedef {{role: string, sha256: string, format: string, bytes?: number}} FileShown
 */

/**
 * @typedef {object} Finished
 * @property {string} finished_at
 * @property {string} detail A sentence for the reader, such as when the next read opens.
 */

/** @typedef {{read?: number}} FinishedRead Which read ends; the open one where it is left out. */

/**
 * Of the image's own grey range, 0..1.
 * @typedef {{centre?: number|null, width?: number|null, invert?: boolean|null}} GreyWindow
 */

/**
 * @typedef {object} ImageFacts
 * @property {string|null} url
 * @property {number} bits Up to 8: a grey PNG. More: high byte in red, low byte in green.
 * @property {number[]|null} window Darkest, brightest; null: all.
 * @property {number} width
 * @property {number} height
 * @property {string} sha256 A keyed hash of the stored file.
 */

/**
 * @typedef {object} LoggedIn
 * @property {string} reader The account's name.
 */

/** @typedef {{label: string}} MethodFacts */

/**
 * One score. `position` and `read`, where sent, must be those of the visit.
 * @typedef {object} NewAnswer
 * @property {string} visit
 * @property {number|null} [position]
 * @property {number|null} [read]
 * @property {string} question
 * @property {number} score
 * @property {string|null} [client_answered_at] By the client's clock.
 * @property {number|null} [answered_ms] From the visit's opening to this answer.
 * @property {number|null} [visible_ms] Of that, while the page was visible.
 */

/**
 * One opening of an example; with measures, where the page is being closed.
 * @typedef {object} NewVisit
 * @property {number|null} [images_ready_ms] Until all images were shown.
 * @property {number|null} [first_input_ms] Until the first key, click or touch.
 * @property {number|null} [answered_ms] Until the last answer.
 * @property {number|null} [visible_ms] Time the page was visible and no dialog covered it.
 * @property {number|null} [idle_ms] Of that, beyond `idle_after_ms` without any input.
 * @property {number} [animation_loops]
 * @property {Display} [display]
 * @property {ViewerActions} [actions]
 * @property {FileShown[]} [files]
 * @property {string|null} [comment]
 * @property {string} id Made by the client: the same again is the same visit.
 * @property {number} position
 * @property {number|null} [read] 0 is practice.
 * @property {string} visit_token As it came with the example.
 * @property {string|null} [client_opened_at] By the client's clock.
 * @property {string[]} [failed_files] Titles of images.
 */

/**
 * What is there beside the first six goes by `shows`.
 * @typedef {object} PanelFacts
 * @property {string} key
 * @property {string} title
 * @property {string} what_is_this
 * @property {ShowsEnum} shows The panel's form.
 * @property {TypeEnum} type For pages older than `shows`.
 * @property {Object<string, string>} sha256s Keyed hashes by field, as layer_url.
 * @property {string|null} [layer_url] still, curve, flow: a PNG with alpha.
 * @property {number} [opacity] still, flow: at first, 0..1.
 * @property {string[]} [legend] still: colours, the weakest pixel's first.
 * @property {string|null} [strip_url] animation: a grey PNG of square frames.
 * @property {number} [frames]
 * @property {number} [frame_ms]
 * @property {number|null} [unchanged_frame] The frame that is the image unchanged.
 * @property {number[]|null} [frame_predictions]
 */

/** @typedef {"all"|"pair"|"one"} PanelsShownEnum */

/**
 * Of the person whose page asks; `page` is the word in the page's `data-page`.
 * @typedef {{password: string, page?: string|null}} Password
 */

/** @typedef {{single_key_shortcuts: boolean, keys: Shortcut[]}} Preferences */

/**
 * Every refusal of the API. errors: for a body that does not fit, sentences by field (`files.0.role`).
 * @typedef {object} Problem
 * @property {string} title
 * @property {number} status
 * @property {string} code For programs.
 * @property {string} detail A sentence for people: what was wrong, what to do.
 * @property {Object<string, string[]>} [errors]
 */

/**
 * @typedef {{key: string, text: string, minimum: number, maximum: number, low_label: string, high_label: string}}
 * Question
 */

/**
 * @typedef {object} ReadFacts
 * @property {number} number 0 is practice.
 * @property {number} of How many reads there are.
 * @property {number} total Examples in this read.
 * @property {number} done Examples with an answer to every question.
 * @property {StateEnum} state
 * @property {number} resume_position The first example with an open question, or the last one.
 * @property {number|null} seconds_per_example Median; null before five are known.
 */

/**
 * @typedef {object} Saved
 * @property {string} saved_at By the server's clock.
 */

/**
 * @typedef {object} Shortcut
 * @property {string} action
 * @property {string[]} keys The signs they write, the first one shown.
 * @property {string} says What it does.
 */

/** @typedef {"input"|"still"|"animation"|"curve"|"flow"} ShowsEnum */

/**
 * @typedef {object} Started
 * @property {number} read The number of the open read; 0 is practice.
 * @property {boolean} practice True: its paths are below practice/.
 */

/**
 * @typedef {object} State
 * @property {StudyFacts} study
 * @property {string} reader R1, R2, ...
 * @property {ReadFacts} read
 * @property {Question[]} questions
 * @property {Shortcut[]} keys
 * @property {boolean} simulated
 * @property {number} idle_after_ms Visible time without input beyond this is idle.
 */

/** @typedef {"open"|"finished"} StateEnum */

/**
 * @typedef {object} StudyFacts
 * @property {string} slug
 * @property {string} title
 * @property {boolean} show_frame_predictions
 * @property {boolean} overlay_at_first False: every example starts without its heat maps.
 * @property {boolean} needs_large_screen Phones are refused.
 * @property {WlDragDirectionEnum} wl_drag_direction
 * @property {boolean} allow_changes An answer can be changed until the read is finished.
 * @property {boolean} single_key_shortcuts The reader's own setting.
 * @property {number} panel_columns The most panels that any method of the study shows.
 */

/** @typedef {"input"|"map"|"animation"} TypeEnum */

/**
 * How the example was first seen.
 * @typedef {{overlay?: boolean|null, opacity?: number|null, window?: GreyWindow|null,
 * window_offset?: WindowOffset|null, animation_speed?: number|null}} ViewAtFirst
 */

/**
 * How often each was done; a drag, a turn of the wheel or a pinch is one.
 * @typedef {{zoom?: number, pan?: number, window?: number, invert?: number, reset?: number, overlay?: number,
 * opacity?: number, enlarge?: number, pair?: number, next_explanation?: number, loupe?: number, whole?: number,
 * play?: number, pause?: number, step?: number, speed?: number, what_is_this?: number, help?: number}} ViewerActions
 */

/**
 * Durations in milliseconds since the opening, by the browser's monotonic clock. These fields are Visit's own.
 * @typedef {object} VisitMeasures
 * @property {number|null} [images_ready_ms] Until all images were shown.
 * @property {number|null} [first_input_ms] Until the first key, click or touch.
 * @property {number|null} [answered_ms] Until the last answer.
 * @property {number|null} [visible_ms] Time the page was visible and no dialog covered it.
 * @property {number|null} [idle_ms] Of that, beyond `idle_after_ms` without any input.
 * @property {number} [animation_loops]
 * @property {Display} [display]
 * @property {ViewerActions} [actions]
 * @property {FileShown[]} [files]
 * @property {string|null} [comment]
 */

/**
 * @typedef {object} VisitOpened
 * @property {string} id
 * @property {string} saved_at By the server's clock.
 */

/** @typedef {{single_key_shortcuts?: boolean, keys?: Object<string, string[]>}} WantedPreferences Either or both. */

/**
 * From the image's own window: shift in its widths, factor of its width.
 * @typedef {{shift?: number|null, factor?: number|null, invert?: boolean|null}} WindowOffset
 */

/** @typedef {"standard"|"inverted"} WlDragDirectionEnum */

export {};
