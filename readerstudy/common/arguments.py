"""Values that options of several commands take."""

import os
from argparse import ArgumentParser, ArgumentTypeError

from django.core.management.base import CommandError
from django.db import connection


def at_least_one(text: str) -> int:
    """For add_argument(type=...): a whole number from 1. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"it is a whole number from 1; not “{text}”")
    return int(text)


def add_workers(parser: ArgumentParser) -> None:
    """--workers and --scheduler: who computes."""
    parser.add_argument(
        "--workers", type=at_least_one, default=1, help="processes of this host; GPUs and cores are shared among them"
    )
    parser.add_argument(
        "--scheduler", default="", help="tcp://host:port of a Dask scheduler, whose workers compute (docs/fleet.md)"
    )


def batch_size(value: str | int) -> int:
    """Of --batch-size: a whole number from 1, or 0 for "auto", found by trying. Raises CommandError."""
    text = str(value)
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"--batch-size is auto or a number from 1; not “{text}”.")
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """Of --shard: "2/4" -> (2, 4), the second of four parts. Raises CommandError, also for the parts of a SLURM array
    that would write to SQLite at once."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise CommandError(f"--shard is i/n with i from 1 to n, such as 2/4; not “{text}”.")
    if count != "1" and "SLURM_ARRAY_TASK_ID" in os.environ and connection.vendor == "sqlite":
        raise CommandError(
            "The tasks of a job array write at the same time, from several hosts, which SQLite cannot take. Set "
            "DATABASE_URL to a PostgreSQL database, or use one job with --scheduler (docs/fleet.md)."
        )
    return int(index), int(count)
