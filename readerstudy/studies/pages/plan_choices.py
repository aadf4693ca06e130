"""The part of the plan's form that a study may leave empty: decisions, comparisons of methods, subgroups."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from django import forms

from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.studies.models import Question, Study

TRUST = "trust_"  # begins the name of the field of a question's threshold


def choice_fields(study: Study) -> dict[str, forms.Field]:
    """The fields by name; those of comparisons only where the study has methods to compare."""
    methods = [(method.key, method.label) for method in study.methods.order_by("position")]
    pairs = [(f"{b}/{a}", f"{b_label} against {a_label}") for (a, a_label), (b, b_label) in combinations(methods, 2)]
    fields: dict[str, forms.Field] = {
        f"{TRUST}{question.key}": _trust(question) for question in study.questions.order_by("position")
    }
    if len(methods) > 1:
        fields["control"] = forms.ChoiceField(
            label="Control",
            choices=[("", "none"), *methods],
            required=False,
            help_text="Every other method is compared with it.",
        )
    if len(methods) > 2:
        fields["primary_pair"] = forms.ChoiceField(
            label="Primary comparison",
            choices=[("", "none: all planned comparisons are adjusted for each other"), *pairs],
            required=False,
            help_text="The two methods whose comparison decides, tested at the full level.",
        )
        fields["other_pairs"] = forms.MultipleChoiceField(
            label="Other planned comparisons",
            choices=pairs,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text="Without a control and without any named here or above, all pairs are compared.",
        )
    return fields | _subgroup_fields()


def _of_two(question: Question) -> bool:
    """Whether it is answered with one of two words, as no or yes."""
    return question.maximum - question.minimum == 1 and bool(question.low_label and question.high_label)


def _trust(question: Question) -> forms.Field:
    """From which score an answer trusts; of two points with words, whether the upper one does."""
    told = "the report then tells how often right predictions are trusted and wrong ones are not."
    if _of_two(question):
        trusts = (str(float(question.maximum)), f"“{question.high_label}” trusts the prediction")
        return forms.TypedChoiceField(
            label=f"“{question.text}”",
            choices=[("", "is no decision about the prediction"), trusts],
            coerce=float,
            empty_value=None,
            required=False,
            help_text=f"A decision: {told}",
        )
    return forms.FloatField(
        label=f"“{question.text}”: trusts the prediction from",
        required=False,
        min_value=question.minimum,
        max_value=question.maximum,
        help_text=f"This score or a higher one counts as trust; {told} Empty: no decisions.",
    )


def _subgroup_fields() -> dict[str, forms.Field]:
    return {
        "by_pathology": forms.BooleanField(label="Tell the primary comparison by pathology", required=False),
        "by_specialty": forms.BooleanField(label="Tell it by the readers' specialty", required=False),
        "by_years": forms.FloatField(
            label="Tell it by experience: years to split at",
            required=False,
            min_value=1,
            max_value=60,
            help_text="Readers with fewer years beside those with as many or more. Empty: not by experience.",
        ),
    }


def choice_initial(plan: AnalysisPlan, study: Study) -> dict[str, Any]:
    """What the plan says, as values of the fields; of two words, any threshold between them is that of the upper."""
    thresholds = {one.question: one.at_least for one in plan.trust_thresholds}
    for question in filter(_of_two, study.questions.filter(key__in=thresholds)):
        if question.minimum < thresholds[question.key] <= question.maximum:
            thresholds[question.key] = float(question.maximum)
    by = {one.by: one for one in plan.subgroups}
    pairs = {pair.primary: f"{pair.new}/{pair.reference}" for pair in plan.contrasts}
    return {
        **{f"{TRUST}{question}": at_least for question, at_least in thresholds.items()},
        "control": plan.control or "",
        "primary_pair": pairs.get(True, ""),
        "other_pairs": [f"{pair.new}/{pair.reference}" for pair in plan.contrasts if not pair.primary],
        "by_pathology": "pathology" in by,
        "by_specialty": "specialty" in by,
        "by_years": by["years"].split if "years" in by else None,
    }


def choices(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of the plan that the fields' values give."""
    primary = values.get("primary_pair")
    pairs = [primary, *(pair for pair in values.get("other_pairs") or [] if pair != primary)]
    years = values.get("by_years")
    subgroups: list[dict[str, Any]] = [{"by": name} for name in ("pathology", "specialty") if values.get(f"by_{name}")]
    return {
        "trust_thresholds": [
            {"question": name.removeprefix(TRUST), "at_least": value}
            for name, value in values.items()
            if name.startswith(TRUST) and value is not None
        ],
        "control": values.get("control") or None,
        "contrasts": [
            {"new": pair.partition("/")[0], "reference": pair.partition("/")[2], "primary": pair == primary}
            for pair in pairs
            if pair
        ],
        "subgroups": subgroups + ([{"by": "years", "split": years}] if years is not None else []),
    }
