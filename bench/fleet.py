"""The same rendering by this process, by processes of this host and by a Dask cluster: how long, and is it the same?

    python -m bench.fleet [--examples 12]

Loads the demo's cases into a database of its own and renders five kinds for a draft study over them: in this process
(one thread), in two processes, by two Dask workers on this machine, and by two of which one is killed in mid-run. Each
way starts its workers within the time that is measured. Every way must store as many rows, under the same keys, with
the same maps and files to the byte; else this ends with an error. Ratios are to the first way.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # of each worker, so that a worker is a core

from bench._house import house
from bench._measure import report

Rows = dict[str, tuple[object, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=12)
    options = parser.parse_args()
    with house():
        from readerstudy.demo.studies import live_study

        study = live_study()
        first: tuple[float, Rows] | None = None
        for way, workers in (("one process", here), ("two processes", processes), ("two Dask workers", dask),
                             ("two Dask workers, one killed", dask_killed)):  # fmt: skip
            load, started = os.getloadavg()[0], time.perf_counter()
            with workers() as (executor, progress):
                render(study, options.examples, executor, progress)
            seconds = time.perf_counter() - started
            rows = stored(study)
            first = first or (seconds, rows)
            if rows != first[1]:
                raise SystemExit(f"{way}: the rows are not those of one process")
            report(way, seconds=seconds, ratio=first[0] / seconds, rows=len(rows), same="keys, maps, files", load=load)


def render(study: Any, examples: int, executor: Any, progress: Callable[[int], object]) -> None:
    from readerstudy.explanations.models import Explanation, ExplanationFile
    from readerstudy.explanations.planning import Options
    from readerstudy.studies.precomputing import Part, precompute

    study.examples.first().explanations.through.objects.all().delete()
    ExplanationFile.objects.all().delete()
    Explanation.objects.all().delete()
    done = precompute(study, Part(limit=examples), Options(device="cpu", batch_size=2, executor=executor), progress)
    if done.failed or done.made != Explanation.objects.count():
        raise SystemExit(f"made {done.made}, failed {done.failed}, stored {Explanation.objects.count()}")


def stored(study: Any) -> Rows:
    """Key -> what is stored of it. As many keys as rows: none doubled."""
    from readerstudy.explanations.models import Explanation

    found: Rows = {}
    for row in Explanation.objects.prefetch_related("files"):
        content = hashlib.sha256(row.map.read()).hexdigest() if row.map else ""
        files = tuple(sorted((file.role, file.sha256) for file in row.files.all()))
        found[row.key] = (row.prediction_id, row.kind, row.weights_sha256, content, files)
    if len(found) != Explanation.objects.count():
        raise SystemExit("a key is there twice")
    return found


@contextmanager
def here() -> Iterator[tuple[Any, Callable[[int], object]]]:
    from readerstudy.explanations.executors.choosing import executor

    with executor() as one:
        yield one, lambda done: None


@contextmanager
def processes() -> Iterator[tuple[Any, Callable[[int], object]]]:
    from readerstudy.explanations.executors.choosing import executor

    with executor(workers=2) as two:
        yield two, lambda done: None


@contextmanager
def dask(kill: bool = False) -> Iterator[tuple[Any, Callable[[int], object]]]:
    from distributed import Client, LocalCluster

    from readerstudy.explanations.executors.choosing import executor

    killed: list[int] = []

    def kill_one(done: int) -> None:
        if kill and done and not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster, set_as_default=False) as client:
            pids = client.run(os.getpid)
        with executor(scheduler=cluster.scheduler_address) as workers:
            yield workers, kill_one
    if kill and not killed:
        raise SystemExit("no worker was killed")


def dask_killed() -> Any:
    return dask(kill=True)


if __name__ == "__main__":
    main()
