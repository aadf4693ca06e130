"""What a report must tell beside its numbers: people, reads, cases, model, explanations, displays, earlier runs.

What CLAIM, STARD-AI, DECIDE-AI and the FDA's guidance on reader studies ask a report to state, as far as the database
knows it (guidelines.py maps their items). Readers are named by code only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Count, Min

from readerstudy.analysis.models import Analysis
from readerstudy.cases.models import Case, Truth
from readerstudy.common.counting import counted
from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Read, Reader, Visit
from readerstudy.statistics.paired import planned_p
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.rows import FactSection
from readerstudy.statistics.stored import from_json
from readerstudy.statistics.wording import p_clause
from readerstudy.statistics.words.sentences import primary_row
from readerstudy.studies.kinds_shown import kind_shown
from readerstudy.studies.models import Invitation, Membership, Selection, Study

Rows = list[tuple[str, str]]
NOT_RECORDED = "not recorded"


def study_facts(study: Study) -> list[FactSection]:
    """The sections, in the order of a report; sections that nothing is known of are left out."""
    found = [
        ("The study", _identification(study)),
        ("People", _people(study)),
        ("Readers", _readers(study)),
        ("Reads", _reads(study)),
        ("Cases and reference standard", _cases(study)),
        ("Model and explanations", _model(study)),
        ("Displays", _displays(study)),
        ("Earlier runs of this analysis", _runs(study)),
    ]
    return [FactSection(title, rows) for title, rows in found if rows]


def first_seen(study: Study) -> datetime | None:
    """When results could first have been seen: the first look, stored run or closing, whichever came first."""
    done = study.analyses.filter(status=Analysis.Status.DONE)
    moments = [
        study.looks.aggregate(first=Min("at"))["first"],
        done.aggregate(first=Min("finished_at"))["first"],
        study.reopenings.aggregate(first=Min("closed_at"))["first"],
        study.closed_at,
    ]
    return min((moment for moment in moments if moment), default=None)


def _identification(study: Study) -> Rows:
    return [
        ("Registration", study.registration or NOT_RECORDED),
        ("Ethics", study.ethics or NOT_RECORDED),
        ("Reason for the sample size", study.sample_size_reason or NOT_RECORDED),
    ]


def _people(study: Study) -> Rows:
    """The flow of readers, from invitation to the last read."""
    invited = Invitation.objects.filter(study=study, role=Membership.Role.READER).values("email").distinct().count()
    readers = list(study.readers.prefetch_related("reads"))
    scored = {reader.pk: [read for read in reader.reads.all() if read.number != Read.PRACTICE] for reader in readers}
    began = [reader for reader in readers if any(read.opened_at for read in scored[reader.pk])]
    done = [reader for reader in readers if scored[reader.pk] and all(read.finished_at for read in scored[reader.pk])]
    consented = sum(reader.consented_at is not None for reader in readers)
    loaded = study.from_spreadsheets  # what its files do not tell is not zero
    rows = [
        ("Invited to read", str(invited) if invited else NOT_RECORDED),
        ("Joined", str(len(readers))),
        ("Consented", NOT_RECORDED if loaded and not consented else str(consented)),
        ("Began a scored read", NOT_RECORDED if loaded and not began else str(len(began))),
        ("Finished every read", NOT_RECORDED if loaded and not done else str(len(done))),
    ]
    gone = [reader for reader in readers if reader.withdrawn_at]
    said = "; ".join(f"{reader.code} on {_day(reader.withdrawn_at)}: {reader.withdrawn_why}" for reader in gone)
    return [*rows, ("Withdrew", said or (NOT_RECORDED if loaded else "nobody"))]


def _readers(study: Study) -> Rows:
    return [(reader.code, _profile(reader)) for reader in study.readers.order_by("id")]


def _profile(reader: Reader) -> str:
    years = reader.years_experience
    said = [
        reader.specialty,
        "" if years is None else f"{counted(years, 'year')} of experience",
        f"experience with AI: {reader.ai_experience}" if reader.ai_experience else "",
    ]
    return "; ".join(part for part in said if part) or NOT_RECORDED


def _reads(study: Study) -> Rows:
    """First opening, last finish, and the washout as it really was."""
    reads = Read.objects.filter(reader__study=study).exclude(number=Read.PRACTICE).select_related("reader")
    by_reader: dict[int, list[Read]] = {}
    for read in reads.order_by("reader_id", "number"):
        by_reader.setdefault(read.reader_id, []).append(read)
    opened = [read.opened_at for read in reads if read.opened_at]
    if not opened:
        return []
    finished = [read.finished_at for read in reads if read.finished_at]
    gaps = [
        (after.opened_at - before.finished_at).total_seconds() / 86_400
        for row in by_reader.values()
        for before, after in pairwise(row)
        if before.finished_at and after.opened_at
    ]
    span = f"{min(gaps):.1f} to {max(gaps):.1f} days, median {median(gaps):.1f}, over {len(gaps)}" if gaps else "none"
    return [
        ("First answer's example opened" if study.from_spreadsheets else "First read opened", _day(min(opened))),
        ("Last read finished", _day(max(finished)) if finished else "none yet"),
        ("From one read's finish to the next one's opening", span),
    ]


def _cases(study: Study) -> Rows:
    examples = study.examples.filter(practice=False)
    cases = Case.objects.filter(predictions__examples__in=examples).distinct()
    found = list(cases.values_list("sex", "age", "view", "dataset"))
    if not found:
        return []
    ages = sorted(age for _, age, _, _ in found if age is not None)
    batches = Counter(cases.values_list("batch__name", "batch__source"))
    rows = [
        ("Radiographs", str(len(found))),
        ("Source", "; ".join(f"batch {name} ({source}): {number}" for (name, source), number in batches.items())),
        ("Data sets", _shares(dataset for _, _, _, dataset in found)),
        ("Selection", "; ".join(_selection(row) for row in study.selections.select_related("batch")) or NOT_RECORDED),
        ("Sex", _shares({"F": "female", "M": "male", "O": "other"}.get(sex, "") for sex, _, _, _ in found)),
        ("Age", _ages(ages, len(found))),
        ("View", _shares(view for _, _, view, _ in found)),
    ]
    asked = set(examples.values_list("prediction__case_id", "prediction__pathology"))
    truths = Truth.objects.filter(case__in=cases)
    used = [truth for truth in truths if (truth.case_id, truth.pathology) in asked]
    return [*rows, ("Reference standard", _shares(truth.provenance for truth in used))]


def _selection(row: Selection) -> str:
    settings = ", ".join(
        f"{name} {value}" for name, value in sorted(row.parameters.items()) if value not in (None, "", [])
    )
    return f"drawn from batch {row.batch.name} with seed {row.seed}" + (f" ({settings})" if settings else "")


def _ages(ages: list[int], total: int) -> str:
    if not ages:
        return NOT_RECORDED
    known = "" if len(ages) == total else f"; known of {len(ages)} of {total}"
    return f"median {median(ages):g}, {ages[0]} to {'90+' if ages[-1] >= 90 else ages[-1]}{known}"


def _model(study: Study) -> Rows:
    predictions = study.examples.filter(practice=False).order_by()
    models = predictions.values_list("prediction__model", "prediction__weights_sha256").annotate(n=Count("pk"))
    rows = [
        ("Classifier", f"{name}, weights SHA-256 {weights or NOT_RECORDED}: {counted(number, 'example')}")
        for name, weights, number in sorted(models)
    ]
    if rows:
        rows.append(("Operating point", f"a prediction above {study.operating_point:g} is positive"))
    made = Explanation.objects.filter(examples__study=study).order_by("pk").values(
        "kind", "algorithm_version", "parameters", "external", "device",
        "autoencoder", "autoencoder_sha256", "generator", "generator_sha256",
    )  # fmt: skip
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in made:
        by_kind.setdefault(row["kind"], []).append({**row})
    return rows + [(kind_shown(study, kind).title, _how(found)) for kind, found in sorted(by_kind.items())]


def _how(found: list[dict[str, Any]]) -> str:
    """Distinct settings, autoencoders, map generators and devices of a kind's explanations."""
    if all(row["external"] for row in found):
        return f"rendered by another tool: {len(found)}"
    settings = {
        ", ".join([f"version {row['algorithm_version']}", *(f"{n} {v}" for n, v in sorted(row["parameters"].items()))])
        for row in found
    }
    said = [*sorted(settings)]
    for need, called in (("autoencoder", "autoencoder"), ("generator", "map generator")):
        models = sorted({(row[need], row[f"{need}_sha256"]) for row in found if row[need]})
        said += [f"{called} {name}, weights SHA-256 {sha256 or NOT_RECORDED}" for name, sha256 in models]
    if devices := sorted({row["device"] for row in found} - {""}):
        said.append(f"on {', '.join(devices)}")
    return f"{'; '.join(said)}: {len(found)}"


def _displays(study: Study) -> Rows:
    """Screens by reader, and how often the check of black and white before a sitting failed."""
    visits = Visit.objects.filter(assignment__read__reader__study=study).exclude(assignment__read__number=Read.PRACTICE)
    by_reader: dict[str, Counter[str]] = {}
    failed: Counter[str] = Counter()
    for code, display in visits.values_list("assignment__read__reader__code", "display"):
        if not display:
            continue
        by_reader.setdefault(code, Counter())[_screen(display)] += 1
        check = display.get("check") or {}
        failed[code] += not (check.get("dark_square_seen", True) and check.get("light_square_seen", True))
    return [
        (
            code,
            "; ".join(f"{screen}: {counted(number, 'opening')}" for screen, number in screens.most_common(3))
            + (f"; {failed[code]} after a failed check of black and white" if failed[code] else ""),
        )
        for code, screens in sorted(by_reader.items())
    ]


def _screen(display: dict[str, Any]) -> str:
    screen = display.get("screen") or {}
    width, height = screen.get("width"), screen.get("height")
    panel, ratio = display.get("panel_px"), display.get("device_pixel_ratio")
    size = f"screen {width} × {height}" if width and height else "screen not known"
    return size + (f", pixel ratio {ratio:g}" if ratio else "") + (f", panels {panel} px" if panel else "")


def _runs(study: Study) -> Rows:
    """Stored runs before this one, each with the primary p value it gave."""
    done = study.analyses.filter(status=Analysis.Status.DONE).order_by("finished_at")
    return [
        (
            f"{row.finished_at:%Y-%m-%d %H:%M} UTC",
            f"{counted(row.responses, 'response')}; {_primary_p(row.results or {})}",
        )
        for row in done
        if row.finished_at
    ]


def _primary_p(stored: dict[str, Any]) -> str:
    """What a stored run gave as the p value of the plan's primary endpoint."""
    try:
        results = from_json(stored)
    except AnalysisError:
        return "stored by a version that this one cannot read"
    row = primary_row(results, results.plan)
    p = planned_p(row, results.plan) if row else None
    return f"primary {p_clause(p)}" if p is not None else "no primary p value"


def _shares(values: Iterable[str]) -> str:
    counts = Counter(value or NOT_RECORDED for value in values)
    return ", ".join(f"{value} {number}" for value, number in counts.most_common())


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else NOT_RECORDED
