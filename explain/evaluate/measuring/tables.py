"""What is found as tables: rows of text, one file each. The same values give the same bytes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from explain.evaluate.measuring.plan import Found, Value
from explain.evaluate.metrics import METRICS, PERCENTILES

BOOTSTRAPS = 2000
Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """name: of its file. title, note: for the page. header, rows: text."""

    name: str
    title: str
    header: Row
    rows: Sequence[Row]
    note: str = ""


def tables(found: Found, seed: int) -> list[Table]:
    """All tables of a run."""
    means = _means(found.values, seed)
    return [_table_1(found, means), _table_c(means), _metrics(means), _tests(found.values), _redrawing(found),
            _curves(found.curves, seed), _values(found.values), _problems(found)]  # fmt: skip


@dataclass(frozen=True)
class Mean:
    mean: float
    sd: float
    low: float
    high: float
    n: int


Key = tuple[str, str, str, str]  # model, task, kind, metric


def _means(values: Iterable[Value], seed: int) -> dict[Key, Mean]:
    groups: dict[Key, list[tuple[str, float]]] = defaultdict(list)
    for each in values:
        groups[each.model, each.task, each.kind, each.metric].append((each.image, each.value))
    return {key: _mean([value for _, value in sorted(group)], seed) for key, group in sorted(groups.items())}


def _mean(values: Sequence[float], seed: int) -> Mean:
    """Mean, standard deviation (n - 1), and the 95 % percentile interval of the mean over images drawn again."""
    array = np.array(values)
    drawn = np.random.default_rng(seed).integers(0, len(array), (BOOTSTRAPS, len(array)))
    low, high = np.percentile(array[drawn].mean(1), [2.5, 97.5])
    sd = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Mean(float(array.mean()), sd, float(low), float(high), len(array))


def _cells(mean: Mean | None) -> Row:
    if mean is None:
        return ("", "", "", "", "0")
    return (_number(mean.mean), _number(mean.sd), _number(mean.low), _number(mean.high), str(mean.n))


def _number(value: float) -> str:
    return "" if value != value else f"{value:.4f}"


_MEAN = ("mean", "sd", "low", "high", "n")


def _table_1(found: Found, means: dict[Key, Mean]) -> Table:
    """Table 1 of Cohen et al. 2021; with the kind iterative_delete, table E.1."""
    rows = []
    for (model, task, kind, metric), mean in means.items():
        if metric == "iou_at_mask_area":
            area, positives, negatives = found.auc.get((model, task), (float("nan"), 0, 0))
            rows.append((model, task, _number(area), str(positives), str(negatives), kind, *_cells(mean)))
    header = ("model", "task", "auc", "positives", "negatives", "kind", *_MEAN)
    note = (
        "IoU at the mask's area, and the model's AUC on images of the same data set (Cohen et al. 2021, tables 1, E.1)."
    )
    return Table("table_1", "Overlap with masks", header, rows, note)


def _table_c(means: dict[Key, Mean]) -> Table:
    """Table 1 of Charachon et al. 2021."""
    names = [f"{what}_at_{p}" for what in ("iou", "outside") for p in PERCENTILES]
    groups = dict.fromkeys(key[:3] for key in means)
    rows = [
        (*group, *(_number(means[*group, name].mean) if (*group, name) in means else "" for name in names))
        for group in groups
    ]
    note = "Means. outside: what Charachon et al. 2021 call FNR, the share of the strongest pixels outside the mask."
    return Table("table_percentiles", "At percentiles", ("model", "task", "kind", *names), rows, note)


def _metrics(means: dict[Key, Mean]) -> Table:
    rows = [(*key, METRICS[key[3]].better, *_cells(mean)) for key, mean in means.items()]
    note = f"low, high: 95 % interval of the mean, {BOOTSTRAPS} bootstrap samples of images."
    return Table("metrics", "All measures", ("model", "task", "kind", "metric", "better", *_MEAN), rows, note)


def _tests(values: Iterable[Value]) -> Table:
    """Each pair of kinds on the same images of all tasks, Wilcoxon's signed-rank test, Holm within model and metric."""
    groups: dict[tuple[str, str], dict[str, dict[tuple[str, str], float]]] = defaultdict(lambda: defaultdict(dict))
    for each in values:
        groups[each.model, each.metric][each.kind][each.task, each.image] = each.value
    rows: list[Row] = []
    for (model, metric), kinds in sorted(groups.items()):
        tested = []
        for first, second in itertools.combinations(sorted(kinds), 2):
            both = sorted(set(kinds[first]) & set(kinds[second]))
            apart = np.array([kinds[first][key] - kinds[second][key] for key in both])
            p = float(wilcoxon(apart).pvalue) if len(apart) and apart.any() else 1.0
            tested.append((first, second, len(apart), float(apart.mean()) if len(apart) else float("nan"), p))
        for (first, second, n, mean, p), held in zip(tested, holm([each[4] for each in tested]), strict=True):
            rows.append((model, metric, first, second, str(n), _number(mean), f"{p:.3g}", f"{held:.3g}"))
    header = ("model", "metric", "kind", "other", "n", "difference", "p", "p_holm")
    note = (
        "Mean difference on the same images of all tasks; p of Wilcoxon's signed-rank test; p_holm: adjusted for all "
        "pairs of kinds of one model and metric. A patient with several images counts several times."
    )
    return Table("tests", "Kinds against each other", header, rows, note)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values. Source: Holm, Scandinavian Journal of Statistics 1979."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _redrawing(found: Found) -> Table:
    """Table K.1 of Cohen et al. 2021."""
    groups: dict[tuple[str, str, bool], list[tuple[float, float]]] = defaultdict(list)
    for each in found.redrawn:
        groups[each.model, each.task, each.label].append((each.before, each.after))
    rows = []
    for (model, task, label), pairs in sorted(groups.items()):
        before, after = np.array(pairs).mean(0)
        cells = (_number(before), _number(after), _number(after - before), str(len(pairs)))
        rows.append((model, task, "1" if label else "0", *cells))
    header = ("model", "task", "label", "prediction", "after_redrawing", "difference", "n")
    note = "Mean prediction for the image and for the autoencoder's redrawing of it (Cohen et al. 2021, table K.1)."
    return Table("table_k1", "What redrawing does to predictions", header, rows, note)


def _curves(curves: Iterable[Value], seed: int) -> Table:
    groups: dict[tuple[str, str, str, float], list[tuple[str, str, float]]] = defaultdict(list)
    for each in curves:
        groups[each.model, each.metric, each.kind, each.level or 0.0].append((each.task, each.image, each.value))
    rows = [
        (model, curve, kind, f"{level:.4g}", *_cells(_mean([value for *_, value in sorted(group)], seed)))
        for (model, curve, kind, level), group in sorted(groups.items())
    ]
    note = (
        "randomisation: Spearman with the map of the model whose last layers (share: level) are drawn anew; noise, "
        "blur: likeness with the clean map (level: share of the range, pixels). Over all tasks."
    )
    return Table("curves", "Randomised models, noise and blur", ("model", "curve", "kind", "level", *_MEAN), rows, note)


def _values(values: Iterable[Value]) -> Table:
    rows = sorted((v.model, v.task, v.image, v.kind, v.metric, f"{v.value:.6g}") for v in values)
    return Table("values", "Each image", ("model", "task", "image", "kind", "metric", "value"), rows)


def _problems(found: Found) -> Table:
    rows = [(problem.where, problem.what) for problem in found.problems]
    return Table("problems", "Left out", ("where", "what"), list(dict.fromkeys(rows)))
