"""The keys of the reading room: the one table of what has a key, and a reader's own keys for it.

The page, its help and the reader's profile show this table. Fixed, and never anybody's own: digits (they answer),
Enter, Backspace, Escape, Tab, Space and the arrows.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

from readerstudy.common.refusals import Refusal
from readerstudy.common.wording import quoted

MOST_KEYS = 3  # of one action


@dataclass(frozen=True)
class Shortcut:
    """An action, the keys that it has unless the reader chooses others, and what it does."""

    action: str
    keys: tuple[str, ...]
    says: str


SHORTCUTS = (
    Shortcut("question", ("q",), "go to the next question, to change its answer"),
    Shortcut("comment", ("m",), "write a comment (Esc leaves it)"),
    Shortcut("overlay", ("o",), "overlay on or off"),
    Shortcut("fainter", ("[", "j"), "overlay fainter"),
    Shortcut("stronger", ("]", "k"), "overlay stronger"),
    Shortcut("enlarge", ("e",), "enlarge the panel under the pointer (or click it)"),
    Shortcut("nextPanel", ("p",), "enlarge the next panel"),
    Shortcut("pair", ("s",), "radiograph and one explanation side by side"),
    Shortcut("nextExplanation", ("x",), "side by side: next explanation"),
    Shortcut("loupe", ("l",), "loupe on all panels (Shift with arrows moves it)"),
    Shortcut("fold", ("g",), "toolbar: fold away or show"),
    Shortcut("whole", ("w",), "whole radiograph"),
    Shortcut("play", ("a",), "animation: play or pause"),
    Shortcut("frameBack", (",",), "animation: frame before"),
    Shortcut("frameOn", (".",), "animation: next frame"),
    Shortcut("frameZero", ("z",), "animation: to the unchanged frame"),
    Shortcut("speed", ("f",), "animation: slower, as rendered, faster"),
    Shortcut("zoomIn", ("+", "=", "u"), "zoom in (or wheel, pinch)"),
    Shortcut("zoomOut", ("-", "n"), "zoom out"),
    Shortcut("brighter", ("b",), "brighter"),
    Shortcut("darker", ("d",), "darker"),
    Shortcut("harder", ("c",), "more contrast"),
    Shortcut("softer", ("v",), "less contrast"),
    Shortcut("invert", ("i",), "invert"),
    Shortcut("tool", ("t",), "drag sets window / moves the image (right button: the other)"),
    Shortcut("reset", ("r",), "reset the view"),
    Shortcut("help", ("?", "h"), "this list"),
)


class KeysRefused(Refusal):
    """Keys that cannot be a reader's."""

    code, status = "invalid", 400


def table(own: dict[str, list[str]]) -> list[dict[str, Any]]:
    """{action, keys, says} of every action, in the order of the help, with a reader's own keys.

    A usual key that the reader has given to another action is that action's: releases add actions.
    """
    taken = {key for keys in own.values() for key in keys}
    return [
        {
            "action": row.action,
            "keys": own.get(row.action, [key for key in row.keys if key not in taken]),
            "says": row.says,
        }
        for row in SHORTCUTS
    ]


def checked(own: object) -> dict[str, list[str]]:
    """What differs from the usual keys of {action: [key, ...]}. Raises KeysRefused: action, key or conflict."""
    if not isinstance(own, dict):
        raise KeysRefused("Keys are an object: for each action a list of keys.")
    usual = {row.action: list(row.keys) for row in SHORTCUTS}
    unknown = [quoted(str(action)) for action in own if action not in usual]
    if unknown:
        raise KeysRefused(f"There is no action {unknown[0]}.")
    chosen = {action: _keys(action, keys) for action, keys in own.items()}
    owner: dict[str, str] = {}
    for action, keys in {**usual, **chosen}.items():
        for key in keys:
            if key in owner:
                raise KeysRefused(
                    f"The key “{key}” would be of two actions: “{_says(owner[key])}” and “{_says(action)}”. "
                    "Give one of them another key."
                )
            owner[key] = action
    return {action: keys for action, keys in chosen.items() if keys != usual[action]}


def _keys(action: str, keys: object) -> list[str]:
    if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, str) for key in keys):
        raise KeysRefused(f"“{_says(action)}” has at most {MOST_KEYS} keys, each one character.")
    return list(dict.fromkeys(_key(action, key) for key in keys))


def _key(action: str, key: str) -> str:
    """As the browser names it without Shift: one lower-case character."""
    sign = unicodedata.normalize("NFC", key).lower()
    if len(sign) != 1 or unicodedata.category(sign)[0] not in "LPS":
        why = "digits answer the questions" if sign.isdigit() else "a key is one letter or sign"
        raise KeysRefused(f"{quoted(key)} cannot be the key of “{_says(action)}”: {why}.")
    return sign


def _says(action: str) -> str:
    return next(row.says for row in SHORTCUTS if row.action == action)
