"""Does something beside the images tell true from false positives? One warning for each thing that does.

Everything that a reader is sent, or could measure, is compared with the truth of the scored examples: the area under
the ROC curve of that thing alone, with the p value of an exact or a permutation test, multiplied by the number of
things looked at (Bonferroni), so that a dozen examples do not cry wolf. Only sums are told, never an example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from django.db.models.fields.files import FieldFile

from readerstudy.cases.models import Case
from readerstudy.explanations.models import ExplanationFile
from readerstudy.studies.models import Example, Study
from readerstudy.studies.shown import Probability, quarter
from readerstudy.studies.strips import own_walk

LEVEL = 0.05
_MOST_SPLITS = 20_000  # counted one by one up to here; beyond, drawn
_DRAWS = 9_999
_MANY = 50  # with as many of both, the normal approximation is as good as permutations, and takes no memory
_LESS = 1e-9


@dataclass(frozen=True)
class Telling:
    """One thing that goes with the truth. auc: 0.5..1, whichever way it goes; p: corrected; n: examples."""

    what: str
    auc: float
    p: float
    n: int

    def sentence(self) -> str:
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"
        return (
            f"{self.what} alone separates true from false positives: area under the ROC curve {self.auc:.2f} over "
            f"{self.n} examples ({p}, corrected for all that was looked at). Readers could learn it in practice."
        )


def telling(study: Study, examples: Sequence[Example], truth: Mapping[tuple[int, str], bool]) -> list[Telling]:
    """What separates true from false positives more than chance does, the worst first.

    examples: scored ones, with prediction, case, explanations and their files prefetched.
    """
    labelled = [e for e in examples if (e.prediction.case_id, e.prediction.pathology) in truth]
    labels = np.array([truth[e.prediction.case_id, e.prediction.pathology] for e in labelled], dtype=bool)
    things = {what: values for what, values in _things(study, labelled).items() if _varies(values, labels)}
    found = []
    for what, values in things.items():
        known = np.isfinite(values)
        auc, p = auc_and_p(values[known], labels[known])
        found.append(Telling(what, max(auc, 1 - auc), min(1.0, p * len(things)), int(known.sum())))
    return sorted((one for one in found if one.p < LEVEL), key=lambda one: (one.p, -one.auc))


def auc_and_p(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve of `values` for `labels`, and the two-sided p value of that far from a half.

    The p value is exact where all splits of the examples can be counted, and that of the Mann-Whitney test's normal
    approximation, corrected for ties, where there are many of both; else of 9 999 seeded permutations with the observed
    one among them (Phipson and Smyth, 2010). Ties count half.
    """
    from scipy.stats import mannwhitneyu, rankdata  # a third of a second: not in every command

    ranks, positives = rankdata(values), int(labels.sum())
    n = len(values)
    negatives = n - positives
    middle = positives * (n + 1) / 2
    observed = abs(ranks[labels].sum() - middle)
    if comb(n, positives) <= _MOST_SPLITS:
        sums = np.array([ranks[list(chosen)].sum() for chosen in combinations(range(n), positives)])
        p = float(np.mean(np.abs(sums - middle) >= observed - _LESS))
    elif min(positives, negatives) >= _MANY:
        p = float(mannwhitneyu(values[labels], values[~labels], use_continuity=False, method="asymptotic").pvalue)
    else:
        rng = np.random.default_rng(0)
        drawn = rng.permuted(np.broadcast_to(ranks, (_DRAWS, n)), axis=1)[:, :positives].sum(axis=1)
        p = float((1 + np.sum(np.abs(drawn - middle) >= observed - _LESS)) / (_DRAWS + 1))
    auc = (ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    return float(auc), p


def _varies(values: np.ndarray, labels: np.ndarray) -> bool:
    known = np.isfinite(values)
    return len(set(values[known])) > 1 and len(set(labels[known])) == 2


def _things(study: Study, examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """Name -> one number for each example, NaN where it has none."""
    cases = [example.prediction.case for example in examples]
    things: dict[str, list[float]] = {
        "The age": [_age(case) for case in cases],
        "The size of the image": [case.display_width * case.display_height for case in cases],
        "The number of bits of the image": [case.bits for case in cases],
        "The size of the image file": [_file_size(case.display) for case in cases],
    }
    if study.show_probability != Probability.HIDDEN:
        exact = study.show_probability == Probability.EXACT
        probabilities = [example.prediction.probability for example in examples]
        things["The probability as shown"] = [round(100 * p) if exact else quarter(p) for p in probabilities]
    for what, words in (
        ("The sex", [case.sex for case in cases]),
        ("The view", [case.view for case in cases]),
        ("The data set", [case.dataset for case in cases]),
    ):
        for word in sorted(set(words) - {""})[1 if len(set(words)) == 2 else 0 :]:
            things[f"{what} ({word})"] = [float(one == word) for one in words]
    things |= _of_explanations(examples)
    return {what: np.array(values, dtype=float) for what, values in things.items()}


def _of_explanations(examples: Sequence[Example]) -> dict[str, list[float]]:
    things: dict[str, list[float]] = {}

    def note(what: str, index: int, value: float) -> None:
        things.setdefault(what, [float("nan")] * len(examples))[index] = value

    for index, example in enumerate(examples):
        for explanation in example.explanations.all():
            walk, lambdas = own_walk(explanation), explanation.record.get("lambdas") or []
            for file in explanation.files.all():
                if file.role == ExplanationFile.Role.LAYER:
                    note(f"The size of the file of {explanation.kind}", index, _file_size(file.file))
                if file.role == ExplanationFile.Role.STRIP:
                    note("The number of frames as rendered", index, walk.frames)
                    note("The place of the unchanged frame as rendered", index, walk.before)
            if lambdas:
                note("The range of lambda (not shown)", index, max(lambdas) - min(lambdas))
    return things


def _age(case: Case) -> float:
    digits = "".join(character for character in str(case.age_label) if character.isdigit())
    return float(digits) if digits else float("nan")


def _file_size(file: FieldFile) -> float:
    """In bytes, where files lie on a disk: to ask a remote storage for each would take minutes."""
    try:
        file.storage.path(file.name or "")
        return float(file.size) if file.name else float("nan")
    except (NotImplementedError, OSError):
        return float("nan")
