"""Measures of explanations beside the answers: means by kind, correlations, orders of methods, the wrong reason.

All of it is exploratory. Answers are means over readers, so that an example counts once; patients are resampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from readerstudy.common.counting import counted
from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, bootstrap, interval, mean_interval, why_no_interval
from readerstudy.statistics.frame import cluster_codes, natural_sort
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.ranks import spearman, spearman_interval
from readerstudy.statistics.rows.measures import (
    Measure,
    MeasureCorrelation,
    MeasureMean,
    MeasureOrder,
    Measures,
    WrongReason,
)

Floats = NDArray[np.float64]
ON_CONFOUNDER, ON_AT_MOST = 10.0, 0.5  # see sits_on_confounder
FEWEST_ALIKE = 3  # examples of each group that are compared
NOTHING = "No measures of the explanations are stored, so they are not compared with the answers."


@dataclass(frozen=True)
class Measured:
    """What a study's explanations were measured to be.

    table: example (text), method, kind, metric, value, chance (what an even map would have, of metrics of a confounder;
    NaN for others); one row for each value. metrics: in the order to show. outdated, failed: left out of the table.
    """

    table: pd.DataFrame
    metrics: Sequence[Measure]
    outdated: int = 0
    failed: int = 0


def measures_part(responses: pd.DataFrame, measured: Measured | None, plan: AnalysisPlan) -> Measures:
    """responses: as from frame.analysed. Examples that it does not have are left out."""
    if measured is None or not len(measured.table):
        lost = Measures() if measured is None else Measures(outdated=measured.outdated, failed=measured.failed)
        return replace(lost, note=NOTHING)
    keyed = responses.assign(example=responses["example"].astype(str))
    examples = keyed.groupby("example", sort=False)[["truth", "patient"]].first()
    table = measured.table.merge(examples, left_on="example", right_index=True)
    answers = keyed.groupby(["question", "method", "example"], sort=True)["score"].mean().reset_index()
    shown = [metric for metric in measured.metrics if (table["metric"] == metric.name).any()]
    return Measures(
        metrics=shown,
        means=[row for metric in shown for row in _means(table, metric.name, plan)],
        correlations=[row for metric in shown for row in _correlations(table, answers, metric.name, plan)],
        orders=[row for metric in shown for row in _orders(table, answers, metric, plan)],
        wrong_reason=[
            row for metric in shown if metric.of_confounder for row in _wrong_reason(table, answers, metric.name, plan)
        ],
        outdated=measured.outdated,
        failed=measured.failed,
    )


def _means(table: pd.DataFrame, metric: str, plan: AnalysisPlan) -> Iterator[MeasureMean]:
    """An example whose methods share a kind counts once."""
    once = table[table["metric"] == metric].drop_duplicates(["example", "kind"])
    for (kind, truth), members in once.groupby(["kind", "truth"], sort=True):
        values, patients = members["value"].to_numpy(float), cluster_codes(members["patient"])
        found = mean_interval(
            values, patients, alpha=plan.alpha, replicates=plan.bootstrap_replicates, seed=plan.bootstrap_seed
        ).ci
        n_patients = int(patients.max()) + 1
        mean, note = float(values.mean()), why_no_interval(found, n_patients)
        sd = float(values.std(ddof=1)) if len(values) > 1 else None
        yield MeasureMean(metric, str(kind), str(truth), len(values), n_patients, mean, sd, found, note)


def _correlations(
    table: pd.DataFrame, answers: pd.DataFrame, metric: str, plan: AnalysisPlan
) -> Iterator[MeasureCorrelation]:
    joined = table[table["metric"] == metric].merge(answers, on=["method", "example"])
    for (method, kind, question, truth), members in joined.groupby(["method", "kind", "question", "truth"], sort=True):
        patients = cluster_codes(members["patient"])
        row = MeasureCorrelation(
            metric, str(method), str(kind), str(question), str(truth), len(members), int(patients.max()) + 1
        )
        x, y = members["value"].to_numpy(float), members["score"].to_numpy(float)
        if row.n < max(4, plan.minimum_pairs):
            yield replace(row, note=f"Only {counted(row.n, 'example')}: too few for a correlation.")
        elif (rho := spearman(x, y)) is None:
            yield replace(row, note="The measure or the answers do not vary: no correlation.")
        else:
            ci = spearman_interval(x, y, patients, plan) if row.n_patients >= FEWEST_CLUSTERS else None
            yield replace(row, rho=rho, ci_patient=ci, note=why_no_interval(ci, row.n_patients))


def _orders(table: pd.DataFrame, answers: pd.DataFrame, metric: Measure, plan: AnalysisPlan) -> Iterator[MeasureOrder]:
    """A method's value of an example is the mean over its kinds."""
    own = table[table["metric"] == metric.name].groupby(["example", "method"], sort=True)
    joined = own.agg(value=("value", "mean"), truth=("truth", "first"), patient=("patient", "first")).reset_index()
    joined = joined.merge(answers, on=["method", "example"])
    for (question, truth), members in joined.groupby(["question", "truth"], sort=True):
        methods = natural_sort(members["method"])
        if len(methods) > 1:
            row = _order(members, methods, metric, str(question), str(truth), plan)
            asked = answers.loc[answers["question"] == question, "method"]
            apart = ", ".join(natural_sort(asked[~asked.isin(methods)]))
            said = f"Without this measure, so not in the order: {apart}." if apart else ""
            yield replace(row, note=" ".join(filter(None, [said, row.note])) or None)


def _order(
    members: pd.DataFrame, methods: list[str], metric: Measure, question: str, truth: str, plan: AnalysisPlan
) -> MeasureOrder:
    wide = members.pivot(index=["example", "patient"], columns="method", values=["value", "score"]).dropna()
    patients = cluster_codes(wide.index.to_frame()["patient"])
    row = MeasureOrder(metric.name, question, truth, len(wide), int(patients.max()) + 1 if len(wide) else 0)
    if row.n < FEWEST_ALIKE:
        return replace(row, note=f"Only {counted(row.n, 'example')} with all methods: too few to order them by.")
    values, scores = wide["value"][methods].to_numpy(float), wide["score"][methods].to_numpy(float)
    sign = 1.0 if metric.better == "higher" else -1.0
    by_metric, by_answers = sign * values.mean(axis=0), scores.mean(axis=0)
    alike = None
    if row.n_patients >= FEWEST_CLUSTERS:
        sums = np.column_stack([sign * values, scores])
        found = bootstrap(sums, patients, _same_order, plan.bootstrap_replicates, plan.bootstrap_seed)
        alike = float(np.mean(found))
    return replace(
        row,
        metric_means=dict(zip(methods, map(float, values.mean(axis=0)))),
        answer_means=dict(zip(methods, map(float, by_answers))),
        by_metric=" > ".join(methods[place] for place in np.argsort(-by_metric, kind="stable")),
        by_answers=" > ".join(methods[place] for place in np.argsort(-by_answers, kind="stable")),
        same=bool(_same_order(np.concatenate([by_metric, by_answers])[None])[0]),
        alike=alike,
        note=None if alike is not None else why_no_interval(None, row.n_patients),
    )


def _same_order(sums: Floats) -> Floats:
    """1 where the first half of the columns has the order of the second, ties being an order of their own; else 0."""
    first, second = np.split(sums, 2, axis=1)
    signs = [np.sign(np.round(half[:, :, None] - half[:, None, :], 9)) for half in (first, second)]
    same: Floats = (signs[0] == signs[1]).all(axis=(1, 2)).astype(float)
    return same


def _wrong_reason(table: pd.DataFrame, answers: pd.DataFrame, metric: str, plan: AnalysisPlan) -> Iterator[WrongReason]:
    falsely = table[(table["metric"] == metric) & (table["truth"] == "FP")]
    joined = falsely.assign(on=sits_on_confounder(falsely["value"], falsely["chance"]))
    joined = joined[joined["chance"].notna()].merge(answers, on=["method", "example"])
    for (question, method, kind), members in joined.groupby(["question", "method", "kind"], sort=True):
        on, scores = members["on"].to_numpy(bool), members["score"].to_numpy(float)
        row = WrongReason(str(question), str(method), str(kind), int(on.sum()), int((~on).sum()))
        means = [float(scores[group].mean()) if group.any() else None for group in (on, ~on)]
        row = replace(row, mean_on=means[0], mean_off=means[1])
        if min(row.n_on, row.n_off) < FEWEST_ALIKE:
            yield replace(row, note=f"Fewer than {FEWEST_ALIKE} examples of one sort: not compared.")
            continue
        patients = cluster_codes(members["patient"])
        columns = np.column_stack([scores * on, on, scores * ~on, ~on])
        fewer, ci = min(len(np.unique(patients[group])) for group in (on, ~on)), None
        if fewer >= FEWEST_CLUSTERS:
            drawn = bootstrap(columns, patients, _difference, plan.bootstrap_replicates, plan.bootstrap_seed)
            ci = interval(drawn, plan.alpha)
        difference = float(_difference(columns.sum(axis=0)[None])[0])
        yield replace(row, difference=difference, ci_patient=ci, note=why_no_interval(ci, fewer))


def sits_on_confounder(share: pd.Series, chance: pd.Series) -> pd.Series:
    """Whether a map puts ON_CONFOUNDER times there what an even map would, or ON_AT_MOST of its sum. By our choice."""
    return share >= (ON_CONFOUNDER * chance).clip(upper=ON_AT_MOST)


def _difference(sums: Floats) -> Floats:
    found: Floats = sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3]
    return found
