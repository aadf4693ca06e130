"""Seconds of the whole analysis and of its report by the proposed plan, on seeded crossovers of 960 and 9,600 answers.

    python -m bench.analyze [--output DIR]

Targets on 2 cores: 960 answers, imports included, under 10 s; 9,600 answers of 10 readers, with readers and cases
random, 20,000 bootstrap samples and the ordinal models, under 20 s, and the process under 500 MB. The work runs on one
core, so the processor seconds beside the wall seconds tell what it would take on a machine with nothing else to do.
--output keeps the reports.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench._measure import peak_rss_mb, report

SIZES = {"960": (2, 120), "9600": (10, 240)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    clocks = [_clocks()]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")  # the report's template lies where settings say
    from readerstudy.analysis.report import write_report
    from readerstudy.statistics.plan import AnalysisPlan  # here, so that its time is measured
    from readerstudy.statistics.results import analyse
    from tests.statistics.frames import crossover

    clocks.append(_clocks())
    _line("imports", *clocks)
    with tempfile.TemporaryDirectory() as scratch:
        for name, (readers, examples) in SIZES.items():
            frame = crossover(readers=readers, examples=examples)
            clocks = [_clocks()]
            results = analyse(frame, AnalysisPlan.proposed())
            clocks.append(_clocks())
            _line(f"{name} answers, analyse", *clocks)
            write_report(results, (args.output or Path(scratch)) / name)
            _line(f"{name} answers, report", clocks[-1], _clocks())
            report(f"{name} answers, memory", peak_mib=peak_rss_mb(), load_average=os.getloadavg()[0])


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _line(name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    report(name, wall_s=end[0] - start[0], processor_s=end[1] - start[1])


if __name__ == "__main__":
    main()
