"""What a study sets for the kinds it shows, and the key that says what an explanation was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from explain.methods.kind import Kind, Parameter, Value
from explain.methods.kinds import KINDS

Stored = dict[str, Any]  # {"steps": 50, "some_kind": {"power": 2.0}}: JSON of Study.render_parameters


@dataclass(frozen=True)
class RenderParameters:
    """Study.render_parameters, checked. What is not stored has the default that its kind declares.

    stored: parameters of the first kinds by their bare names (Parameter.flat), all others below the kind's group or
    name. What belongs to a kind that is not installed here stays as it is.
    """

    stored: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RenderParameters:
        """Raises ValidationError that names a parameter which does not exist, or a value that it cannot have."""
        if problems := list(_problems(data)):
            raise ValidationError(problems)
        return cls(data)

    @classmethod
    def from_people(cls, data: Mapping[str, Any]) -> RenderParameters:
        """The same for what somebody wrote just now: every kind that is named must be installed."""
        found = cls.from_dict(data)
        scopes = {kind.scope for kind in KINDS.values()}
        if unknown := sorted(name for name, value in data.items() if isinstance(value, dict) and name not in scopes):
            raise ValidationError(f"No kind with parameters is called {', '.join(unknown)}.")
        return found

    def given(self, kind: Kind) -> dict[str, Value]:
        """What the study sets of this kind's parameters."""
        places = {p.name: self.stored if p.flat else self.stored.get(kind.scope, {}) for p in kind.parameters}
        return {name: place[name] for name, place in places.items() if name in place}

    def of_kind(self, kind: Kind) -> dict[str, Value]:
        """Only what changes this kind's pixels, so that a change elsewhere does not render it again."""
        return kind.keyed(self.given(kind))

    def with_value(self, kind: Kind, parameter: Parameter, value: Value) -> RenderParameters:
        """The same with another value, not yet checked."""
        if parameter.flat:
            return RenderParameters({**self.stored, parameter.name: value})
        return RenderParameters({**self.stored, kind.scope: {**self.stored.get(kind.scope, {}), parameter.name: value}})


def parameters_of(kinds: Iterable[Kind]) -> dict[tuple[str, str], tuple[Kind, Parameter]]:
    """(scope, name) -> a kind and its parameter, each once: kinds of a group share them."""
    return {
        (kind.scope, parameter.name): (kind, parameter)
        for kind in reversed(list(kinds))
        for parameter in reversed(kind.parameters)
    }


def _problems(data: object) -> Iterable[str]:
    if not isinstance(data, Mapping):
        yield f"Render parameters {data!r:.40} cannot be used: give a JSON object of names and values."
        return
    known = parameters_of(KINDS.values())
    flat = {name: parameter for (_, name), (_, parameter) in known.items() if parameter.flat}
    scopes = {scope for scope, _ in known} | {kind.scope for kind in KINDS.values()}
    for name, value in data.items():
        if name in flat:
            yield from filter(None, [flat[name].problem(value)])
        elif not isinstance(value, Mapping):
            yield f"Unknown render parameter {name}; there are {', '.join(sorted({*flat, *scopes}))}."
        elif name in scopes:
            yield from _problems_below(name, value, known)


def _problems_below(
    scope: str, values: Mapping[str, Any], known: Mapping[tuple[str, str], tuple[Kind, Parameter]]
) -> Iterable[str]:
    for name, value in values.items():
        _, parameter = known.get((scope, name), (None, None))
        if parameter is None or parameter.flat:
            yield f"{scope} has no parameter {name}."
        elif problem := parameter.problem(value):
            yield f"{scope}: {problem}"


def explanation_key(
    pixel_sha256: str,
    pathology: str,
    classifier_sha256: str,
    autoencoder_sha256: str,
    kind: Kind,
    parameters: Mapping[str, Value],
    generator_sha256: str = "",
) -> str:
    """Hash of pixels, target, weights, parameters, the kind and its algorithm version. Weights that a kind does not
    need are not in its key."""
    parts = [
        pixel_sha256,
        pathology,
        classifier_sha256,
        autoencoder_sha256 if "autoencoder" in kind.needs else "",
        kind.name,
        kind.algorithm_version,
        dict(parameters),
        *([generator_sha256] if "generator" in kind.needs else []),  # only these: all other keys stay as they were
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
