"""Results to JSON data and back: dataclasses become objects of their fields, in order; nothing else is known here."""

from __future__ import annotations

import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.rows import RESULTS_VERSION, Results

T = TypeVar("T")
Cell = str | int | float | bool | None
CsvRow = dict[str, Cell]  # one line of a table, by column
Plain: TypeAlias = "Cell | list[Plain] | PlainRow"  # what JSON can hold
PlainRow: TypeAlias = dict[str, Plain]  # a row's fields by name, with what lies in one another


class StoredResultsError(AnalysisError):
    """Stored results do not have the fields that this version knows."""


def to_json(results: Results) -> PlainRow:
    """results.json as data: plain values only; NaN and infinity become None."""
    return plain_row(results)


def from_json(data: Mapping[str, Any]) -> Results:
    """Results as they were stored, by this version or an earlier one. Raises StoredResultsError where they differ.

    A field that has come since has its default; `results_version` stays that of the version which made them.
    """
    return read(Results, _since_version_1(data) if data.get("results_version", 1) == 1 else data, "results")


def _since_version_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 did not give its number, nor the level of a question whose AUCs could not be analysed."""
    try:
        parts = [{"alpha": data["plan"]["alpha"]} | part for part in data["mrmc"]]
    except (KeyError, TypeError) as problem:
        raise StoredResultsError(f"These are no results of an analysis: {problem!r}.") from problem
    return {"results_version": 1, **data, "mrmc": parts}


def is_current(data: Mapping[str, Any]) -> bool:
    """Whether stored results were made by a version with the same fields."""
    return bool(data.get("results_version", 1) == RESULTS_VERSION)


def plain(value: object) -> Plain:
    """The value as JSON can hold it; NaN and infinity become None. Raises TypeError for what it cannot hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"JSON holds no {type(value).__name__}: {value!r}.")


def plain_row(row: object) -> PlainRow:
    """A data class's fields by name; what lies in one another stays so. Raises TypeError for anything else."""
    found = plain(row)
    if not isinstance(found, dict):
        raise TypeError(f"A row has fields; this is {row!r}.")
    return found


def read(wanted: type[T], data: object, where: str) -> T:
    """JSON data as a dataclass; `where` names the place in errors. A null where a number must stand is NaN."""
    if not isinstance(data, Mapping):
        raise StoredResultsError(f"{where} must be an object, not {type(data).__name__}.")
    known = _fields(wanted)  # type: ignore[arg-type]
    strange = sorted(set(data) - set(known))
    missing = [name for name, (_, needed) in known.items() if needed and name not in data]
    if strange or missing:
        raise StoredResultsError(f"{where}: unknown {', '.join(strange) or '-'}; missing {', '.join(missing) or '-'}.")
    return wanted(**{name: _value(known[name][0], item, f"{where}.{name}") for name, item in data.items()})


@cache
def _fields(wanted: Hashable) -> dict[str, tuple[Any, bool]]:
    """Name of each field -> its type, and whether it must be given."""
    assert isinstance(wanted, type) and is_dataclass(wanted)
    hints = get_type_hints(wanted)
    return {
        item.name: (hints[item.name], item.default is MISSING and item.default_factory is MISSING)
        for item in fields(wanted)
    }


def _value(wanted: Any, data: Any, where: str) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _one_of(parts, data, where)
    if is_dataclass(wanted):
        return read(wanted, data, where)  # type: ignore[arg-type]
    if origin in (list, tuple):
        if not isinstance(data, list | tuple):
            raise StoredResultsError(f"{where} must be a list, not {type(data).__name__}.")
        each = parts if origin is tuple and parts[-1] is not Ellipsis else [parts[0]] * len(data)
        return origin(_value(part, item, f"{where}[{i}]") for i, (part, item) in enumerate(zip(each, data)))
    if origin is dict:
        if not isinstance(data, Mapping):
            raise StoredResultsError(f"{where} must be an object, not {type(data).__name__}.")
        return {parts[0](key): _value(parts[1], item, f"{where}.{key}") for key, item in data.items()}
    if wanted is float and data is None:
        return float("nan")
    if not isinstance(data, int | float if wanted is float else wanted):
        raise StoredResultsError(f"{where} must be {wanted.__name__}, not {data!r}.")
    return data


def _one_of(parts: tuple[Any, ...], data: Any, where: str) -> Any:
    """The first of several types that the data fit; null is None where that is one of them."""
    if data is None and type(None) in parts:
        return None
    problems = []
    for part in parts:
        try:
            return _value(part, data, where)
        except StoredResultsError as problem:
            problems.append(str(problem))
    raise StoredResultsError(problems[0])
