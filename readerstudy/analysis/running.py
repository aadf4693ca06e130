"""From a study in the database to results: gather what `analyse` needs, run it, write or store what comes out."""

from __future__ import annotations

import io
import logging
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from explain.evaluate.localisation import iou_at_mask_area, mask_to_model_frame
from explain.images.radiograph import Crop
from explain.methods.kinds import KINDS
from explain.render.checks import UnusableMap
from readerstudy.accounts.models import User
from readerstudy.analysis.background import TimeIsUp, over_time
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.report import write_report
from readerstudy.cases.models import Case, Truth
from readerstudy.common.identity import opaque_id
from readerstudy.exchange.dictionary import LONG
from readerstudy.exchange.export import Hashed, csv_text
from readerstudy.exchange.records import exclusion_sentences, look_sentences
from readerstudy.exchange.tables import completeness, long_rows
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.studies.asking import not_asked
from readerstudy.studies.models import Example, Study

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyData:
    """The answers as one moment had them: the long table, its number of rows and the hash of its export."""

    frame: pd.DataFrame
    rows: int
    sha256: str


def study_data(study: Study) -> StudyData:
    columns = [column.name for column in LONG]
    rows = list(long_rows(study))
    content = Hashed(csv_text(columns, iter(rows)))
    for _ in content:
        pass
    return StudyData(pd.DataFrame.from_records(rows, columns=columns), len(rows), content.sha256)


def study_results(study: Study, data: StudyData) -> dict[str, Any]:
    """results.json of these answers by the study's own plan. Raises AnalysisError with a sentence."""
    plan = AnalysisPlan.from_dict(study.analysis_plan or {})
    meta = analysis_meta(study) | {"data_sha256": data.sha256}
    return analyse(data.frame, plan, localisation=localisation_table(study), meta=meta)


def analysis_meta(study: Study) -> dict[str, Any]:
    """What the table of answers cannot tell (see analyse)."""
    return {
        "study": study.title,
        "methods": {method.key: method.label for method in study.methods.order_by("position")},
        "kinds": {method.key: [_title(kind) for kind in method.kinds] for method in study.methods.all()},
        "questions": {
            question.key: {
                "text": question.text,
                "minimum": question.minimum,
                "maximum": question.maximum,
                "minimum_label": question.low_label,
                "maximum_label": question.high_label,
            }
            for question in study.questions.order_by("position")
        },
        "design": design_entries(study),
        "plan_fixed_at": plan_fixed_at(study),
        "complete_study": completeness(study)[1],
        "not_asked": not_asked(study),
        "exclusions": exclusion_sentences(study),
        "looks": look_sentences(study),
        "deviations": []
        if study.state == Study.State.CLOSED
        else ["The study is not closed: this is an interim look, and its p values are not final."],
    }


def _title(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else kind


def design_entries(study: Study) -> list[tuple[str, str]]:
    """How the reads were laid out, as (what, how); [] where loaded spreadsheets do not tell."""
    if _laid_out_elsewhere(study):
        return []
    found = [
        ("Reads", f"one for each method, {study.washout_days} days or more between a reader's reads"),
        ("Methods and order", f"{study.get_allocation_display()}; {study.get_order_display()}; seed {study.seed}"),
    ]
    if study.protocol_sha256:
        found.append(("Protocol", f"version {study.protocol_version}, SHA-256 {study.protocol_sha256}"))
    return found


def _laid_out_elsewhere(study: Study) -> bool:
    """Loading spreadsheets opens a study too, which says nothing about how and when its reads were planned."""
    return study.from_spreadsheets and study.opened_at is not None and study.opened_at >= study.created_at


def plan_fixed_at(study: Study) -> str | None:
    """When opening froze the plan."""
    if study.opened_at is None or _laid_out_elsewhere(study):
        return None
    return study.opened_at.isoformat(timespec="seconds")


def localisation_table(study: Study) -> pd.DataFrame:
    """IoU of stored maps with truth masks: example, method, kind, iou; one row per map of an example with a mask."""
    methods = list(study.methods.order_by("position"))
    examples = study.examples.filter(practice=False).select_related("prediction__case").prefetch_related("explanations")
    masks = {
        (truth.case_id, truth.pathology): truth
        for truth in Truth.objects.filter(case__predictions__examples__study=study).exclude(mask="").distinct()
    }
    rows = []
    for example in examples:
        truth = masks.get((example.prediction.case_id, example.prediction.pathology))
        overlaps = _overlaps(example, truth) if truth else {}
        rows += [
            {"example": str(example.number), "method": method.key, "kind": kind, "iou": overlaps[kind]}
            for method in methods
            for kind in _distinct(method.kinds)
            if kind in overlaps
        ]
    return pd.DataFrame(rows, columns=["example", "method", "kind", "iou"])


def _distinct(kinds: list[str]) -> list[str]:
    """Kinds whose maps differ: an animation's map is its still companion's, which is the one that counts."""
    return [kind for kind in kinds if not kind.endswith("_animation") or _still(kind) not in kinds]


def _still(kind: str) -> str:
    return f"{kind.removesuffix('_animation')}_map"


def _overlaps(example: Example, truth: Truth) -> dict[str, float]:
    """IoU by kind. A map or mask that is lost, constant or outside the field of view gives none, and is logged."""
    found: dict[str, float] = {}
    case = example.prediction.case
    try:
        with truth.mask.open("rb") as file:
            mask = _mask(file.read(), case)
    except (OSError, ValueError) as error:
        logger.warning("The mask of example %s cannot be read: %s", example.number, error)
        return found
    for explanation in example.explanations.all():
        if not explanation.map:
            continue
        try:
            with explanation.map.open("rb") as file:
                values = np.load(io.BytesIO(file.read()), allow_pickle=False)
            found[explanation.kind] = iou_at_mask_area(values, mask)
        except (OSError, ValueError, UnusableMap) as error:
            logger.warning("No overlap for %s of example %s: %s", explanation.kind, example.number, error)
    return found


def _mask(content: bytes, case: Case) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    crop = Crop(case.crop_x, case.crop_y, case.crop_size) if case.crop_size else None
    return mask_to_model_frame(pixels, crop)


def store_analysis(study: Study, user: User | None = None, analysis: Analysis | None = None) -> Analysis:
    """Analyse the study now and keep the results, report and ZIP; a failure is kept too, as status and sentence.

    `analysis` is the row to fill, where one was made to show that a run was asked for.
    """
    analysis = analysis or Analysis(study=study, started_by=user)
    analysis.status, analysis.process_id = Analysis.Status.RUNNING, os.getpid()
    analysis.save()
    try:
        data = study_data(study)
        results = study_results(study, data)
        report, archive = _files(results)
        name = opaque_id()
        analysis.report.save(f"{name}.html", ContentFile(report), save=False)
        analysis.archive.save(f"{name}.zip", ContentFile(archive), save=False)
        analysis.results, analysis.responses, analysis.data_sha256 = results, data.rows, data.sha256
        analysis.status = Analysis.Status.DONE
    except TimeIsUp:
        analysis.status, analysis.error = Analysis.Status.FAILED, over_time()
    except Exception as error:  # whatever it is, the page must not show a run for ever
        if not isinstance(error, AnalysisError):
            logger.exception("The analysis of %s failed", study.slug)
        analysis.status = Analysis.Status.FAILED
        analysis.error = str(error) if isinstance(error, AnalysisError) else f"{type(error).__name__}: {error}"
    analysis.finished_at = timezone.now()
    analysis.save()
    return analysis


def _files(results: dict[str, Any]) -> tuple[bytes, bytes]:
    """The report, and everything as a ZIP."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "report"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in write_report(results, folder):
                packed.write(path, path.relative_to(folder).as_posix())
        return (folder / "report.html").read_bytes(), archive.getvalue()
