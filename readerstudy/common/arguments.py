"""Values that options of several commands take."""

from argparse import ArgumentTypeError


def at_least_one(text: str) -> int:
    """For add_argument(type=...): a whole number from 1. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"it is a whole number from 1; not “{text}”")
    return int(text)
