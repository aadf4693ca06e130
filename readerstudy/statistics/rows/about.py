"""What the table of answers cannot tell: titles, labels, scales, dates, records."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """A question's text and scale."""

    text: str
    minimum: float = 1
    maximum: float = 5
    minimum_label: str = ""
    maximum_label: str = ""

    @property
    def is_yes_or_no(self) -> bool:
        """Two points with a word each."""
        return self.maximum - self.minimum == 1 and bool(self.minimum_label and self.maximum_label)


@dataclass(frozen=True)
class FactSection:
    """What a report tells beside its numbers: a title, and lines of what is told and what it is."""

    title: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True)
class ReaderProfile:
    """A reader's specialty ("" where not told) and years of experience."""

    specialty: str = ""
    years: float | None = None


@dataclass(frozen=True)
class About:
    """What the table of answers cannot tell; everything may be left out.

    methods    key -> label, in the order in which A and B are to be taken (default: sorted keys).
    kinds      key of a method -> title of each explanation kind that it showed.
    kind_titles  kind -> its title, for the kinds of the maps that are compared with masks.
    questions  key -> text and scale, in the study's order.
    design     (what, how): how the reads were laid out.
    not_asked  (key of the method, key of the question) of what is not asked, so not missing either.
    complete_study  answers that were asked for (at least: every combination of what the table has).
    plan_fixed_at   ISO time; data_sha256: hash of the long export.
    deviations, exclusions, looks, reopenings: sentences.
    facts           what the report tells beside its numbers.
    readers         what is known of each reader, by code.
    versions        name of each program and package that makes the analysis -> its version.
    """

    study: str = ""
    methods: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    kind_titles: dict[str, str] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    design: list[tuple[str, str]] = field(default_factory=list)
    not_asked: list[tuple[str, str]] = field(default_factory=list)
    complete_study: int = 0
    plan_fixed_at: str | None = None
    data_sha256: str | None = None
    deviations: list[str] = field(default_factory=list)
    exclusions: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    reopenings: list[str] = field(default_factory=list)
    facts: list[FactSection] = field(default_factory=list)
    readers: dict[str, ReaderProfile] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
