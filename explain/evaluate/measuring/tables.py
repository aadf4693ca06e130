"""What is found as tables: rows of text, one file each. The same values give the same bytes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

from explain.evaluate.measuring.plan import Found, Value
from explain.evaluate.metrics import METRICS

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
    means = _means(found, seed)
    return [_table_1(found, means), _table_c(means), _metrics(means), _tests(found), _redrawing(found),
            _curves(found, seed), _values(found.values), _problems(found)]  # fmt: skip


@dataclass(frozen=True)
class Mean:
    """Of n images of so many patients."""

    mean: float
    sd: float
    low: float
    high: float
    n: int
    patients: int


Key = tuple[str, str, str, str]  # model, task, kind, metric


def _means(found: Found, seed: int) -> dict[Key, Mean]:
    groups: dict[Key, list[Value]] = defaultdict(list)
    for each in found.values:
        groups[each.model, each.task, each.kind, each.metric].append(each)
    return {key: _mean(group, found.patients, seed) for key, group in sorted(groups.items())}


def _mean(values: Iterable[Value], patients: Mapping[str, str], seed: int) -> Mean:
    """Mean, standard deviation (n - 1), and the 95 % percentile interval of the mean over patients drawn again, each
    with all their images. An image whose patient is not known counts as a patient."""
    in_order = sorted(values, key=lambda each: (each.task, each.image))
    array = np.array([each.value for each in in_order])
    _, of = np.unique([patients.get(each.image, each.image) for each in in_order], return_inverse=True)
    sums, counts = np.bincount(of, array), np.bincount(of)
    drawn = np.random.default_rng(seed).integers(0, len(counts), (BOOTSTRAPS, len(counts)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    sd = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Mean(float(array.mean()), sd, float(low), float(high), len(array), len(counts))


def _cells(mean: Mean) -> Row:
    numbers = (_number(mean.mean), _number(mean.sd), _number(mean.low), _number(mean.high))
    return (*numbers, str(mean.n), str(mean.patients))


def _number(value: float) -> str:
    return "" if value != value else f"{value:.4f}"


_MEAN = ("mean", "sd", "low", "high", "n", "patients")


def _table_1(found: Found, means: dict[Key, Mean]) -> Table:
    """Table 1 of Cohen et al. 2021; with the kind iterative_delete, table E.1."""
    rows = []
    for (model, task, kind, metric), mean in means.items():
        if METRICS[metric].table == "overlap":
            area, positives, negatives = found.auc.get((model, task), (float("nan"), 0, 0))
            rows.append((model, task, _number(area), str(positives), str(negatives), kind, *_cells(mean)))
    header = ("model", "task", "auc", "positives", "negatives", "kind", *_MEAN)
    note = (
        "IoU at the mask's area, and the model's AUC on images of the same data set (Cohen et al. 2021, tables 1, E.1)."
    )
    return Table("table_1", "Overlap with masks", header, rows, note)


def _table_c(means: dict[Key, Mean]) -> Table:
    """Table 1 of Charachon et al. 2021."""
    names = [metric.name for metric in METRICS.values() if metric.table == "percentiles"]
    groups = dict.fromkeys(key[:3] for key in means)
    rows = [
        (*group, *(_number(means[*group, name].mean) if (*group, name) in means else "" for name in names))
        for group in groups
    ]
    note = "Means. outside: what Charachon et al. 2021 call FNR, the share of the strongest pixels outside the mask."
    return Table("table_percentiles", "At percentiles", ("model", "task", "kind", *names), rows, note)


def _metrics(means: dict[Key, Mean]) -> Table:
    rows = [(*key, METRICS[key[3]].better, *_cells(mean)) for key, mean in means.items()]
    note = (
        f"low, high: 95 % interval of the mean, {BOOTSTRAPS} bootstrap samples of patients, each with all their images."
    )
    return Table("metrics", "All measures", ("model", "task", "kind", "metric", "better", *_MEAN), rows, note)


def _tests(found: Found) -> Table:
    """Each pair of kinds on the same images of all tasks, Wilcoxon's signed-rank test, Holm within model and metric."""
    groups: dict[tuple[str, str], dict[str, dict[tuple[str, str], float]]] = defaultdict(lambda: defaultdict(dict))
    for each in found.values:
        groups[each.model, each.metric][each.kind][each.task, each.image] = each.value
    rows: list[Row] = []
    for (model, metric), kinds in sorted(groups.items()):
        tested = []
        for first, second in itertools.combinations(sorted(kinds), 2):
            apart: dict[str, list[float]] = defaultdict(list)  # of each patient
            for task, image in sorted(set(kinds[first]) & set(kinds[second])):
                apart[found.patients.get(image, image)].append(kinds[first][task, image] - kinds[second][task, image])
            means = np.array([np.mean(of_one) for of_one in apart.values()])
            p = float(wilcoxon(means).pvalue) if means.any() else 1.0
            mean = float(means.mean()) if len(means) else float("nan")
            tested.append((first, second, sum(map(len, apart.values())), len(means), mean, p))
        for (first, second, n, patients, mean, p), held in zip(
            tested, holm([each[-1] for each in tested]), strict=True
        ):
            cells = (str(n), str(patients), _number(mean), f"{p:.3g}", f"{held:.3g}")
            rows.append((model, metric, first, second, *cells))
    header = ("model", "metric", "kind", "other", "n", "patients", "difference", "p", "p_holm")
    note = (
        "Difference on the same images of all tasks: the mean over patients of each one's mean, and p of Wilcoxon's "
        "signed-rank test of these; p_holm: adjusted for all pairs of kinds of one model and metric."
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


def _curves(found: Found, seed: int) -> Table:
    groups: dict[tuple[str, str, str, float], list[Value]] = defaultdict(list)
    for each in found.curves:
        groups[each.model, each.metric, each.kind, each.level or 0.0].append(each)
    rows = [
        (model, curve, kind, f"{level:.4g}", *_cells(_mean(group, found.patients, seed)))
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
