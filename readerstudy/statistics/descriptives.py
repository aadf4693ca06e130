"""What was read, by whom, how long it took: counts, means, times and localisation beside the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from readerstudy.statistics.bootstrap import FEWEST_CLUSTERS, mean_interval, why_no_interval
from readerstudy.statistics.frame import cluster_codes, complete, natural_key, natural_sort, of_truth
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.ranks import spearman, spearman_interval
from readerstudy.statistics.rows import (
    Flow,
    Localisation,
    MeanRow,
    MethodTime,
    OverlapCorrelation,
    OverlapPoint,
    PairFlow,
    PositionTime,
    ReaderFlow,
    ReadTime,
    ResponseFlow,
    ScoreCount,
    Timing,
)

POSITION_BINS = 20


def flow(
    data: pd.DataFrame,
    responses: pd.DataFrame,
    pairs: dict[tuple[str, str], pd.DataFrame],
    complete_study: int,
    not_asked: int = 0,
) -> Flow:
    """From the rows of the export to the pairs analysed; a row left out is counted once, under the first reason.

    complete_study: the answers asked for. Rows cannot tell of an example or a read that nobody has answered.
    not_asked: how many (method, question) the study leaves out.
    """
    study = data[~data["practice"]]
    examples = responses.drop_duplicates("example")
    n_examples = int(responses["example"].nunique())
    seen = {column: int(study[column].nunique()) for column in ("reader", "example", "method", "question")}
    asked = max(seen["method"] * seen["question"] - not_asked, 0)
    return Flow(
        readers=_readers(study, responses),
        n_readers=int(responses["reader"].nunique()),
        n_reads=int(responses.drop_duplicates(["reader", "read"]).shape[0]),
        n_examples=n_examples,
        n_tp=int((examples["truth"] == "TP").sum()),
        n_fp=int((examples["truth"] == "FP").sum()),
        n_patients=int(responses["patient"].nunique()),
        n_without_patient_key=int((examples["patient_key"] == "").sum()),
        n_excluded_examples=seen["example"] - n_examples,
        responses=_counts(data, len(responses), max(complete_study, seen["reader"] * seen["example"] * asked)),
        pairs=[PairFlow(a, b, len(complete(rows)), len(rows) - len(complete(rows))) for (a, b), rows in pairs.items()],
    )


def _readers(study: pd.DataFrame, responses: pd.DataFrame) -> list[ReaderFlow]:
    excluded = study[study["is_current"] & study["excluded"]]
    found = []
    for reader in natural_sort(study["reader"]):
        own = responses[responses["reader"] == reader]
        left_out = int((excluded["reader"] == reader).sum())
        found.append(ReaderFlow(reader, int(own["read"].nunique()), int(own["example"].nunique()), len(own), left_out))
    return found


def _counts(data: pd.DataFrame, n_analysed: int, expected: int) -> ResponseFlow:
    practice = data["practice"]
    current = ~practice & data["is_current"]
    kept = current & ~data["excluded"]
    unscored = kept & ~np.isfinite(data["score"])
    return ResponseFlow(
        rows=len(data),
        practice=int(practice.sum()),
        superseded=int((~practice & ~data["is_current"]).sum()),
        excluded=int((current & data["excluded"]).sum()),
        without_score=int(unscored.sum()),
        without_truth=int((kept & ~unscored & ~data["truth"].isin(["TP", "FP"])).sum()),
        analysed=n_analysed,
        expected=expected,
    )


def score_counts(responses: pd.DataFrame) -> list[ScoreCount]:
    """How often each score was given: question x method x truth x pathology x reader x score."""
    keys = ["question", "method", "truth", "pathology", "reader", "score"]
    counts = responses.groupby(keys, sort=True).size()
    return [ScoreCount(q, m, t, p, r, _whole(score), int(n)) for (q, m, t, p, r, score), n in counts.items()]


def mean_rows(responses: pd.DataFrame, plan: AnalysisPlan) -> list[MeanRow]:
    """Mean score and patient-cluster interval per question x method x truth x (pathology and overall)."""
    rows = []
    for (question, method), asked in responses.groupby(["question", "method"], sort=True):
        for truth in ("TP", "FP"):
            shown = of_truth(asked, truth)
            for group in ["overall", *natural_sort(shown["pathology"])]:
                members = shown if group == "overall" else shown[shown["pathology"] == group]
                score = members["score"].to_numpy(dtype=float)
                found = mean_interval(
                    score,
                    cluster_codes(members["patient"]),
                    alpha=plan.alpha,
                    replicates=plan.bootstrap_replicates,
                    seed=plan.bootstrap_seed,
                )
                mean = float(score.mean()) if len(score) else None
                rows.append(MeanRow(str(question), str(method), truth, group, len(score), mean, found.ci))
    return rows


def timing(responses: pd.DataFrame) -> Timing:
    """Seconds spent on an example, by position in the read (bins), by reader and read, and by method.

    The time looking at it, over all visits; in tables without it the time the page was visible in the visit of the
    answer; where that is nowhere recorded either, the time from opening to the last answer.
    """
    key = ["reader", "period", "example", "method"]
    looking = responses["looking_ms"].fillna(responses["visible_ms"]) / 1000
    wall = (responses["answered_at"] - responses["opened_at"]).dt.total_seconds()
    source = next((name for name in ("looking", "visible") if responses[f"{name}_ms"].notna().any()), None)
    measured, source = (looking, source) if source else (wall, "opened_to_answered")
    table = responses.assign(seconds=measured.where(measured >= 0))
    visits = table.groupby(key, sort=True).agg(seconds=("seconds", "max"), position=("position", "max")).reset_index()
    visits = visits[visits["seconds"].notna()]
    if not len(visits):
        return Timing("seconds", None, 0, note="No reading times are recorded.")
    by_read = [
        ReadTime(str(reader), int(period), *found)
        for (reader, period), found in _quartiles(visits, ["reader", "period"])
    ]
    return Timing(
        "seconds",
        source,
        len(visits),
        by_position=_by_position(visits[visits["position"].notna()]),
        by_read=sorted(by_read, key=lambda row: (natural_key(row.reader), row.period)),
        by_method=sorted(
            (MethodTime(str(method), *found) for (method,), found in _quartiles(visits, ["method"])),
            key=lambda row: natural_key(row.method),
        ),
    )


def _by_position(placed: pd.DataFrame) -> list[PositionTime]:
    """In POSITION_BINS bins at most, each named by its middle."""
    if not len(placed):
        return []
    first, last = placed["position"].min(), placed["position"].max()
    width = max(1.0, (last - first + 1) / POSITION_BINS)
    index = ((placed["position"] - first) // width).astype(int)
    binned = placed.assign(position=first + (index + 0.5) * width - 0.5)
    return [
        PositionTime(int(period), _whole(position), *found)
        for (period, position), found in _quartiles(binned, ["period", "position"])
    ]


def _quartiles(
    visits: pd.DataFrame, keys: list[str]
) -> Iterator[tuple[tuple[Any, ...], tuple[int, float, float, float]]]:
    """Each group's key and its (n, lower quartile, median, upper quartile) of seconds."""
    for key, members in visits.groupby(keys, sort=True)["seconds"]:
        q1, median, q3 = np.quantile(members, [0.25, 0.5, 0.75])
        yield tuple(key), (len(members), float(q1), float(median), float(q3))


def localisation_part(responses: pd.DataFrame, localisation: pd.DataFrame | None, plan: AnalysisPlan) -> Localisation:
    """IoU of map and mask against the mean score over readers, per question x method (x kind of map).

    localisation: columns example, method, iou in [0, 1] and perhaps kind; one row per map with a mask. The interval of
    the rank correlation resamples patients (ranks.py). Raises AnalysisError when a column is missing.
    """
    if localisation is None or not len(localisation):
        return Localisation(note="No maps with masks are stored, so overlap is not compared with the answers.")
    missing = [name for name in ("example", "method", "iou") if name not in localisation.columns]
    if missing:
        raise AnalysisError(f"The localisation table lacks the column(s) {', '.join(missing)}.")
    maps = localisation.assign(kind=localisation["kind"] if "kind" in localisation.columns else localisation["method"])
    maps = maps[maps["iou"].notna()].assign(key=lambda table: table["example"].astype(str))
    answers = responses.groupby(["question", "method", "example", "pathology"], sort=True)
    scores = answers.agg(score=("score", "mean"), patient=("patient", "first")).reset_index()
    joined = scores.assign(key=scores["example"].astype(str)).merge(
        maps[["key", "method", "kind", "iou"]], on=["key", "method"]
    )
    if not len(joined):
        return Localisation(note="No example with a mask was answered, so overlap is not compared with the answers.")
    points, correlations = [], []
    for (question, method, kind), members in joined.groupby(["question", "method", "kind"], sort=True):
        points += [
            OverlapPoint(question, method, kind, _identifier(e), p, float(i), float(s))
            for e, p, i, s in zip(members["example"], members["pathology"], members["iou"], members["score"])
        ]
        found = OverlapCorrelation(question, method, kind, len(members))
        correlations.append(_spearman(found, members, plan))
    return Localisation(points, correlations)


def _spearman(row: OverlapCorrelation, members: pd.DataFrame, plan: AnalysisPlan) -> OverlapCorrelation:
    if row.n < max(4, plan.minimum_pairs):
        return replace(row, note=f"Only {row.n} example(s): too few for a correlation.")
    x, y = members["iou"].to_numpy(float), members["score"].to_numpy(float)
    if (rho := spearman(x, y)) is None:
        return replace(row, note="Overlap or score does not vary: no correlation.")
    patients = cluster_codes(members["patient"])
    n_patients = int(patients.max()) + 1
    ci = spearman_interval(x, y, patients, plan) if n_patients >= FEWEST_CLUSTERS else None
    return replace(row, rho=rho, ci=ci, note=why_no_interval(ci, n_patients))


def _whole(value: float) -> float:
    """A score or position, without ".0" where it is whole."""
    return int(value) if float(value).is_integer() else float(value)


def _identifier(value: object) -> int | str:
    return int(value) if isinstance(value, int | np.integer) else str(value)
