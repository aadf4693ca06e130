"""What an analysis of a study needs: its answers at one moment, its own words for things, maps against masks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from explain.evaluate.metrics import METRICS
from readerstudy.analysis.facts import first_seen, study_facts
from readerstudy.cases.models import Truth
from readerstudy.common.version import software_with
from readerstudy.exchange.alignment import alignment_rows
from readerstudy.exchange.dictionary import ALIGNMENT, LONG
from readerstudy.exchange.export import Hashed, csv_text
from readerstudy.exchange.measures import measure_rows
from readerstudy.exchange.records import exclusion_sentences, look_sentences, reopening_sentences
from readerstudy.exchange.tables import completeness, long_rows
from readerstudy.explanations.overlap import overlaps_with
from readerstudy.statistics.alignment import alignment_part
from readerstudy.statistics.measures import Measured
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import About, Alignment, Measure, Question, ReaderProfile, Results
from readerstudy.studies.alignments import aligned_examples
from readerstudy.studies.asking import not_asked
from readerstudy.studies.kinds_shown import titles_shown
from readerstudy.studies.models import Study

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib")  # that an analysis is made with


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


def study_results(study: Study, data: StudyData) -> Results:
    """The analysis of these answers by the study's own plan. Raises AnalysisError with a sentence."""
    plan = AnalysisPlan.from_dict(study.analysis_plan or {})
    about = replace(about_study(study), data_sha256=data.sha256)
    results = analyse(data.frame, plan, localisation=localisation_table(study), measured=measured(study), about=about)
    return replace(results, alignment=alignment_of_study(study, plan))


def about_study(study: Study) -> About:
    """What the table of answers cannot tell."""
    titles = titles_shown(study)
    interim = "The study is not closed: this is an interim look, and its p values are not final."
    return About(
        study=study.title,
        methods={method.key: method.label for method in study.methods.order_by("position")},
        kinds={method.key: [titles[kind] for kind in method.kinds] for method in study.methods.all()},
        kind_titles=titles,
        questions={
            question.key: Question(
                question.text, question.minimum, question.maximum, question.low_label, question.high_label
            )
            for question in study.questions.order_by("position")
        },
        design=design_entries(study),
        plan_fixed_at=plan_fixed_at(study),
        complete_study=completeness(study)[1],
        not_asked=not_asked(study),
        exclusions=exclusion_sentences(study, first_seen(study)),
        looks=look_sentences(study),
        reopenings=reopening_sentences(study),
        facts=study_facts(study),
        readers={
            reader.code: ReaderProfile(reader.specialty, reader.years_experience) for reader in study.readers.all()
        },
        versions=software_with(PACKAGES),
        deviations=[] if study.state == Study.State.CLOSED else [interim],
    )


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


def alignment_of_study(study: Study, plan: AnalysisPlan) -> Alignment:
    """Which other outputs of the classifier move with the explained one, over examples that are not excluded."""
    rows = [row for row in alignment_rows(study) if not row["excluded"]]
    table = pd.DataFrame(rows, columns=[column.name for column in ALIGNMENT])
    return alignment_part(table, plan, sum(aligned.earlier for aligned in aligned_examples(study)))


def measured(study: Study) -> Measured:
    """What the explanations that its methods show were measured to be, a row for each method that shows one.

    Of an animation only what is measured from its frames: its map is its still companion's. What no method shows, and
    excluded examples, are not counted as left out either.
    """
    shown = {method.key: set(_distinct(method.kinds)) for method in study.methods.all()}
    rows, outdated, failed = [], 0, 0
    for row in measure_rows(study):
        metric = METRICS.get(row["metric"])
        whole = metric is None or "frames" in metric.needs
        methods = [method for method in row["methods"].split() if whole or row["kind"] in shown[method]]
        if row["excluded"] or not methods:
            continue
        if metric is None or not row["current"]:
            outdated += 1
        elif row["value"] is None:
            failed += 1
        else:
            kept = {name: row[name] for name in ("example", "kind", "metric", "value", "chance")}
            rows += [kept | {"method": method} for method in methods]
    table = pd.DataFrame(rows, columns=["example", "method", "kind", "metric", "value", "chance"])
    metrics = [
        Measure(metric.name, metric.title, metric.better, metric.source, "confounder" in metric.needs)
        for metric in METRICS.values()
    ]
    return Measured(table.astype({"chance": float}), metrics, outdated, failed)


def localisation_table(study: Study) -> pd.DataFrame:
    """IoU of stored maps with truth masks: example, method, kind, iou; one row per map of an example with a mask."""
    methods = list(study.methods.order_by("position"))
    examples = study.examples.filter(practice=False).select_related("prediction__case").prefetch_related("explanations")
    masks = {
        (truth.case_id, truth.pathology): truth
        for truth in Truth.objects.filter(case__predictions__examples__study=study)
        .exclude(mask="")
        .select_related("case")
        .distinct()
    }
    rows = []
    for example in examples:
        truth = masks.get((example.prediction.case_id, example.prediction.pathology))
        overlaps = overlaps_with(truth, example.explanations.all(), f"example {example.number}") if truth else {}
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
