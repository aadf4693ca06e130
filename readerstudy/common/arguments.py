"""Values that options of several commands take."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandError


def at_least_one(text: str) -> int:
    """For add_argument(type=...): a whole number from 1. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"it is a whole number from 1; not “{text}”")
    return int(text)


def batch_size(value: str | int) -> int:
    """Of --batch-size: a whole number from 1, or 0 for "auto", found by trying. Raises CommandError."""
    text = str(value)
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"--batch-size is auto or a number from 1; not “{text}”.")
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """Of --shard: "2/4" -> (2, 4), the second of four parts. Raises CommandError."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise CommandError(f"--shard is i/n with i from 1 to n, such as 2/4; not “{text}”.")
    return int(index), int(count)
