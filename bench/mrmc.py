"""Speed and type I error of the MRMC analyses on simulated null studies.

    python -m bench.mrmc [--studies 500] [--seed 0]

Prints the seconds for 10 readers x 1,000 cases x 2 methods (target: under 2 s), then how often each test rejects at 5 %
when the methods are equal (AUC 0.855, 50 positives and 50 negatives).

"population null": readers and cases are both samples, with high reader variance (Roe & Metz 1997, HH). Only the
random-reader test and the U-statistic are made for it; the others, taken for more than they say, reject too often.
"own null": what the mode holds fixed does not react to the method, so 5 % is what it should give.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench._measure import report, timing
from readerstudy.statistics.mrmc import RoeMetz, mrmc_summary, obuchowski_rockette, simulate_study, ustat
from readerstudy.statistics.mrmc.power import MODES

ALPHA = 0.05
POPULATION = RoeMetz(reader=0.03, method_reader=0.03)
OWN = {"fixed_readers": RoeMetz(reader=0.03, method_reader=0.0), "fixed_cases": RoeMetz(method_case=0.0)}
COLUMNS = [*((mode, "population") for mode in MODES), ("ustat", "population"), *((mode, "own") for mode in OWN)]


def speed() -> None:
    data = simulate_study(np.random.default_rng(0), readers=10, positives=500, negatives=500, levels=5)
    for name, run in (
        ("obuchowski_rockette, jackknife", lambda: obuchowski_rockette(data)),
        ("obuchowski_rockette, unbiased", lambda: obuchowski_rockette(data, covariance="unbiased")),
        ("ustat", lambda: ustat(data)),
        ("mrmc_summary (everything)", lambda: mrmc_summary(data, "confidence")),
    ):
        report(f"{name}, 10 readers x 1,000 cases x 2 methods", took=timing(run, repeats=3))


def rejections(readers: int, studies: int, seed: int, levels: int | None) -> list[float]:
    """Share of null studies in which each test of COLUMNS has p < 0.05."""
    counts = dict.fromkeys(COLUMNS, 0)
    size = {"readers": readers, "positives": 50, "negatives": 50, "auc": (0.855, 0.855), "levels": levels}
    rng = np.random.default_rng([seed, readers, levels or 0])
    for _ in range(studies):
        data = simulate_study(rng, model=POPULATION, **size)
        result = obuchowski_rockette(data)
        for mode in MODES:
            counts[mode, "population"] += getattr(result, mode).p_value < ALPHA
        counts["ustat", "population"] += ustat(data).differences["A", "B"].bdg.p_value < ALPHA
        for mode, model in OWN.items():
            result = obuchowski_rockette(simulate_study(rng, model=model, **size))
            counts[mode, "own"] += getattr(result, mode).p_value < ALPHA
    return [count / studies for count in counts.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=500, help="simulated studies per row and null")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    speed()
    chance = 196 * np.sqrt(ALPHA * (1 - ALPHA) / args.studies)
    print(f"\nType I error in % ({args.studies} null studies each; by chance 5 +- {chance:.1f})")
    for row in zip(*COLUMNS, strict=True):
        print(
            " " * 18 + "".join(f"{text:>16}" for text in row) + f"{'nominal' if row[0] == 'random_readers' else '':>9}"
        )
    for levels in (None, 5):
        for readers in (3, 5, 8):
            rates = rejections(readers, args.studies, args.seed, levels)
            label = f"{readers} readers, " + ("exact" if levels is None else f"1..{levels}")
            print(f"{label:<18}" + "".join(f"{100 * rate:>16.1f}" for rate in rates) + f"{5:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
