"""Counts as people read them: one form for pages, commands, messages and reports."""


def counted(n: int, noun: str, plural: str = "") -> str:
    """ "1 example", "2 examples", "1,250 examples"; plural: where it is not the noun and an s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def figure_text(value: float) -> str:
    """A measure in three significant digits: "0.0123", "1.5", "-250"."""
    return f"{value:.3g}" if 1e-4 <= abs(value) < 1e4 or not value else f"{value:.2e}"
