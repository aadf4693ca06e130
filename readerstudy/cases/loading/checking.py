"""Check every image, mask and explanation file of a batch, one at a time, and say what the batch holds."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import Any, cast

from explain.images.as_read import AsRead
from explain.images.checks import ImageError
from explain.images.radiograph import DicomFacts
from readerstudy.cases.loading.extensions import Extension, extension, kind_of
from readerstudy.cases.loading.keeping import Kept, Picture
from readerstudy.cases.loading.problems import Problem, Problems, folded
from readerstudy.cases.loading.records import OLDEST, CaseRecord, FindingRecord, Source, rows_of
from readerstudy.cases.models import Case
from readerstudy.common.counting import counted
from readerstudy.common.identity import known_patient, patient_key

Progress = Callable[[str, int, int], None]  # what is being done, done, of how many
# An id that so many images, and so much of a batch, share is warned of.
ONE_PATIENT_FEWEST, ONE_PATIENT_SHARE = 5, 0.2
KNOWN_PIXELS = "shows the same pixels as"
OnCase = Callable[[CaseRecord, Picture], None]


@dataclass
class Report:
    """What a batch holds, in counts; nothing in it identifies. `summary` is kept with the batch."""

    cases: int = 0
    practice: int = 0
    patients: int = 0
    without_patient: int = 0
    pathologies: dict[str, dict[str, int]] = field(default_factory=dict)
    explanations: dict[str, int] = field(default_factory=dict)
    # Cases whose grey range was replaced: row, the range declared, the range taken, and the version of the rule.
    ranges: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Checked:
    """A batch without problems: its cases with DICOM's facts filled in, what each decodes to, and the digest of all.

    `as_json` holds patient ids, so it lies only where the upload itself does."""

    cases: list[CaseRecord]
    pixels: list[str]
    report: Report
    content_sha256: str
    otherwise: dict[tuple[bool, bool], str]  # content_sha256 with other (keep_source_ids, simulated)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"otherwise": [[*key, digest] for key, digest in self.otherwise.items()]})

    @classmethod
    def from_json(cls, text: str) -> Checked:
        """Raises ValueError or TypeError for what another version wrote."""
        found = json.loads(text)
        rows = [[FindingRecord(**finding) for finding in case["findings"]] for case in found["cases"]]
        if any(finding.kept_files.keys() != finding.files.keys() for case in rows for finding in case):
            raise ValueError("what the files of extensions decode to was not kept yet")
        cases = [
            CaseRecord(**case | {"findings": findings}) for case, findings in zip(found["cases"], rows, strict=True)
        ]
        otherwise = {(keeps, simulated): digest for keeps, simulated, digest in found["otherwise"]}
        return cls(cases, found["pixels"], Report(**found["report"]), found["content_sha256"], otherwise)


def check_source(
    source: Source,
    *,
    keep_source_ids: bool = False,
    simulated: bool = False,
    kept: Kept | None = None,
    progress: Progress = lambda doing, done, total: None,
    before_case: Callable[[CaseRecord], None] = lambda case: None,
    on_case: OnCase = lambda case, picture: None,
) -> Checked:
    """Everything that can be known before loading. Raises BatchRefused with every problem of every row.

    kept: takes what the images decode to, for the load; by default nothing is kept. Memory: one image at a time, and
    about a kilobyte of text a case.
    """
    kept = kept or Kept(None)
    problems, pixels = Problems(keep_source_ids), []
    digests: dict[bool, list[str]] = {False: [], True: []}
    cases = source.cases(problems)
    first_row: dict[str, int] = {}
    read: dict[int, AsRead] = {}
    seen: dict[str, str] = {}
    for done, case in enumerate(cases, 1):
        before_case(case)
        digest, lines = _check_case(source, case, kept, problems, on_case, read, seen)
        if digest in first_row:
            text = f"it shows the same pixels as row {first_row[digest]}"
            problems.add(case.row, "image", case.image, text, "Use one path for the same image, or remove one of them")
        elif digest:
            first_row[digest] = case.row
        pixels.append(digest)
        for keep in digests:
            digests[keep].append(_digest([digest, case.image if keep else "", lines]))
        progress("checking", done, len(cases))
    problems.refuse_if_any()
    content = {
        (keep, made): _digest([sorted(lines), keep, made]) for keep, lines in digests.items() for made in (False, True)
    }
    report = _report(cases)
    _report_reading(report, read)
    return Checked(cases, pixels, report, content[keep_source_ids, simulated], content)


def warn_of_what_is_here(checked: Checked, batch: str) -> None:
    """Add to the report what only the database knows: a warning for every image that another batch already has, in the
    order of rows, and what the extensions say of their columns."""
    columns = dict.fromkeys(column for row in rows_of(checked.cases) for column in row.files)
    news = (cast(Extension, extension(column)).news(kind_of(column)) for column in columns)
    checked.report.warnings += [sentence for sentence in news if sentence]
    rows = {digest: case.row for digest, case in zip(checked.pixels, checked.cases, strict=True)}
    waiting, found = iter(rows), []
    while chunk := list(islice(waiting, 500)):
        known = Case.objects.filter(pixel_sha256__in=chunk).exclude(batch__name=batch)
        found += [
            (rows[digest], other, public_id)
            for digest, other, public_id in known.values_list("pixel_sha256", "batch__name", "public_id")
        ]
    for row, other, public_id in sorted(found):
        checked.report.warnings.append(f"row {row} {KNOWN_PIXELS} case {public_id} of batch {other}")


def _check_case(
    source: Source,
    case: CaseRecord,
    kept: Kept,
    problems: Problems,
    on_case: OnCase,
    read: dict[int, AsRead],
    seen: dict[str, str],
) -> tuple[str, list[Any]]:
    """The digest of the case's pixels, and everything stated about it; "" when the image cannot be used.

    read: gets what was done to the pixels, by row, where something was."""
    try:
        picture = source.picture(case, kept)
    except ImageError as error:
        problems.add(case.row, "image", case.image, error.problem, error.remedy)
        return "", []
    if picture.as_read and picture.as_read.notes():
        read[case.row] = picture.as_read
    stated = case.patient or (picture.facts.patient_id if picture.facts else "")
    _fill_facts(case, picture.facts)
    case.kept = picture.key
    case.placeholder = "" if case.patient else stated
    lines: list[Any] = [patient_key(case.patient), case.dataset, case.view, case.sex]
    lines += [case.age, bool(case.practice)]
    for finding in sorted(case.findings, key=lambda finding: finding.pathology):
        model = "" if finding.prediction is None else finding.model
        lines.append([finding.pathology, finding.label, finding.prediction, model])
        lines.append(_check_mask(source, case, finding, picture, kept, problems))
        if finding.confounder:  # alone: what was loaded before there was such a column keeps its digest
            lines.append(["confounder", _check_confounder(source, finding, picture, kept, problems)])
        lines.append(_check_files(source, finding, picture, kept, problems, seen))
    on_case(case, picture)
    return picture.digest, lines


def _check_mask(
    source: Source, case: CaseRecord, finding: FindingRecord, picture: Picture, kept: Kept, problems: Problems
) -> str:
    if not finding.mask:
        return ""
    try:
        inside = source.mask(case, finding, picture, kept)
    except ImageError as error:
        problems.add(finding.row, "mask", finding.mask, error.problem, error.remedy)
        return ""
    if inside is None:
        finding.mask = ""
        return ""
    finding.kept_mask = inside.key
    return inside.digest


def _check_confounder(source: Source, finding: FindingRecord, picture: Picture, kept: Kept, problems: Problems) -> str:
    try:
        inside = source.confounder(finding, picture, kept)
    except ImageError as error:
        problems.add(finding.row, "confounder", finding.confounder, error.problem, error.remedy)
        return ""
    finding.kept_confounder = inside.key if inside else ""
    return inside.digest if inside else ""


def _check_files(
    source: Source, finding: FindingRecord, picture: Picture, kept: Kept, problems: Problems, seen: dict[str, str]
) -> list[tuple[str, str]]:
    digests = []
    for column, path in sorted(finding.files.items()):
        try:
            with source.open(path) as file:
                content = file.read()
            reader = cast(Extension, extension(column))
            form = reader.form(kind_of(column), content, seen)
            decode = partial(reader.decode, form, content, f"row {finding.row}", picture.shape)
            finding.kept_files[column] = kept.array([column, form, picture.shape], content, decode)
            digests.append((column, hashlib.sha256(content).hexdigest()))
        except ImageError as error:
            problems.add(finding.row, column, path, error.problem, error.remedy)
    return digests


def _fill_facts(case: CaseRecord, facts: DicomFacts | None) -> None:
    """What the manifest leaves open, DICOM may say; what it states, stands. A placeholder is no patient."""
    case.patient = known_patient(case.patient)
    if facts is None:
        return
    case.patient = case.patient or known_patient(facts.patient_id)
    case.view = case.view or facts.view
    case.sex = case.sex or facts.sex
    if case.age is None and facts.age is not None:
        case.age = min(facts.age, OLDEST)


def _report(cases: list[CaseRecord]) -> Report:
    report = Report(
        cases=len(cases),
        practice=sum(bool(case.practice) for case in cases),
        patients=len({case.patient for case in cases if case.patient}),
        without_patient=sum(not case.patient for case in cases),
        warnings=[*_patient_warnings(cases), *_name_warnings(cases)],
    )
    columns = ("present", "absent", "no_truth", "masks", "predictions")
    for finding in rows_of(cases):
        counts = report.pathologies.setdefault(finding.pathology, dict.fromkeys(columns, 0))
        counts["no_truth" if finding.label is None else "present" if finding.label else "absent"] += 1
        counts["masks"] += bool(finding.mask)
        counts["predictions"] += finding.prediction is not None
    report.pathologies = dict(sorted(report.pathologies.items()))
    report.explanations = dict(Counter(kind_of(column) for row in rows_of(cases) for column in row.files))
    return report


def _patient_warnings(cases: list[CaseRecord]) -> list[str]:
    """Different people with one id would be taken for one patient: their reads would count as one cluster."""
    found = []
    nobody = Counter(case.placeholder for case in cases if case.placeholder)
    if nobody:
        words = ", ".join(f"“{word[:20]}”" for word, _ in nobody.most_common(3))
        found.append(
            f"{counted(nobody.total(), 'image')} with {words} in place of a patient id: "
            "the patient is unknown, and each image counts as a patient of its own"
        )
    decimals = sum(bool(re.fullmatch(r"\d+[.,]0+", case.patient)) for case in cases)
    if decimals:
        found.append(
            f"{counted(decimals, 'image')} with a patient id like 123.0: a program took the ids for numbers; zeros "
            "before them may be lost, and without the .0 the same person is another patient. Enter the ids as text"
        )
    (_, most), *_ = Counter(case.patient for case in cases if case.patient).most_common(1) or [("", 0)]
    if most >= ONE_PATIENT_FEWEST and most >= ONE_PATIENT_SHARE * len(cases):
        found.append(
            f"{most} of {len(cases)} images have the same patient id; if it stands for several people, empty it, "
            "or they are taken for one patient"
        )
    return found


def _name_warnings(cases: list[CaseRecord]) -> list[str]:
    """Names that join several pathologies, as in “Effusion|Mass”, match no model's."""
    joined = Counter(finding.pathology for finding in rows_of(cases) if re.search(r"[|;]", finding.pathology))
    return [
        f"pathology “{name}” in {counted(count, 'row')} names several: give each pathology a row of its own"
        for name, count in sorted(joined.items())
    ]


def _report_reading(report: Report, read: dict[int, AsRead]) -> None:
    """Ranges and warnings of files that were not taken as they are; many alike are one warning with their rows."""
    report.ranges = [
        {"row": row, "declared": list(one.declared), "used": list(one.used), "rule": one.rule}
        for row, one in read.items()
        if one.replaced
    ]
    notes = [Problem(row, "", "", note, "") for row, one in read.items() for note in one.notes()]
    report.warnings += [line.removesuffix(". .").removesuffix(".") for line in folded(notes)]


def _digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
