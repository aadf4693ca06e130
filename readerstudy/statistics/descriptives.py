"""What was read, by whom, how long it took: counts, means, times and localisation beside the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from readerstudy.statistics.bootstrap import mean_interval
from readerstudy.statistics.frame import cluster_codes, complete, natural_key, natural_sort, of_truth
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan

POSITION_BINS = 20


def flow(
    data: pd.DataFrame,
    responses: pd.DataFrame,
    pairs: dict[tuple[str, str], pd.DataFrame],
    complete_study: int,
    not_asked: int = 0,
) -> dict[str, Any]:
    """From the rows of the export to the pairs analysed; a row left out is counted once, under the first reason.

    complete_study: the answers asked for. Rows cannot tell of an example or a read that nobody has answered.
    not_asked: how many (method, question) the study leaves out.
    """
    practice = data["practice"]
    superseded = ~practice & ~data["is_current"]
    excluded = ~practice & data["is_current"] & data["excluded"]
    unscored = ~practice & data["is_current"] & ~data["excluded"] & ~np.isfinite(data["score"])
    unknown = ~practice & data["is_current"] & ~data["excluded"] & ~unscored & ~data["truth"].isin(["TP", "FP"])
    study = data[~practice]
    examples = responses.drop_duplicates("example")
    sizes = [responses[column].nunique() for column in ("reader", "example", "method", "question")]
    seen = [study[column].nunique() for column in ("reader", "example", "method", "question")]  # exclusions too
    readers = []
    for reader in natural_sort(study["reader"]):
        own = responses[responses["reader"] == reader]
        readers.append(
            {
                "reader": reader,
                "reads": int(own["read"].nunique()),
                "examples": int(own["example"].nunique()),
                "answers": len(own),
                "excluded": int((excluded & (data["reader"] == reader)).sum()),
            }
        )
    return {
        "readers": readers,
        "n_readers": sizes[0],
        "n_reads": int(responses.drop_duplicates(["reader", "read"]).shape[0]),
        "n_examples": sizes[1],
        "n_tp": int((examples["truth"] == "TP").sum()),
        "n_fp": int((examples["truth"] == "FP").sum()),
        "n_patients": int(responses["patient"].nunique()),
        "n_without_patient_key": int((examples["patient_key"] == "").sum()),
        "n_excluded_examples": int(study["example"].nunique()) - sizes[1],
        "responses": {
            "rows": len(data),
            "practice": int(practice.sum()),
            "superseded": int(superseded.sum()),
            "excluded": int(excluded.sum()),
            "without_score": int(unscored.sum()),
            "without_truth": int(unknown.sum()),
            "analysed": len(responses),
            "expected": max(complete_study, seen[0] * seen[1] * max(seen[2] * seen[3] - not_asked, 0)),
        },
        "pairs": [
            {
                "method_a": a,
                "method_b": b,
                "complete": len(complete(rows)),
                "incomplete": len(rows) - len(complete(rows)),
            }
            for (a, b), rows in pairs.items()
        ],
    }


def score_counts(responses: pd.DataFrame) -> list[dict[str, Any]]:
    """How often each score was given: question x method x truth x pathology x reader x score."""
    keys = ["question", "method", "truth", "pathology", "reader", "score"]
    counts = responses.groupby(keys, sort=True).size()
    return [dict(zip(keys, map(_plain, key))) | {"n": int(n)} for key, n in counts.items()]  # type: ignore[call-overload]


def mean_rows(responses: pd.DataFrame, plan: AnalysisPlan) -> list[dict[str, Any]]:
    """Mean score and patient-cluster interval per question x method x truth x (pathology and overall)."""
    rows = []
    for (question, method), asked in responses.groupby(["question", "method"], sort=True):
        for truth in ("TP", "FP"):
            shown = of_truth(asked, truth)
            for group in ["overall", *natural_sort(shown["pathology"])]:
                members = shown if group == "overall" else shown[shown["pathology"] == group]
                score = members["score"].to_numpy(dtype=float)
                ci, _ = mean_interval(
                    score,
                    cluster_codes(members["patient"]),
                    alpha=plan.alpha,
                    replicates=plan.bootstrap_replicates,
                    seed=plan.bootstrap_seed,
                )
                about = {"question": question, "method": method, "truth": truth, "group": group, "n": len(score)}
                rows.append(about | {"mean": float(score.mean()) if len(score) else None, "ci_patient": ci})
    return rows


def timing(responses: pd.DataFrame) -> dict[str, Any]:
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
    result: dict[str, Any] = {"unit": "seconds", "source": source, "n_visits": len(visits), "note": None}
    result |= {"by_position": [], "by_read": [], "by_method": []}
    if not len(visits):
        return result | {"source": None, "note": "No reading times are recorded."}
    result["by_read"] = _quartiles(visits, ["reader", "period"])
    result["by_method"] = _quartiles(visits, ["method"])
    placed = visits[visits["position"].notna()]
    if len(placed):
        first, last = placed["position"].min(), placed["position"].max()
        width = max(1.0, (last - first + 1) / POSITION_BINS)
        index = ((placed["position"] - first) // width).astype(int)
        placed = placed.assign(position=first + (index + 0.5) * width - 0.5)
        result["by_position"] = _quartiles(placed, ["period", "position"])
    return result


def _quartiles(visits: pd.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    rows = []
    for key, members in visits.groupby(keys, sort=True)["seconds"]:
        q1, median, q3 = np.quantile(members, [0.25, 0.5, 0.75])
        about = dict(zip(keys, map(_plain, key)))  # type: ignore[call-overload]
        rows.append(about | {"n": len(members), "q1": float(q1), "median": float(median), "q3": float(q3)})
    return sorted(
        rows, key=lambda row: [natural_key(row[key]) if isinstance(row[key], str) else row[key] for key in keys]
    )


def localisation_part(responses: pd.DataFrame, localisation: pd.DataFrame | None, plan: AnalysisPlan) -> dict[str, Any]:
    """IoU of map and mask against the mean score over readers, per question x method (x kind of map).

    localisation: columns example, method, iou in [0, 1] and perhaps kind; one row per map with a mask. The interval of
    the rank correlation is Bonett and Wright's (Psychometrika 2000). Raises AnalysisError when a column is missing.
    """
    result: dict[str, Any] = {"points": [], "correlations": [], "note": None}
    if localisation is None or not len(localisation):
        return result | {"note": "No maps with masks are stored, so overlap is not compared with the answers."}
    missing = [name for name in ("example", "method", "iou") if name not in localisation.columns]
    if missing:
        raise AnalysisError(f"The localisation table lacks the column(s) {', '.join(missing)}.")
    maps = localisation.assign(kind=localisation["kind"] if "kind" in localisation.columns else localisation["method"])
    maps = maps[maps["iou"].notna()].assign(key=lambda table: table["example"].astype(str))
    scores = responses.groupby(["question", "method", "example", "pathology"], sort=True)["score"].mean().reset_index()
    joined = scores.assign(key=scores["example"].astype(str)).merge(
        maps[["key", "method", "kind", "iou"]], on=["key", "method"]
    )
    keys = ["question", "method", "kind"]
    for key, members in joined.groupby(keys, sort=True):
        about = dict(zip(keys, key))
        result["points"] += [
            about | {"example": _plain(e), "pathology": p, "iou": float(i), "mean_score": float(s)}
            for e, p, i, s in zip(members["example"], members["pathology"], members["iou"], members["score"])
        ]
        result["correlations"].append(about | _spearman(members["iou"], members["score"], plan))
    if not len(joined):
        result["note"] = "No example with a mask was answered, so overlap is not compared with the answers."
    return result


def _spearman(x: pd.Series, y: pd.Series, plan: AnalysisPlan) -> dict[str, Any]:
    row: dict[str, Any] = {"n": len(x), "rho": None, "ci": None, "note": None}
    if len(x) < max(4, plan.minimum_pairs):
        return row | {"note": f"Only {len(x)} example(s): too few for a correlation."}
    if x.nunique() < 2 or y.nunique() < 2:
        return row | {"note": "Overlap or score does not vary: no correlation."}
    rho = float(stats.spearmanr(x, y).statistic)
    reach = stats.norm.ppf(1 - plan.alpha / 2) * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    centre = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    return row | {"rho": rho, "ci": [float(np.tanh(centre - reach)), float(np.tanh(centre + reach))]}


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value
