"""What a report tells beside its numbers, as sections of (what, how) lines. The app above gathers them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FactSection:
    """One section: its title, and lines of what is told and what it is."""

    title: str
    rows: tuple[tuple[str, str], ...]
