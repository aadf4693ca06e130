"""What the planned test says, and for whom: the only verdict of a report."""

from __future__ import annotations

from dataclasses import dataclass

from readerstudy.common.counting import counted
from readerstudy.statistics.adjusted import holm
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS
from readerstudy.statistics.mrmc.power import MODES
from readerstudy.statistics.paired import clustered_p, planned_p
from readerstudy.statistics.plan import MEAN_TESTS, AnalysisPlan
from readerstudy.statistics.rows import PairedRow, Results, ScoreRow
from readerstudy.statistics.scores.comparing import new_of
from readerstudy.statistics.scores.means import FEW_PATIENTS
from readerstudy.statistics.scores.results import FEWEST_READERS
from readerstudy.statistics.wording import number, p_clause
from readerstudy.statistics.words.auc import auc_verdict, known, mrmc_of

NAMES = {
    "readers_and_patients": "test of mean scores with readers and patients as samples",
    "fixed_readers": "test of mean scores with patients as a sample and these readers given",
    "wilcoxon": "signed-rank test, which describes these answers,",
    "clustered_signed_rank": "clustered signed-rank test",
}
AIM_WORDS = {
    "non_inferiority": "{b} is not worse than {a} by {margin} points or more (non-inferiority)",
    "superiority": "{b} is better than {a} by more than {margin} points (superiority)",
    "equivalence": "{b} and {a} differ by less than {margin} points (equivalence)",
}


@dataclass(frozen=True)
class _Planned:
    """The plan's test of the primary comparison: its name, p value, and the exact p where that is another."""

    name: str
    p_value: float
    p_exact: float | None = None


def of_same_test(row: PairedRow, other: PairedRow) -> bool:
    """Whether both are about the same question, truth and level: they differ in methods or group."""
    return (row.question, row.truth, row.level) == (other.question, other.truth, other.level)


def patients(results: Results, row: PairedRow) -> int:
    """Of the comparison; with readers nested in methods, whom no pair compares, of the study."""
    return row.n_patients if row.n_pairs else results.flow.n_patients


def verdict(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """What the planned test says, adjusted where there are more than two methods, and what else must be known."""
    if (n := patients(results, row)) < FEW_PATIENTS:
        return [
            f"The comparison is of {counted(n, 'patient')}: with fewer than {FEW_PATIENTS} this report "
            "gives estimates and intervals, and no verdict."
        ]
    if plan.primary_endpoint.test == "obuchowski_rockette":
        return auc_verdict(results, row.question, plan)
    planned = _planned(row, plan)
    if planned is None:
        pooled = f"; the pooled signed-rank test gives {p_clause(row.p_value)}" if row.p_value is not None else ""
        return [f"The planned test could not be made{pooled}: there is no verdict."]
    if plan.primary_endpoint.aim != "difference":
        return _margin(results, row, plan)
    return _departure(row, plan) + _difference(results, row, planned, plan)


def _planned(row: PairedRow, plan: AnalysisPlan) -> _Planned | None:
    """None where the planned test could not be made."""
    p_value = planned_p(row, plan)
    if p_value is None:
        return None
    if plan.primary_endpoint.test in MEAN_TESTS:
        assert row.mean_test is not None
        return _Planned(NAMES[row.mean_test.test], p_value)
    name = NAMES[plan.primary_endpoint.test]
    if plan.primary_endpoint.test == "wilcoxon":
        return _Planned(name, p_value, row.p_exact)
    assert row.clustered is not None
    if row.clustered.patient.p_value is None:
        name += f", exact because its approximation needs {FEWEST_CLUSTERS} patients,"
    return _Planned(name, p_value, row.clustered.patient.p_exact)


def _difference(results: Results, row: PairedRow, planned: _Planned, plan: AnalysisPlan) -> list[str]:
    unadjusted = p = planned.p_value
    many = len(results.methods) > 2 and plan.primary_pair is None
    among, alike = "", "on the same side of the level"
    if many:
        p, size = adjusted(results, row, plan)
        alike += " as the unadjusted p"
        among = f" ({p_clause(p)} when adjusted for the {size} comparisons of its family)"
    below = "below" if p < plan.alpha else "not below"
    level = f"{100 * plan.alpha:g} %"
    name = planned.name + ("" if plan.primary_pair is None else " of the plan's primary comparison")
    sentences = [
        f"The planned {name} gives {p_clause(unadjusted)}{among}, {below} the {level} level fixed in the plan."
    ]
    exact = planned.p_exact
    if exact is not None and unadjusted != exact:
        sides = "" if (exact < plan.alpha) == (unadjusted < plan.alpha) else f": NOT {alike}"
        sentences.append(f"It is an approximation, rough with so few differences; exact: {p_clause(exact)}{sides}.")
    if row.family and not many:
        sentences += _beside_adjusted(p, *adjusted(results, row, plan), plan)
    if p >= plan.alpha:
        sentences.append("A difference this large could be chance; this does not show that the methods are equal.")
    p_clustered = clustered_p(row)
    if plan.primary_endpoint.test == "wilcoxon" and p_clustered is not None:
        side = alike if (p_clustered < plan.alpha) == (unadjusted < plan.alpha) else f"NOT {alike}"
        sentences.append(f"The test that keeps each patient's answers together gives {p_clause(p_clustered)}, {side}.")
    return sentences


def _departure(row: PairedRow, plan: AnalysisPlan) -> list[str]:
    if not departs(row, plan):
        return []
    return [
        f"The planned test takes readers as a sample, which needs {FEWEST_READERS}; with "
        f"{counted(row.n_readers, 'reader')} it finds differences too often, so the one for these readers takes its "
        "place."
    ]


def departs(row: PairedRow, plan: AnalysisPlan) -> bool:
    """Whether too few readers took part for the test that the plan names."""
    planned = plan.primary_endpoint.test
    return planned == "readers_and_patients" and row.mean_test is not None and row.mean_test.test != planned


def _margin(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """Whether the aim with its margin is met, by the test that counts."""
    found = _with_margin(results, row)
    if found is None or found.margin is None:
        return ["The planned test could not be made: there is no verdict."]
    test = found.margin
    aim = aim_sentence(results, found)
    p = "" if test.p_value is None else f" (one-sided {p_clause(test.p_value)}, level {50 * plan.alpha:g} %)"
    shown = "IS shown" if test.shown else "is NOT shown, which does not show the contrary"
    alone = len(results.methods) == 2 or plan.primary_pair is not None
    many = "" if alone else " This p value is not adjusted for the other pairs of methods."
    return [*_departure(row, plan), f"The plan asks whether {aim}: that {shown}{p}.{many}"]


def _with_margin(results: Results, row: PairedRow) -> ScoreRow | None:
    wanted = (row.question, row.truth, row.method_a, row.method_b)
    tests = (s for s in results.score_tests if (s.question, s.truth, s.method_a, s.method_b) == wanted)
    return next((test for test in tests if test.margin), None)


def aim_sentence(results: Results, row: ScoreRow) -> str:
    """The aim with its margin: "B is not worse than A by 0.3 points or more (non-inferiority)"."""
    assert row.margin is not None
    new = new_of(results.plan, row.method_a, row.method_b)
    a, b = (results.methods[key] for key in (row.method_a if new == row.method_b else row.method_b, new))
    lower = "; lower answers are better on false positives" if row.truth == "FP" else ""
    return AIM_WORDS[row.margin.aim].format(a=a, b=b, margin=number(row.margin.margin)) + lower


def _beside_adjusted(p: float, p_holm: float, size: int, plan: AnalysisPlan) -> list[str]:
    """Which p the claim uses, where the primary endpoint is one of a family that is adjusted as well."""
    if size < 2:
        return []
    also = "too" if p_holm < plan.alpha else "" if p < plan.alpha else "either"
    below = f"{'below' if p_holm < plan.alpha else 'NOT below' if p < plan.alpha else 'not below'} the level {also}"
    return [
        "The claim uses this p value, unadjusted because the plan names one primary endpoint; adjusted by Holm for the "
        f"{size} comparisons of its family it would be {p_clause(p_holm)}, {below.strip()}."
    ]


def adjusted(results: Results, row: PairedRow, plan: AnalysisPlan) -> tuple[float, int]:
    """Holm's p of a row that has a p, and of how many: its family, else this comparison of all methods."""
    if row.p_holm is not None and row.family_size is not None:
        return row.p_holm, row.family_size
    members = [
        (other, p)
        for other in results.paired
        if of_same_test(row, other)
        and (other is row or plan.tests(other.method_a, other.method_b, list(results.methods)))
        and (p := planned_p(other, plan)) is not None
    ]
    place = next(index for index, (other, _) in enumerate(members) if other is row)
    return float(holm([p for _, p in members])[place]), len(members)


def _decided(results: Results, row: PairedRow, plan: AnalysisPlan) -> bool:
    """Whether a test gives a verdict."""
    if patients(results, row) < FEW_PATIENTS:
        return False
    if plan.primary_endpoint.test == "obuchowski_rockette":
        part = mrmc_of(results, row.question)
        return part is not None and part.primary is not None and known(part.primary.p_value)
    if plan.primary_endpoint.aim != "difference" and _with_margin(results, row) is None:
        return False
    return planned_p(row, plan) is not None


def scope(results: Results, row: PairedRow, plan: AnalysisPlan) -> list[str]:
    """For whom the test that gives the verdict speaks, at any number of readers; [] where there is no verdict."""
    if not _decided(results, row, plan):
        return []
    test, cases, n_readers = plan.primary_endpoint.test, "patients", row.n_readers
    made = "The test made" if departs(row, plan) else "The planned test"
    if test == "obuchowski_rockette":
        part = mrmc_of(results, row.question)
        assert part is not None and part.primary is not None
        n_readers = n_readers or len(part.readers)  # nested in methods: no pair counts them
        given = part.primary.scope
        if part.primary.mode not in (MODES if plan.inference_mode == "auto" else (plan.inference_mode,)):
            made = "The test made"
        if given == "these cases only":
            return [
                f"{made} speaks for readers like those in the study with these cases, and says nothing of other cases."
            ]
        for_others = given == "readers and cases like these"
        cases = "patients" if plan.covariance == "clustered" else "cases"
    else:
        for_others = test in MEAN_TESTS and row.mean_test is not None and row.mean_test.test == "readers_and_patients"
    who = "this reader" if n_readers == 1 else f"these {n_readers} readers"
    if test == "wilcoxon":
        return [f"{made} describes the answers of {who}: it speaks neither for other readers nor other patients."]
    if for_others:
        return [f"{made} speaks for readers and {cases} like those in the study."]
    return [f"{made} speaks for {cases} like those in the study, read by {who}, and says nothing of other readers."]
