"""The analysis plan as a form. AnalysisPlan says what is valid; families of tests keep what they are."""

from dataclasses import asdict, dataclass
from typing import Any

from django import forms

from readerstudy.common.limits import bounded, problems
from readerstudy.statistics.plan import (
    AIMS,
    COVARIANCES,
    INFERENCE_MODES,
    TESTS,
    TRUTHS,
    ZERO_RULES,
    AnalysisError,
    AnalysisPlan,
)
from readerstudy.studies.models import Study
from readerstudy.studies.pages.plan_choices import choice_fields, choice_initial, choices

_LABELS = {
    "wilcox": "left out (Wilcoxon)",
    "pratt": "ranked, then left out (Pratt)",
    "zsplit": "ranked, half to each side",
    "TP": "true positives",
    "FP": "false positives",
    "all": "all examples",
    "by_readers": "mean scores: readers and patients random from five readers on, else these readers",
    "readers_and_patients": "mean scores, readers and patients random",
    "wilcoxon": "Wilcoxon signed-rank, all pairs pooled (the published test)",
    "clustered_signed_rank": "signed-rank with patients as clusters",
    "obuchowski_rockette": "difference in AUC, readers and cases (Obuchowski-Rockette)",
    "auto": "decided by the number of readers: fixed readers below five",
    "random_readers": "other readers and other cases",
    "fixed_readers": "these readers, other cases",
    "fixed_cases": "other readers, these cases",
    "jackknife": "jackknife",
    "delong": "DeLong",
    "unbiased": "unbiased",
    "clustered": "with patients as clusters",
}
_TESTS = {"fixed_readers": "mean scores, for these readers"}  # what has another label elsewhere
_AIMS = {
    "difference": "the methods differ (no margin)",
    "non_inferiority": "the second method is not worse by the margin (non-inferiority)",
    "superiority": "the second method is better by more than the margin",
    "equivalence": "the methods differ by less than the margin (equivalence)",
}
_OWN = ("alpha", "zero_rule", "inference_mode", "covariance", "margin", "bootstrap_replicates", "bootstrap_seed")


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, _LABELS.get(name, name)) for name in names]


@dataclass(frozen=True)
class Claim:
    """What a primary test can claim, in two lines."""

    title: str
    claims: str
    limits: str


def claims() -> list[Claim]:
    """Of each primary test that the plan offers, in the order of the form."""
    from readerstudy.statistics.scores.choice import claims_of  # with it come the tests, SciPy and pandas

    auc = (
        "Speaks for whom “conclusions about AUC” below says.",
        "With fewer than five readers: for these readers only.",
    )
    return [
        Claim(title, *(auc if name == "obuchowski_rockette" else claims_of(name))) for name, title in _test_choices()
    ]


def _test_choices() -> list[tuple[str, str]]:
    return [(name, _TESTS.get(name, label)) for name, label in _choices(TESTS)]


class PlanForm(forms.Form):
    question = forms.ChoiceField(label="Primary endpoint: question", help_text="The one comparison that decides.")
    truth = forms.ChoiceField(label="Primary endpoint: examples", choices=_choices(TRUTHS))
    test = forms.ChoiceField(
        label="Primary endpoint: test", choices=_test_choices(), help_text="What each can claim stands below."
    )
    aim = forms.ChoiceField(
        label="A test of mean scores is to show that", choices=[(aim, _AIMS[aim]) for aim in AIMS], required=False
    )
    margin_points = bounded(
        forms.FloatField(
            label="Margin, in points of the scale", required=False, help_text="Empty where the aim has none."
        ),
        "margin_points",
    )
    alpha = bounded(forms.FloatField(label="Significance level, two-sided"), "alpha")
    zero_rule = forms.ChoiceField(
        label="Pairs without a difference are",
        choices=_choices(ZERO_RULES),
        help_text="The rule changes the p value, so it is fixed before the first read.",
    )
    inference_mode = forms.ChoiceField(
        label="Conclusions about AUC extend to", choices=_choices(INFERENCE_MODES), help_text="With few readers, the "
        "test for other readers is liberal.",
    )  # fmt: skip
    covariance = forms.ChoiceField(label="Covariances of AUCs", choices=_choices(COVARIANCES))
    margin = bounded(
        forms.FloatField(
            label="Non-inferiority margin in AUC",
            required=False,
            help_text="Empty: the study asks about superiority only.",
        ),
        "margin",
    )
    bootstrap_replicates = bounded(forms.IntegerField(label="Bootstrap samples"), "bootstrap_replicates")
    bootstrap_seed = bounded(forms.IntegerField(label="Bootstrap seed"), "bootstrap_seed")
    minimum_pairs = bounded(
        forms.IntegerField(label="Fewest pairs to test", help_text="With fewer no test is made."), "minimum_pairs"
    )

    def __init__(self, data: Any = None, *, study: Study) -> None:
        super().__init__(data, initial=_initial(study))
        self.fields |= choice_fields(study)
        self.stored = study.analysis_plan
        self.fields["question"].choices = [(q.key, q.text) for q in study.questions.all()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                self.plan = self._plan(values)
            except AnalysisError as error:
                self.add_error(None, str(error))
            else:
                for name, text in problems(values).items():
                    self.add_error(name, text)
        return values

    def _plan(self, values: dict[str, Any]) -> AnalysisPlan:
        own = {name: values[name] for name in (*_OWN, "minimum_pairs")}
        endpoint = {name: values[name] for name in ("question", "truth", "test", "margin_points")}
        endpoint["aim"] = values["aim"] or "difference"
        return AnalysisPlan.from_dict({**self.stored, **own, **choices(values), "primary_endpoint": endpoint})


def _initial(study: Study) -> dict[str, Any]:
    stored = AnalysisPlan.from_dict(study.analysis_plan)
    plan = stored.to_dict()
    return choice_initial(stored, study) | {
        **{name: plan[name] for name in (*_OWN, "minimum_pairs")},
        **asdict(stored.primary_endpoint),
    }
