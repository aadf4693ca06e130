"""Which test of scores is proposed, and what each may claim: one table for plan page, report and analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.crossed import crossed_reml
from readerstudy.statistics.scores.data import Differences, Scores, differences
from readerstudy.statistics.scores.means import fixed_cases, fixed_readers, readers_and_patients
from readerstudy.statistics.scores.results import FEWEST_READERS, MeanDifference


@dataclass(frozen=True)
class ScoreTest:
    """claims and limits: the two plain lines of the plan page. run: None for rank tests, which live in `paired`."""

    name: str
    title: str
    claims: str
    limits: str
    run: Callable[..., MeanDifference] | None


TESTS = {
    test.name: test
    for test in (
        ScoreTest(
            "readers_and_patients",
            "Mean difference, readers and patients random",
            "Speaks for readers and patients like those in the study: both are treated as samples.",
            f"Needs {FEWEST_READERS} readers or more; with fewer it finds differences too often.",
            readers_and_patients,
        ),
        ScoreTest(
            "fixed_readers",
            "Mean difference for these readers",
            "Speaks for patients like those in the study, read by these readers.",
            "Says nothing of other readers, however many took part.",
            fixed_readers,
        ),
        ScoreTest(
            "crossed_reml",
            "Crossed random model of the differences (REML)",
            "Speaks for readers and patients like those in the study, if the model fits: normal effects of both.",
            "Finds too few differences where neither readers nor patients react differently; not for small studies.",
            crossed_reml,
        ),
        ScoreTest(
            "fixed_cases",
            "Mean difference for these cases",
            "Speaks for readers like those in the study, reading these very cases.",
            "Says nothing of other cases: taken for more, it finds differences far too often.",
            fixed_cases,
        ),
        ScoreTest(
            "wilcoxon",
            "Wilcoxon's signed-rank test of all pairs (published design)",
            "Describes these answers as the published study did.",
            "Treats every answer as independent: it speaks neither for other readers nor for other patients.",
            None,
        ),
        ScoreTest(
            "clustered_signed_rank",
            "Signed-rank test with patients as clusters",
            "Speaks for patients like those in the study, read by these readers.",
            "Says nothing of other readers, however many took part.",
            None,
        ),
    )
}


BY_READERS = (
    f"From {FEWEST_READERS} readers on: readers and patients are both samples, so it speaks for others like them.",
    f"With fewer than {FEWEST_READERS} it speaks for these readers only. Their number decides, not their answers.",
)  # claims and limits of the plan's "by_readers"


def primary_test(n_readers: int) -> str:
    """The test that a plan proposes for so many readers."""
    return "readers_and_patients" if n_readers >= FEWEST_READERS else "fixed_readers"


def score_test_for(planned: str, n_readers: int) -> str:
    """The test of mean scores with so many readers under a plan's test; beside a plan's other tests the proposed one.

    With fewer readers than FEWEST_READERS a planned "readers_and_patients" gives way: it would find too much.
    """
    return planned if planned == "fixed_readers" else primary_test(n_readers)


def claims_of(planned: str) -> tuple[str, str]:
    """The two lines on a plan's test of scores: what it can claim, and its limits."""
    return BY_READERS if planned == "by_readers" else (TESTS[planned].claims, TESTS[planned].limits)


def compare(data: Scores, method_a: str, method_b: str, test: str, *, alpha: float = 0.05) -> MeanDifference:
    """B - A by the test of that name. Raises AnalysisError where it is unknown, or the data do not allow it."""
    return run(differences(data, method_a, method_b), test, alpha=alpha)


def compare_all(data: Scores, test: str, *, alpha: float = 0.05) -> dict[tuple[str, str], MeanDifference]:
    """Every pair of methods, each from its own pairs and with its own variance; multiplicity is the plan's affair."""
    return {(a, b): compare(data, a, b, test, alpha=alpha) for a, b in combinations(data.methods, 2)}


def run(d: Differences, test: str, *, alpha: float = 0.05) -> MeanDifference:
    """The test of that name on differences."""
    chosen = TESTS.get(test)
    if chosen is None or chosen.run is None:
        known = ", ".join(name for name, known in TESTS.items() if known.run is not None)
        raise AnalysisError(f"There is no test of mean scores named {test!r}: choose one of {known}.")
    return chosen.run(d, alpha=alpha)
