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
FEWEST_PATIENTS = 10  # for an interval, and with a difference for the clustered test's approximation
EXACT_BELOW = 20  # differences, or patients with one
Choice = Callable[[str, int], bool]  # of a reader and an example


@dataclass(frozen=True)
class Test:
    """p of the normal approximation and the exact one: each None where it is not given."""

    normal: float | None = None
    exact: float | None = None


@dataclass(frozen=True)
class Row:
    """One row: pairs of B and A by reader and example. No test where there are fewer than FEWEST."""

    n: int
    zeros: int
    readers: int
    patients: int
    means: tuple[float, float]
    difference: float
    sd: float
    interval: tuple[tuple[float, float], tuple[float, float]] | None  # bounds on each end of the 95 % interval
    w: float | None
    r: float | None
    p: Test
    p_clustered: Test


def paired(answers: Answers, question: str, chosen: Choice) -> Row:
    """The row of the pairs (reader, example) that are `chosen`."""
    keys = sorted({(reader, example) for reader, example, _, asked in answers if asked == question})
    keys = [key for key in keys if chosen(*key)]
    a = np.array([answers[reader, example, "A", question] for reader, example in keys], float)
    b = np.array([answers[reader, example, "B", question] for reader, example in keys], float)
    d, patients = b - a, np.array([example for _, example in keys])  # each example is a patient of its own here
    n, zeros = len(d), int((d == 0).sum())
    tested = n >= FEWEST and zeros < n
    signed = np.sign(d[d != 0]) * stats.rankdata(np.abs(d[d != 0]))
    plus, minus = signed[signed > 0].sum(), -signed[signed < 0].sum()
    return Row(
        n, zeros, len({reader for reader, _ in keys}), len(set(patients)),
        (a.mean(), b.mean()), d.mean(), np.sqrt(((d - d.mean()) ** 2).mean()),
        _interval(d, patients) if n >= FEWEST and len(set(patients)) >= FEWEST_PATIENTS else None,
        w=min(plus, minus) if tested else None,
        r=(plus - minus) / (plus + minus) if tested else None,
        p=Test(_normal_p(signed), _exact_p(signed)) if tested else Test(),
        p_clustered=_clustered(signed, patients[d != 0]) if tested else Test(),
    )  # fmt: skip


def _normal_p(signed: np.ndarray) -> float | None:
    """The sum of signed ranks is normal with mean 0 and variance the sum of their squares."""
    variance = (signed**2).sum()
    return float(2 * stats.norm.sf(abs(signed.sum()) / np.sqrt(variance))) if variance else None


def _exact_p(signed: np.ndarray) -> float | None:
    """Share of the assignments of signs with as large a sum."""
    if len(signed) >= EXACT_BELOW:
        return None
    share = {0.0: 1.0}  # of the assignments with each sum
    for size in np.abs(signed):
        shares: dict[float, float] = defaultdict(float)
        for total, part in share.items():
            shares[total + size] += part / 2
            shares[total - size] += part / 2
        share = shares
    return sum(part for total, part in share.items() if abs(total) >= abs(signed.sum()))


def _clustered(signed: np.ndarray, clusters: np.ndarray) -> Test:
    """Rosner, Glynn and Lee 2006: signed ranks added up within clusters first."""
    sums = np.array([signed[clusters == name].sum() for name in np.unique(clusters)])
    if not sums.any():
        return Test()
    return Test(_normal_p(sums) if len(sums) >= FEWEST_PATIENTS else None, _exact_p(sums))


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
    overall = {(row[0], row[1].split("\n")[0]): row[2:] for row in tables["Paired comparison, overall"]}
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
    p = {name: row.p.normal for name, row in family.items() if row.p.normal is not None}
    return dict(zip(p, zip(holm([*p.values()]), benjamini_hochberg([*p.values()])), strict=True)) if p else {}


def _with_pathology(examples: dict[int, dict[str, str]], pathology: str) -> Choice:
    return lambda reader, example: examples[example]["pathology"] == pathology


def _of_reader(code: str) -> Choice:
    return lambda reader, example: reader == code


def _both(one: Choice, other: Choice) -> Choice:
    return lambda reader, example: one(reader, example) and other(reader, example)


def check_row(cells: list[str], row: Row, adjusted: tuple[float, float] | None) -> None:
    """The cells after the question and the group; a cell's second line is what its heading's second line names."""
    pairs, means, (difference, interval), (w, r), p, clustered, both = (_lines(cell) for cell in cells)
    shows(pairs[0], row.n, row.zeros)
    shows(pairs[1], row.readers, row.patients)
    shows(means[0], *row.means)
    shows(difference, row.difference, row.sd)
    if row.interval is None:
        assert interval == "–"
    else:
        for number, (least, most) in zip(numbers(interval), row.interval, strict=True):
            assert least - 0.005 <= float(number) <= most + 0.005, (interval, row)
    shows(w, row.w)
    shows(r, row.r)
    for lines, test in ((p, row.p), (clustered, row.p_clustered)):
        shows(lines[0], test.normal)
        if len(lines) > 1:
            shows(lines[1], test.exact)
        else:
            assert test.exact is None
    for line, value in zip(both, adjusted or [None, None], strict=True):
        shows(line, value)


def _lines(cell: str) -> list[str]:
    """A dash alone stands for each line of the cell."""
    return ["–", "–"] if cell == "–" else cell.split("\n")


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
