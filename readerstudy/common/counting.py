"""Counts as people read them: one form for pages, commands, messages and reports."""


def counted(n: int, noun: str, plural: str = "") -> str:
    """ "1 example", "2 examples", "1,250 examples"; plural: where it is not the noun and an s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
