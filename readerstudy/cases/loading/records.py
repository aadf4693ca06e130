"""A case and its findings as a source states them, before anything is in the database; and what every source offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from readerstudy.cases.loading.keeping import Kept, Mask, Picture
from readerstudy.cases.loading.problems import Problems

OLDEST = 90  # stands for 90 and over
UNNAMED_MODEL = "manifest"  # what made predictions for which a manifest names no model


@dataclass
class FindingRecord:
    """One pathology of one case. label None: no truth. files: extra column -> path (see extensions.py).

    mask, confounder: where the finding is, and where something lies that only goes with it; kept_mask, kept_confounder:
    what the check kept of them (keeping.Mask.key); kept_files: extra column -> the same for its file.
    """

    row: int
    pathology: str
    label: bool | None = None
    mask: str = ""
    confounder: str = ""
    prediction: float | None = None
    model: str = ""
    files: dict[str, str] = field(default_factory=dict)
    kept_mask: str = ""
    kept_confounder: str = ""
    kept_files: dict[str, str] = field(default_factory=dict)


@dataclass
class CaseRecord:
    """One radiograph. row: where the source first names it; image: its path or id there, which never leaves the loader
    unless the data are public. Empty values are unknown and may be filled from DICOM. kept: what the check kept of the
    image (keeping.Picture.key)."""

    row: int
    image: str
    patient: str = ""
    dataset: str = ""
    view: str = ""
    sex: str = ""
    age: int | None = None
    practice: bool | None = None
    placeholder: str = ""  # what stood in place of a patient id
    kept: str = ""
    findings: list[FindingRecord] = field(default_factory=list)


class Source(Protocol):
    """Where cases come from: files with or without a manifest (sources.py), or a TorchXRayVision data set (xrv.py).

    name: what kind of source it is; public_name: its own name, which may identify and is kept for public data only.
    """

    name: str
    public_name: str

    def picture(self, case: CaseRecord, kept: Kept) -> Picture:
        """The radiograph, decoded unless it is kept. Raises ImageError."""
        ...

    def mask(self, case: CaseRecord, finding: FindingRecord, picture: Picture, kept: Kept) -> Mask | None:
        """Where the finding is, at the radiograph's full resolution; None for none. Raises ImageError."""
        ...

    def confounder(self, finding: FindingRecord, picture: Picture, kept: Kept) -> Mask | None:
        """The same for what goes with the finding and is not it."""
        ...

    def open(self, path: str) -> BinaryIO:
        """An extra file of a row. Raises ImageError."""
        ...

    def cases(self, problems: Problems) -> list[CaseRecord]:
        """All cases; what is wrong in single values is added to `problems`. BatchRefused when nothing can be read."""
        ...


def rows_of(cases: list[CaseRecord]) -> Iterator[FindingRecord]:
    for case in cases:
        yield from case.findings
