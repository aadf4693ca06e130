"""The analysis plan: what will be tested and how, fixed before the first read and stored with the study as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any

from readerstudy.statistics import planned
from readerstudy.statistics.planned import PlannedPair, Subgroup, TrustThreshold

ZERO_RULES = ("wilcox", "pratt", "zsplit")
TRUTHS = ("TP", "FP", "all")
MEAN_TESTS = (
    "by_readers",
    "readers_and_patients",
    "fixed_readers",
)  # of mean scores: scores.choice says what each claims
TESTS = (*MEAN_TESTS, "wilcoxon", "clustered_signed_rank", "obuchowski_rockette")
AIMS = ("difference", "non_inferiority", "superiority", "equivalence")
INFERENCE_MODES = ("auto", "random_readers", "fixed_readers", "fixed_cases")
COVARIANCES = ("jackknife", "delong", "unbiased", "clustered")
LEVELS = ("overall", "pathology", "reader", "order")

_LISTS: dict[str, tuple[type, str]] = {
    "trust_thresholds": (TrustThreshold, "A threshold of trust"),
    "contrasts": (PlannedPair, "A comparison of methods"),
    "subgroups": (Subgroup, "A subgroup"),
}
LATER = ("trust_thresholds", "control", "contrasts", "subgroups")  # entries that the first plans did not have


class AnalysisError(ValueError):
    """Something in a plan or in the data stops the analysis; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class PrimaryEndpoint:
    """The one comparison that answers the study's question.

    question       key of the question, e.g. "confidence".
    truth          which examples: "TP" true positives, "FP" false positives, "all".
    test           of mean scores: "readers_and_patients", "fixed_readers" or "by_readers" (the first from five readers
                   on, else the second); "wilcoxon" (pooled signed-rank, as published), "clustered_signed_rank", or
                   "obuchowski_rockette" (AUC; truth is "all").
    aim            what a test of mean scores is to show: that the methods differ, or one of scores.margins.AIMS.
    margin_points  the margin of such an aim, in points of the scale.
    """

    question: str = "confidence"
    truth: str = "TP"
    test: str = "wilcoxon"
    aim: str = "difference"
    margin_points: float | None = None

    def problems(self) -> list[str]:
        """Everything wrong with the endpoint, one sentence each."""
        found = []
        if not isinstance(self.question, str) or not self.question:
            found.append("The primary endpoint must name a question.")
        if self.test == "obuchowski_rockette" and self.truth != "all":
            found.append('An AUC separates true from false positives, so its primary endpoint has the truth "all".')
        margin = self.margin_points
        if margin is not None and (not _is_number(margin) or not 0 < margin <= 2000):
            found.append(f"The margin in points must be above 0 and at most 2000 (or left out), not {margin!r}.")
        if (self.aim == "difference") != (margin is None):
            found.append("A margin in points goes with the aim non-inferiority, superiority or equivalence.")
        if self.aim != "difference" and self.test not in MEAN_TESTS:
            found.append("A margin in points needs a test of mean scores.")
        if self.aim in ("non_inferiority", "superiority") and self.truth == "all":
            found.append("On all examples together a higher score is not better: take true or false positives.")
        return found


@dataclass(frozen=True)
class Family:
    """A family of tests whose p values are adjusted together.

    level         "overall", "pathology", "reader" or "order" (which method came first).
    truths        the truths whose rows belong to it.
    per_question  each question is a family of its own (else all questions are one family).
    exploratory   its p values generate hypotheses and decide nothing.
    """

    name: str
    level: str = "overall"
    truths: tuple[str, ...] = ("TP", "FP")
    per_question: bool = True
    exploratory: bool = False


DEFAULT_FAMILIES = (
    Family("overall"),
    Family("pathologies", level="pathology", exploratory=True),
    Family("readers", level="reader", exploratory=True),
)


@dataclass(frozen=True)
class AnalysisPlan:
    """What the analysis does; every choice that changes a number is here.

    alpha                 two-sided significance level, in (0, 0.5).
    zero_rule             how the signed-rank test treats zero differences: "wilcox", "pratt" or "zsplit".
    primary_endpoint      the one comparison that answers the study's question.
    families              families for Holm and Benjamini-Hochberg.
    inference_mode        MRMC: which of readers and cases are samples ("auto": fixed readers below five readers).
    covariance            MRMC: how the covariances of AUCs are estimated ("clustered": patients are clusters).
    margin                non-inferiority margin of the AUC difference, or None for superiority only.
    bootstrap_replicates  number of cluster-bootstrap samples, at least 100.
    bootstrap_seed        seed of the bootstrap, so that a repeat gives the same interval.
    minimum_pairs         with fewer pairs no test is made and a sentence says so.
    trust_thresholds      score from which an answer trusts the prediction, by question; none: no decisions.
    control               key of the method that every other is compared with, or None.
    contrasts             pairs of methods compared, at most one primary; without them and a control: all.
    subgroups             of examples or readers, in which the primary comparison is told, with interaction.
    """

    alpha: float = 0.05
    zero_rule: str = "wilcox"
    primary_endpoint: PrimaryEndpoint = field(default_factory=PrimaryEndpoint)
    families: tuple[Family, ...] = DEFAULT_FAMILIES
    inference_mode: str = "auto"
    covariance: str = "jackknife"
    margin: float | None = None
    bootstrap_replicates: int = 2000
    bootstrap_seed: int = 0
    minimum_pairs: int = 5
    trust_thresholds: tuple[TrustThreshold, ...] = ()
    control: str | None = None
    contrasts: tuple[PlannedPair, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()

    def __post_init__(self) -> None:
        problems = self.problems()
        if problems:
            raise AnalysisError(" ".join(problems))

    @classmethod
    def proposed(cls) -> AnalysisPlan:
        """What a new study begins with; a default above is what older plans meant by leaving an entry out."""
        return replace(cls.published(), primary_endpoint=PrimaryEndpoint(test="by_readers"))

    @classmethod
    def published(cls) -> AnalysisPlan:
        """The published study's plan, with as many bootstrap samples as a new study takes."""
        return cls(bootstrap_replicates=20_000)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AnalysisPlan:
        """Read a plan as stored; what is not given keeps its default. Raises AnalysisError naming every problem."""
        if not isinstance(data, Mapping):
            raise AnalysisError(f"The analysis plan must be a set of named entries, not {data!r}.")
        values = dict(data)
        _refuse_unknown(values, cls, "The analysis plan")
        if "primary_endpoint" in values:
            values["primary_endpoint"] = _part(PrimaryEndpoint, values["primary_endpoint"], "The primary endpoint")
        if "families" in values:
            if not isinstance(values["families"], list | tuple):
                raise AnalysisError("The analysis plan's families must be a list.")
            values["families"] = tuple(_part(Family, family, "A family of tests") for family in values["families"])
        for name, (part, what) in _LISTS.items():
            if name in values:
                if not isinstance(values[name], list | tuple):
                    raise AnalysisError(f"The analysis plan's {name} must be a list.")
                values[name] = tuple(_part(part, item, what) for item in values[name])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able data; `from_dict` reads it back to an equal plan.

        What came after the first plans is left out where it says what they did, so that their hashes stay.
        """
        data = asdict(self)
        if self.primary_endpoint.aim == "difference":
            del data["primary_endpoint"]["aim"], data["primary_endpoint"]["margin_points"]
        data["families"] = [{**family, "truths": list(family["truths"])} for family in data["families"]]
        for item in fields(self):
            if item.name in LATER and getattr(self, item.name) == item.default:
                del data[item.name]
        return data | {name: list(data[name]) for name in _LISTS if name in data}

    def problems(self) -> list[str]:
        """Everything wrong with the plan, one sentence each; empty when it can be used."""
        found = []
        if not _is_number(self.alpha) or not 0 < self.alpha < 0.5:
            found.append(f"The significance level alpha must be a number between 0 and 0.5, not {self.alpha!r}.")
        for value, name, allowed in (
            (self.zero_rule, "zero rule", ZERO_RULES),
            (self.inference_mode, "inference mode", INFERENCE_MODES),
            (self.covariance, "covariance", COVARIANCES),
            (self.primary_endpoint.truth, "primary endpoint's truth", TRUTHS),
            (self.primary_endpoint.test, "primary endpoint's test", TESTS),
            (self.primary_endpoint.aim, "primary endpoint's aim", AIMS),
        ):
            if value not in allowed:
                found.append(f"The {name} must be one of {', '.join(allowed)}, not {value!r}.")
        found += self.primary_endpoint.problems()
        if self.margin is not None and (not _is_number(self.margin) or not 0 < self.margin < 1):
            found.append(f"The non-inferiority margin must be between 0 and 1 (or left out), not {self.margin!r}.")
        for number, name, least in (
            (self.bootstrap_replicates, "number of bootstrap replicates", 100),
            (self.bootstrap_seed, "bootstrap seed", 0),
            (self.minimum_pairs, "minimum number of pairs", 2),
        ):
            if not isinstance(number, int) or isinstance(number, bool) or number < least:
                found.append(f"The {name} must be a whole number of at least {least}, not {number!r}.")
        choices = self.trust_thresholds, self.contrasts, self.control, self.subgroups
        return found + self._family_problems() + planned.problems(*choices)

    def _family_problems(self) -> list[str]:
        found = []
        seen: set[tuple[str, str]] = set()
        for family in self.families:
            if family.level not in LEVELS:
                found.append(f"Family {family.name!r}: level must be one of {', '.join(LEVELS)}, not {family.level!r}.")
            for truth in family.truths:
                if truth not in TRUTHS:
                    found.append(f"Family {family.name!r}: truth must be one of {', '.join(TRUTHS)}, not {truth!r}.")
                if (family.level, truth) in seen:
                    found.append(f"Family {family.name!r}: {family.level} {truth} is in another family already.")
                seen.add((family.level, truth))
        return found

    def pairs(self, methods: Sequence[str]) -> tuple[PlannedPair, ...]:
        """The comparisons that the plan names among a study's methods; () where it names none."""
        return planned.planned_pairs(self.contrasts, self.control, methods)

    def tests(self, method_a: str, method_b: str, methods: Sequence[str]) -> bool:
        """Whether the plan tests these two methods: it names them, or names no comparison."""
        return frozenset((method_a, method_b)) in planned.tested_pairs(self.contrasts, self.control, methods)

    @property
    def primary_pair(self) -> PlannedPair | None:
        return next((pair for pair in self.contrasts if pair.primary), None)

    def threshold(self, question: str) -> float | None:
        """The score from which an answer to the question trusts the prediction; None where there is none."""
        return next((one.at_least for one in self.trust_thresholds if one.question == question), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_unknown(values: Mapping[str, Any], cls: type, what: str) -> None:
    known = [item.name for item in fields(cls)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise AnalysisError(f"{what} has no entry named {', '.join(unknown)}; it may have: {', '.join(known)}.")


def _part(cls: type, data: Any, what: str) -> Any:
    if isinstance(data, cls):
        return data
    if not isinstance(data, Mapping):
        raise AnalysisError(f"{what} must be a set of named entries, not {data!r}.")
    _refuse_unknown(data, cls, what)
    missing = [
        item.name for item in fields(cls) if cls is not Family and item.default is MISSING and item.name not in data
    ]
    if missing:
        raise AnalysisError(f"{what} needs {' and '.join(missing)}.")
    if cls is Family and "name" not in data:
        raise AnalysisError("A family of tests needs a name.")
    values = dict(data)
    if "truths" in values:
        values["truths"] = tuple(values["truths"])
    return cls(**values)
