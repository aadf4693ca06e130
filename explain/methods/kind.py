"""What a kind of explanation declares: its texts, its form, the models it needs, its parameters. No torch here.

Forms, checks, keys and pages follow from this; nothing else names a kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

Form = Literal["still", "animation", "curve", "flow"]
Need = Literal["classifier", "autoencoder", "generator"]
Value = bool | int | float | str

RESERVED = frozenset({"input", "image"})  # what the reading page calls the radiograph: its panel, its file
TAKEN_BY_THE_PAGE = "is the reading page's own word for the radiograph: take another name"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMPUTE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Parameter:
    """A number, a choice or a yes or no that a study sets for a kind.

    default: its type is the parameter's (bool, int, float or str). label: what the form calls it; help: a sentence
    below it. minimum, maximum: of a number, both allowed. choices: of a word, (value, what the form calls it).
    later: added to a kind that studies had used before. At its default it is then left out of keys and of what is
    stored, so that earlier explanations are not made again; its default must do what was done before.
    flat: stored among a study's render parameters under its bare name, as the first kinds' are; others are stored below
    the kind's group or name.
    """

    name: str
    default: Value
    label: str
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    later: bool = False
    flat: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"the parameter name {self.name!r} must be small letters, digits and _ (at most 40)")
        if isinstance(self.default, str) and not self.choices:
            raise ValueError(f"the parameter {self.name} has a word as its default: give its choices")
        if self.choices and not isinstance(self.default, str):
            raise ValueError(f"the parameter {self.name} has choices, which are of words: give a word as its default")
        limited = self.minimum is not None or self.maximum is not None
        if limited and isinstance(self.default, bool | str):
            raise ValueError(
                f"the parameter {self.name} has a limit, which is of a number: give a number as its default"
            )
        if problem := self.problem(self.default):
            raise ValueError(f"the default of {self.name} is none of its values: {problem}")

    def problem(self, value: object) -> str:
        """What is wrong with a value, as a sentence; "" when nothing is."""
        if isinstance(self.default, bool):
            return "" if isinstance(value, bool) else f"{self.name} must be true or false, not {value!r}."
        if isinstance(self.default, str):
            known = [word for word, _ in self.choices]
            return "" if value in known else f"{self.name} must be one of {', '.join(known)}, not {value!r}."
        whole = isinstance(self.default, int)
        if _is_number(value) and (isinstance(value, int) or not whole) and self._within(value):
            return ""
        return f"{self.name} must be a {'whole ' if whole else ''}number{self._range()}, not {value!r:.40}."

    def clean(self, value: Value) -> Value:
        """The value in the parameter's type: 2 and 2.0 are the same setting and must give the same key."""
        return float(value) if isinstance(self.default, float) else value

    def _within(self, value: float) -> bool:
        low, high = self.minimum, self.maximum
        return (low is None or value >= low) and (high is None or value <= high)

    def _range(self) -> str:
        low = "" if self.minimum is None else f" from {self.minimum:,}"
        return low if self.maximum is None else f"{low} {'to' if low else 'up to'} {self.maximum:,}"


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number, and one that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


@dataclass(frozen=True)
class Kind:
    """One kind of explanation.

    name: its key in studies, exports and file names, none of RESERVED; title: its heading on pages; what_is_this: one
    or two sentences for radiologists, without the name of a colour, which is the study's choice.
    algorithm_version: raise it whenever the same image, weights and parameters may give other pixels: what is stored is
    then made again.
    shows: the form of its panel, which says what `compute` gives. still: a map. animation: frames, and a map of where
    they change. curve: a record with `lambdas` and `predictions`. flow: frames (2, H, W), how far each pixel moves to
    the right and down.
    needs: the models it is computed with.
    group: kinds of one group with the same `compute` are computed in one call and share parameters of the same name.
    signed: whether its results say by how much the prediction rises with each pixel (Result.signed).
    compute: "package.module:function", imported when it is first used. The function follows the contract of
    explain.methods.contract. Empty: rendered elsewhere.
    """

    name: str
    title: str
    what_is_this: str
    algorithm_version: int = 1
    shows: Form = "still"
    needs: tuple[Need, ...] = ("classifier",)
    parameters: tuple[Parameter, ...] = ()
    group: str = ""
    compute: str = ""
    signed: bool = False

    def __post_init__(self) -> None:
        for word in (self.name, self.group or self.name):
            if not _NAME.fullmatch(word):
                raise ValueError(f"the kind's name or group {word!r} must be small letters, digits and _ (at most 40)")
        if self.compute and self.name in RESERVED:  # a row that a batch brought before these were refused stays good
            raise ValueError(f"the kind's name {self.name!r} {TAKEN_BY_THE_PAGE}")
        if not self.title.strip() or len(self.title) > 80 or not self.what_is_this.strip():
            raise ValueError(f"the kind {self.name} needs a title of at most 80 characters and what_is_this")
        if self.shows not in get_args(Form):
            raise ValueError(f"the kind {self.name} shows {self.shows!r}; forms are {', '.join(get_args(Form))}")
        if unknown := set(self.needs) - set(get_args(Need)):
            raise ValueError(f"the kind {self.name} needs {', '.join(unknown)}; models are {', '.join(get_args(Need))}")
        if self.compute and not _COMPUTE.fullmatch(self.compute):
            raise ValueError(f"the kind {self.name}: compute is {self.compute!r}, not package.module:function")
        if len({parameter.name for parameter in self.parameters}) < len(self.parameters):
            raise ValueError(f"the kind {self.name} declares a parameter twice")

    @property
    def scope(self) -> str:
        """Whose parameters are set together: the group, or the kind alone."""
        return self.group or self.name

    def values(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """All parameters: the values given, defaults for the others. Raises ValueError in words for a wrong one."""
        found = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if problem := parameter.problem(value):
                raise ValueError(problem)
            found[parameter.name] = parameter.clean(value)
        return found

    def keyed(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """The values that belong to an explanation's key: those that may change its pixels."""
        values = self.values(given)
        return {p.name: values[p.name] for p in self.parameters if not p.later or values[p.name] != p.default}
