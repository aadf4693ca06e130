"""The primary comparison of mean scores in subgroups of examples or readers, and whether it differs between them.

With K groups the interaction is tested by K - 1 contrasts of the groups' mean differences (for two groups: the
difference of differences). Groups of examples are read by the same readers: the contrast of two has a mean for every
reader, and is tested as a mean difference is, readers and patients random; more than two are tested for these readers.
Groups of readers read the same examples, so the variance of a contrast c of group means with R_g readers is that of
readers nested in groups,

    Var = sum_g c_g^2 (MS / R_g + Cov_within) - (sum_g c_g^2) Cov_between,

MS pooled within groups, the covariances from a jackknife of whole patients, degrees of freedom by Satterthwaite.

References: Obuchowski & Rockette 1995 (Commun. Stat. Simulation 24, 285); Hillis 2014 (Statistics in Medicine 33, 330)
for readers nested in groups; Satterthwaite 1946 (Biometrics Bulletin 2, 110).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from readerstudy.statistics.frame import natural_sort
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.planned import Subgroup
from readerstudy.statistics.rows import ReaderProfile, SubgroupResult, SubgroupRow
from readerstudy.statistics.scores.choice import compare, primary_test
from readerstudy.statistics.scores.data import Differences, Floats, differences, scores_from_rows
from readerstudy.statistics.scores.means import SMALLEST_VARIANCE, ReaderMeans, reader_means
from readerstudy.statistics.scores.results import (
    FEWEST_READERS,
    READERS_AND_PATIENTS,
    THESE_READERS,
    t_interval,
)

MOST_GROUPS = 20


@dataclass(frozen=True)
class Interaction:
    """Test that all groups have the same difference: F, or Hotelling's T^2 as F; estimate and ci of two groups only."""

    estimate: float | None
    ci: tuple[float, float] | None
    statistic: float
    df1: int
    df2: float
    p_value: float
    speaks_for: str


def subgroup_parts(
    responses: pd.DataFrame,
    pair: tuple[str, str],
    plan: AnalysisPlan,
    readers: Mapping[str, ReaderProfile] | None = None,
) -> list[SubgroupResult]:
    """Every subgroup of the plan, for the primary question; with truth "all" for true and false positives apart.

    pair: (new, reference) methods. readers: what is known of each reader, by code.
    """
    endpoint = plan.primary_endpoint
    truths = ("TP", "FP") if endpoint.truth == "all" else (endpoint.truth,)
    asked = responses[responses["question"] == endpoint.question]
    return [
        _subgroup(
            asked[(asked["truth"] == truth) & asked["method"].isin(pair)],
            one,
            SubgroupResult(one.by, endpoint.question, truth, *pair),
            plan,
            readers or {},
        )
        for one in plan.subgroups
        for truth in truths
    ]


def _subgroup(
    answers: pd.DataFrame,
    by: Subgroup,
    empty: SubgroupResult,
    plan: AnalysisPlan,
    readers: Mapping[str, ReaderProfile],
) -> SubgroupResult:
    answers = answers.assign(group=_groups(answers, by, readers))
    names = natural_sort(answers["group"].dropna())
    if by.by == "years" and by.split is not None:
        names.sort(key=lambda name: name != f"under {by.split:g} years")
    rows = [_row(answers[answers["group"] == name], name, empty, plan) for name in names]
    unknown = int(answers.loc[answers["group"].isna(), "reader"].nunique())
    note = f"Of {unknown} reader(s) it is not known; they are left out." if unknown else None
    found = replace(empty, rows=rows, note=note)
    kept = answers[answers["group"].notna()]
    if not 1 < len(names) <= MOST_GROUPS:
        why = "There is one group only: nothing to compare." if len(names) < 2 else "Too many groups to compare."
        return replace(found, note=" ".join(filter(None, [note, why])))
    try:
        one = _interaction(kept, names, by.by == "pathology", empty, plan.alpha)
    except AnalysisError as problem:
        return replace(found, note=" ".join(filter(None, [note, f"No test of the interaction: {problem}"])))
    ci = None if one.ci is None else list(one.ci)
    return replace(
        found, interaction=one.estimate, interaction_ci=ci, statistic=one.statistic, df1=one.df1, df2=one.df2,
        p_value=one.p_value, speaks_for=one.speaks_for,
    )  # fmt: skip


def _groups(answers: pd.DataFrame, by: Subgroup, readers: Mapping[str, ReaderProfile]) -> pd.Series:
    """The group of each answer; None where it is not known."""
    if by.by == "pathology":
        return answers["pathology"]
    named: dict[str, str | None] = {}
    for code, profile in readers.items():
        if by.by == "specialty":
            named[code] = profile.specialty or None
        elif profile.years is not None and by.split is not None:
            named[code] = f"{by.split:g} years or more" if profile.years >= by.split else f"under {by.split:g} years"
    return answers["reader"].map(lambda code: named.get(code)).astype(object)


def _row(answers: pd.DataFrame, name: str, about: SubgroupResult, plan: AnalysisPlan) -> SubgroupRow:
    size = answers["reader"].nunique(), answers["patient"].nunique()
    try:
        data = scores_from_rows(answers, [about.reference, about.new])
        test = primary_test(differences(data, about.reference, about.new).n_readers)
        one = compare(data, about.reference, about.new, test, alpha=plan.alpha)
    except AnalysisError as problem:
        return SubgroupRow(name, 0, *size, note=str(problem))
    return SubgroupRow(
        name, one.size.pairs, one.size.readers, one.size.patients, one.estimate, list(one.ci), one.p_value,
        f"Speaks for {one.speaks_for}.",
    )  # fmt: skip


def _interaction(
    answers: pd.DataFrame, names: list[str], of_examples: bool, about: SubgroupResult, alpha: float
) -> Interaction:
    data = scores_from_rows(answers, [about.reference, about.new])
    d = differences(data, about.reference, about.new)
    if of_examples:
        places = sorted(answers["example"].unique())
        group_of = answers.drop_duplicates("example").set_index("example").loc[places, "group"].to_numpy()
        paired = np.isfinite(data.scores[1] - data.scores[0]).any(axis=0)
        return of_example_groups(d, _codes(group_of[paired], names), len(names), alpha)
    group_of = answers.drop_duplicates("reader").set_index("reader").loc[list(d.readers), "group"].to_numpy()
    return of_reader_groups(d, _codes(group_of, names), len(names), alpha)


def _codes(labels: NDArray[np.object_], names: list[str]) -> NDArray[np.int64]:
    return np.array([names.index(str(label)) for label in labels], dtype=np.int64)


def of_example_groups(d: Differences, group: NDArray[np.int64], n_groups: int, alpha: float = 0.05) -> Interaction:
    """Groups of examples, (cases,) codes. Raises AnalysisError where a reader lacks two patients in a group."""
    parts = [
        reader_means(np.where(group == k, d.values, np.nan)[:, :, None], d.patients, d.readers) for k in range(n_groups)
    ]
    means = np.column_stack([part.means[:, 0] for part in parts])  # (readers, groups)
    pulls = np.stack([part.pulls[:, :, 0] for part in parts], axis=2)  # (readers, patients, groups)
    c = _contrasts(n_groups)
    means, pulls = means @ c, pulls @ c
    readers, m = means.shape
    centre, patients = means.mean(axis=0), d.n_patients
    if readers < FEWEST_READERS or m > 1:
        return _fixed(centre, pulls.mean(axis=0), patients, alpha)
    found = ReaderMeans(means, pulls)
    a, b = found.between_readers / readers, max(found.shared, 0.0)
    return _tested(
        centre, np.array([[a + b]]), _satterthwaite(a, readers - 1, b, patients - 1), alpha, READERS_AND_PATIENTS
    )


def of_reader_groups(d: Differences, group: NDArray[np.int64], n_groups: int, alpha: float = 0.05) -> Interaction:
    """Groups of readers: group is (readers,) codes. Raises AnalysisError where a group has no reader with pairs."""
    counts = np.bincount(group, minlength=n_groups)
    if (counts == 0).any():
        raise AnalysisError("a group has no reader who scored an example with both methods.")
    found = reader_means(d.values[:, :, None], d.patients, d.readers)
    means, pulls = found.means[:, 0], found.pulls[:, :, 0]
    member = (group[:, None] == np.arange(n_groups)) / counts
    c = _contrasts(n_groups)
    centre = (means @ member) @ c
    if len(means) < FEWEST_READERS or counts.min() < 2:
        return _fixed(centre, pulls.T @ member @ c, d.n_patients, alpha)
    within_df = len(means) - n_groups
    ms = float(((means - (means @ member)[group]) ** 2).sum()) / within_df
    covariance = pulls @ pulls.T
    same = (group[:, None] == group) & ~np.eye(len(group), dtype=bool)
    apart = group[:, None] != group
    excess = max(float(covariance[same].mean() - covariance[apart].mean()), 0.0)
    a, df2 = ms / counts, _satterthwaite(float((ms / counts).mean()), within_df, excess, d.n_patients - 1)
    return _tested(centre, c.T @ np.diag(a + excess) @ c, df2, alpha, READERS_AND_PATIENTS)


def _contrasts(n_groups: int) -> Floats:
    """(groups, groups - 1): each later group less the first."""
    return np.vstack([-np.ones(n_groups - 1), np.eye(n_groups - 1)])


def _satterthwaite(a: float, df_a: float, b: float, df_b: float) -> float:
    spread = a**2 / df_a + b**2 / max(df_b, 1)
    return (a + b) ** 2 / spread if spread > 0 else np.inf


def _fixed(centre: Floats, pulls: Floats, patients: int, alpha: float) -> Interaction:
    """For these readers: Hotelling's T^2 over patients; pulls is (patients, contrasts)."""
    m = len(centre)
    df2 = patients - m
    if df2 < 1:
        raise AnalysisError(f"{patients} patients are too few for {m + 1} groups.")
    variance = pulls.T @ pulls * (patients - 1) / df2
    return _tested(centre, variance, float(df2), alpha, THESE_READERS)


def _tested(centre: Floats, variance: Floats, df2: float, alpha: float, speaks_for: str) -> Interaction:
    m = len(centre)
    if np.linalg.eigvalsh(variance).min() <= SMALLEST_VARIANCE:
        raise AnalysisError("the differences do not vary.")
    statistic = float(centre @ np.linalg.solve(variance, centre)) / m
    p_value = float(special.chdtrc(m, m * statistic) if np.isinf(df2) else special.fdtrc(m, df2, statistic))
    estimate, ci = None, None
    if m == 1:
        estimate = float(centre[0])
        ci = t_interval(estimate, float(np.sqrt(variance[0, 0])), df2, alpha)
    return Interaction(estimate, ci, statistic, m, df2, p_value, speaks_for)
