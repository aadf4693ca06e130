/**
 * What a key press means, whatever the layout of the keyboard. Digits go by the place of the key: a French or Czech top
 * row gives other signs, and still stands for 1 to 0. Letters go by what they write, and where a layout has no Latin
 * letters by the place as well.
 */

/** @type {Object<string, string>} what the key writes on a US keyboard, by KeyboardEvent.code */
const BY_PLACE = { BracketLeft: "[", BracketRight: "]", Comma: ",", Period: ".", Minus: "-", Equal: "=" };

/** @param {KeyboardEvent} event @returns {boolean} whether an input method is at work: Enter accepts its word, not ours */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229; // Safari ends a composition before its last Enter
}

/** @param {KeyboardEvent} event @returns {boolean} Ctrl, Alt and the like belong to the browser; AltGr writes signs */
export function isCommand(event) {
  return event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));
}

/** @param {KeyboardEvent} event @returns {number|null} 0 to 9; of the numeric keypad also where NumLock is off */
export function digitOf(event) {
  if (/^\d$/.test(event.key)) return Number(event.key);
  const [, place, digit] = /^(Digit|Numpad)(\d)$/.exec(event.code) ?? [];
  if (!digit || event.getModifierState("AltGraph") || (place === "Digit" && event.shiftKey)) return null;
  return Number(digit);
}

/** @param {KeyboardEvent} event @returns {string[]} the sign it writes, then the one of a Latin keyboard, if another */
export function signsOf(event) {
  const sign = event.key.toLowerCase();
  if (!/^\p{L}$/u.test(sign) || /\p{Script=Latin}/u.test(sign)) return [sign];
  const [, letter] = /^Key([A-Z])$/.exec(event.code) ?? [];
  const latin = letter?.toLowerCase() ?? BY_PLACE[event.code];
  return latin ? [sign, latin] : [sign];
}
