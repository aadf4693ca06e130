"""Every number that people give a design, a plan or a draw: its limits, and why. One table for forms, commands, models
and the database.

A value within the limits can be read, computed with and shown; outside them something breaks later, when it is frozen.
Rows and plans that are older than these limits stay as they are and stay readable: see KeptOutsideLimits.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.deconstruct import deconstructible

SEED_MOST = 2**31 - 1


@dataclass(frozen=True)
class Limit:
    """least and most are both allowed. name: begins a sentence; why: ends it. whole: no fractions."""

    name: str
    least: float
    most: float
    why: str
    whole: bool = True

    def problem(self, value: Any) -> str:
        """What is wrong with a value, as a sentence; "" when nothing is."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.least <= value <= self.most and (not self.whole or value == int(value)):
            return ""
        kind = "a whole number " if self.whole else ""
        return f"{self.name} must be {kind}from {self.least:,} to {self.most:,}, not {value}: {self.why}."


LIMITS = {
    "washout_days": Limit("The washout", 0, 730, "after two years readers and displays are no longer the same"),
    "seed": Limit("The seed", 0, SEED_MOST, "every database and program can store and repeat that"),
    "operating_point": Limit("The operating point", 0, 1, "it is a probability", whole=False),
    "minimum": Limit("The minimum", -1000, 1000, "readers cannot tell more steps apart"),
    "maximum": Limit("The maximum", -1000, 1000, "readers cannot tell more steps apart"),
    "idle_days": Limit("Days without reading", 1, 365, "less is no pause, and after a year readers do not come back"),
    "most_reminders": Limit("Reminders for one read", 0, 10, "more are not read"),
    "steps": Limit("The number of steps", 1, 1000, "more change no pixel and take longer"),
    "per_pathology": Limit("Examples per pathology", 2, 10_000, "more cannot be read, and half are false positives"),
    "practice": Limit("Practice examples", 0, 100, "more are not needed for practice"),
    "caliper": Limit("The distance matched within", 0.001, 1, "probabilities are told in whole per cent", whole=False),
    "vary_halves": Limit("What halves differ by", 0, 100, "a study needs both kinds of every pathology"),
    "alpha": Limit("The significance level alpha", 0.0001, 0.49, "a test with another level says nothing", whole=False),
    "margin": Limit("The non-inferiority margin", 0.001, 0.5, "AUCs differ by at most 0.5 from chance", whole=False),
    "margin_points": Limit("The margin in points", 0.01, 2000, "no scale has more points", whole=False),
    "bootstrap_replicates": Limit(
        "Bootstrap samples", 100, 50_000, "fewer give no interval, and more take hours and change no printed digit"
    ),
    "bootstrap_seed": Limit("The bootstrap seed", 0, SEED_MOST, "every database and program can store and repeat that"),
    "minimum_pairs": Limit("Fewest pairs to test", 2, 1000, "one pair has no spread, and a study has few thousand"),
    "effect": Limit("The difference", -0.5, 0.5, "AUCs lie between 0.5 (chance) and 1", whole=False),
    "aim_margin": Limit("The margin", 0, 0.5, "AUCs lie between 0.5 (chance) and 1", whole=False),
    "effect_points": Limit("The difference", -2000, 2000, "no scale has more points", whole=False),
    "aim_margin_points": Limit("The margin", 0, 2000, "no scale has more points", whole=False),
    "cases_of_patient": Limit("Examples of each patient", 1, 100, "more of one patient cannot be read"),
    "sd_points": Limit("The standard deviation", 0, 2000, "no scale has more points", whole=False),
    "target": Limit("The power", 0.1, 0.99, "a study cannot promise more, nor aim at less", whole=False),
    "n_cases": Limit("Cases in the pilot", 4, 100_000, "components are estimated from at least four"),
    "error": Limit("The error variance", 0, 1, "it is on the scale of AUC", whole=False),
    **{
        name: Limit(called, -1, 1, "it is on the scale of AUC", whole=False)
        for name, called in (
            ("var_tr", "Var(TR)"),
            ("var_r_in_t", "Var(R) + Var(TR)"),
            ("cov1", "Cov1"),
            ("cov2", "Cov2"),
            ("cov3", "Cov3"),
        )
    },
}
PLAN = ("alpha", "margin", "bootstrap_replicates", "bootstrap_seed", "minimum_pairs")


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each value outside its limit, by name; names without a limit and empty values are left out."""
    found = {
        name: LIMITS[name].problem(value) for name, value in values.items() if name in LIMITS and value is not None
    }
    return {name: text for name, text in found.items() if text}


@deconstructible
class Within:
    """Validator of form and model fields: the value keeps the limit of that name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, value: Any) -> None:
        if text := LIMITS[self.name].problem(value):
            raise ValidationError(text, code="outside_limit")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Within) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def form_field(name: str, **options: Any) -> Any:
    """A form field for the number of that name, which says its limits in the browser too."""
    cls: Any = forms.IntegerField if LIMITS[name].whole else forms.FloatField
    return bounded(cls(validators=[Within(name)], **options), name)


def bounded(field: Any, name: str) -> Any:
    """The field, telling the browser the limits."""
    limit = LIMITS[name]
    field.widget.attrs |= {"min": limit.least, "max": limit.most, "title": f"{limit.least:,} to {limit.most:,}"}
    return field


def argument(name: str) -> Callable[[str], int | float]:
    """For add_argument(type=...): a number within the limit of that name. Raises ArgumentTypeError."""
    limit = LIMITS[name]

    def convert(text: str) -> int | float:
        try:
            value = int(text) if limit.whole else float(text)
        except ValueError:
            raise ArgumentTypeError(limit.problem(text)) from None
        if problem := limit.problem(value):
            raise ArgumentTypeError(problem)
        return value

    return convert


class KeptOutsideLimits(models.Model):
    """A row with numbers from before the limits, or from an export of then. They keep their meaning; such a draft
    cannot be opened before they are within the limits."""

    kept_outside_limits = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True


def constraint(name: str, fields: Mapping[str, str]) -> models.CheckConstraint:
    """Database constraint `name`: the columns keep the limits of the names given, unless kept_outside_limits.

    fields: lookup of the column -> name of its limit. A value that is not there passes, as does a JSON null.
    """
    condition = Q()
    for lookup, limit_name in fields.items():
        limit = LIMITS[limit_name]
        within = Q((f"{lookup}__gte", limit.least), (f"{lookup}__lte", limit.most))
        condition &= (Q((lookup, None)) | within) if "__" in lookup else within
    return models.CheckConstraint(condition=Q(kept_outside_limits=True) | condition, name=name)
