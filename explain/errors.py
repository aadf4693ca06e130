"""What is said of an error where work goes on without what failed. No torch."""

import re

LONGEST = 2000


def said(error: BaseException) -> str:
    """A sentence is given as it is; any other text with the type of the error, as it may be a bare name or nothing.

    Fit to be stored, as `storable` makes it; never empty.
    """
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, ValueError | RuntimeError | KeyError) and " " in text.strip():
        return storable(text)
    kind = type(error).__name__
    return storable(f"{kind}: {text}" if text.strip() else kind)


def storable(text: str) -> str:
    """As a failure is kept: clean, and cut."""
    return clean(text)[:LONGEST]


def clean(text: str) -> str:
    """With "\ufffd" for NUL, which PostgreSQL refuses, and for halves of surrogate pairs, which UTF-8 cannot write."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)
