"""The report's paired tables, worked out again from plain answers, with no code of readerstudy.

An answer is (reader, example, method, question) -> score.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

Answers = dict[tuple[str, int, str, str], int]
FEWEST = 4  # pairs to test, in the analysis plan of the study checked here
Choice = Callable[[str, int], bool]  # of a reader and an example


@dataclass(frozen=True)
class Row:
    """One row: pairs of B and A by reader and example. p is None where there are fewer than FEWEST."""

    n: int
    zeros: int
    means: tuple[float, float]
    difference: float
    sd: float
    interval: tuple[tuple[float, float], tuple[float, float]] | None  # bounds on each end of the 95 % interval
    w: float | None
    p: float | None
    p_clustered: float | None
    r: float | None


def paired(answers: Answers, question: str, chosen: Choice) -> Row:
    """The row of the pairs (reader, example) that are `chosen`."""
    keys = sorted({(reader, example) for reader, example, _, asked in answers if asked == question})
    keys = [key for key in keys if chosen(*key)]
    a = np.array([answers[reader, example, "A", question] for reader, example in keys], float)
    b = np.array([answers[reader, example, "B", question] for reader, example in keys], float)
    d, patients = b - a, np.array([example for _, example in keys])  # each example is a patient of its own here
    n, zeros = len(d), int((d == 0).sum())
    tested = n >= FEWEST and zeros < n
    ranks = stats.rankdata(np.abs(d[d != 0]))
    plus, minus = ranks[d[d != 0] > 0].sum(), ranks[d[d != 0] < 0].sum()
    return Row(
        n, zeros, (a.mean(), b.mean()), d.mean(), np.sqrt(((d - d.mean()) ** 2).mean()),
        _interval(d, patients) if n >= FEWEST and len(set(patients)) > 1 else None,
        w=min(plus, minus) if tested else None,
        p=_normal_p(plus, minus, ranks) if tested else None,
        p_clustered=_clustered_p(d, patients) if tested else None,
        r=(plus - minus) / (plus + minus) if tested else None,
    )  # fmt: skip


def _normal_p(plus: float, minus: float, ranks: np.ndarray) -> float:
    """The signed-rank sum is normal with mean 0 and variance the sum of squared ranks."""
    return float(2 * stats.norm.sf(abs(plus - minus) / np.sqrt((ranks**2).sum())))


def _clustered_p(d: np.ndarray, clusters: np.ndarray) -> float | None:
    """Rosner, Glynn and Lee 2006: signed ranks added up within clusters first."""
    d, clusters = d[d != 0], clusters[d != 0]
    sums: dict[int, float] = defaultdict(float)
    for cluster, signed in zip(clusters, np.sign(d) * stats.rankdata(np.abs(d)), strict=True):
        sums[cluster] += signed
    values = np.array(list(sums.values()))
    if not (values**2).sum():
        return None
    return float(2 * stats.norm.sf(abs(values.sum()) / np.sqrt((values**2).sum())))


def _interval(d: np.ndarray, clusters: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Between which values the ends of a percentile interval of 2000 resamplings must lie, from 20,000 of our own."""
    rng = np.random.default_rng(12345)
    names = np.unique(clusters)
    sums = np.array([d[clusters == name].sum() for name in names])
    sizes = np.array([(clusters == name).sum() for name in names])
    drawn = rng.integers(len(names), size=(20_000, len(names)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low1, low2, high1, high2 = np.quantile(means, [0.014, 0.036, 0.964, 0.986])
    return (float(low1), float(low2)), (float(high1), float(high2))


def holm(p: list[float]) -> list[float]:
    order, adjusted, running = np.argsort(p), [0.0] * len(p), 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(p) - rank) * p[index])
        adjusted[index] = min(1.0, running)
    return adjusted


def benjamini_hochberg(p: list[float]) -> list[float]:
    return [float(value) for value in stats.false_discovery_control(p, method="bh")]


def check_paired_tables(
    tables: dict[str, list[list[str]]],
    answers: Answers,
    examples: dict[int, dict[str, str]],
    first_methods: dict[tuple[str, int], str],
) -> None:
    """Every number of both tables of the report (title -> rows of cells) follows from the answers.

    examples: number -> pathology and label ("1" present). first_methods: (reader, example) -> method of read 1.
    """
    overall = {(row[0], row[1]): row[2:] for row in tables["Paired comparison, overall"]}
    by_group = {(row[0], row[1]): row[2:] for row in tables["Paired comparison by pathology, reader and order"]}
    truths: dict[str, Choice] = {
        "TP": lambda reader, example: examples[example]["label"] == "1",
        "FP": lambda reader, example: examples[example]["label"] == "0",
        "all": lambda reader, example: True,
    }
    groups: dict[str, dict[str, Choice]] = {
        "pathology": {row["pathology"]: _with_pathology(examples, row["pathology"]) for row in examples.values()},
        "reader": {code: _of_reader(code) for code, *_ in answers},
        "order": {
            "A first": lambda reader, example: first_methods[reader, example] == "A",
            "B first": lambda reader, example: first_methods[reader, example] == "B",
        },
    }
    for question in sorted({asked for *_, asked in answers}):
        rows = {truth: paired(answers, question, chosen) for truth, chosen in truths.items()}
        words = {"TP": "true positives", "FP": "false positives", "all": "all examples"}
        adjusted = _adjusted({truth: row for truth, row in rows.items() if truth != "all"})
        for truth, row in rows.items():
            check_row(overall.pop((question, words[truth])), row, adjusted.get(truth))
        for level, members in groups.items():
            rows = {
                f"{group}, {truth}": paired(answers, question, _both(in_group, truths[truth]))
                for group, in_group in members.items()
                for truth in ("TP", "FP")
            }
            adjusted = {} if level == "order" else _adjusted(rows)  # the plan has no family of orders
            for name, row in rows.items():
                check_row(by_group.pop((question, name)), row, adjusted.get(name))
    assert not overall
    assert not by_group


def _adjusted(family: dict[str, Row]) -> dict[str, tuple[float, float]]:
    """Holm's and Benjamini and Hochberg's p of each row that was tested."""
    p = {name: row.p for name, row in family.items() if row.p is not None}
    return dict(zip(p, zip(holm([*p.values()]), benjamini_hochberg([*p.values()])), strict=True)) if p else {}


def _with_pathology(examples: dict[int, dict[str, str]], pathology: str) -> Choice:
    return lambda reader, example: examples[example]["pathology"] == pathology


def _of_reader(code: str) -> Choice:
    return lambda reader, example: reader == code


def _both(one: Choice, other: Choice) -> Choice:
    return lambda reader, example: one(reader, example) and other(reader, example)


def check_row(cells: list[str], row: Row, adjusted: tuple[float, float] | None) -> None:
    pairs, means, difference, interval, w, p, clustered, both, r = cells
    shows(pairs, row.n, row.zeros)
    shows(means, *row.means)
    shows(difference, row.difference, row.sd)
    if row.interval is None:
        assert interval == "–"
    else:
        for number, (least, most) in zip(numbers(interval), row.interval, strict=True):
            assert least - 0.005 <= float(number) <= most + 0.005, (interval, row)
    shows(w, row.w)
    shows(p, row.p)
    shows(clustered, row.p_clustered)
    shows(both, *(adjusted or [None]))
    shows(r, row.r)


def numbers(text: str) -> list[str]:
    return re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))


def shows(text: str, *values: float | None) -> None:
    """The cell shows these numbers, rounded to as many digits as it has; a dash where there is none."""
    if values == (None,):
        assert text == "–"
        return
    printed = numbers(text)
    assert len(printed) == len(values), (text, values)
    parts = text.split("/") if "/" in text else [text] * len(values)
    for part, number, value in zip(parts, printed, values, strict=True):
        if "<" in part:
            assert value < float(number), (text, values)
        else:
            digits = len(number.partition(".")[2])
            assert abs(float(number) - value) <= 0.5 * 10**-digits + 1e-6, (text, values)
