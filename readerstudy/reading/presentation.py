"""What a reader is told about an assignment: the one place, an allow-list.

Every field below is spelled out; nothing is serialised from a model by default. Truth is not imported here.
"""

from collections import Counter
from typing import Any

from django.urls import reverse

from explain.methods.kind import Kind
from explain.render.colour_scales import ColourScale
from explain.render.pictures import FRAME_MS
from readerstudy.cases.media import public_name
from readerstudy.cases.models import Case
from readerstudy.common.identity import keyed_hash
from readerstudy.explanations.colouring import scale_shown
from readerstudy.explanations.models import Explanation
from readerstudy.explanations.panel_forms import FORMS
from readerstudy.reading.models import Assignment, Read, Response
from readerstudy.reading.progress import ReadProgress
from readerstudy.studies.asking import left_out_of
from readerstudy.studies.kinds_shown import colours_said, input_shown, kind_shown
from readerstudy.studies.models import Example, Method, Question, Study
from readerstudy.studies.shown import Fact, PanelTitles, Probability, band
from readerstudy.studies.strips import animation_facts, shown_sha256

LAYER_OPACITY = 0.8


def file_url(url_name: str, study: Study, field: Any) -> str:
    """The guarded address of a stored file: its keyed-hash name under the study's own path."""
    return reverse(url_name, args=[study.slug, public_name(field)])


def visit_token(assignment: Assignment) -> str:
    """Says which assignment a visit is of, so that a stale tab cannot file a visit under another read."""
    return keyed_hash("visit", str(assignment.pk))[:24]


def study_facts(study: Study, single_key_shortcuts: bool, methods: list[Method]) -> dict[str, Any]:
    return {
        "slug": study.slug,
        "title": study.reader_title,
        "show_frame_predictions": study.frame_predictions_shown,
        "overlay_at_first": study.overlay_at_first,
        "needs_large_screen": study.needs_large_screen,
        "wl_drag_direction": study.drag_direction,
        "allow_changes": study.allow_changes,
        "single_key_shortcuts": single_key_shortcuts,
        "panel_columns": 1 + max((len(method.kinds) for method in methods), default=0),
    }


def question_facts(question: Question) -> dict[str, Any]:
    return {
        "key": question.key,
        "text": question.text,
        "minimum": question.minimum,
        "maximum": question.maximum,
        "low_label": question.low_label,
        "high_label": question.high_label,
    }


def read_facts(progress: ReadProgress, reads: int, resume: int | None, pace: float | None) -> dict[str, Any]:
    return {
        "number": progress.read.number,
        "of": reads,
        "total": progress.total,
        "done": progress.done,
        "state": "finished" if progress.read.finished_at else "open",
        "resume_position": resume or progress.total,
        "seconds_per_example": pace,
    }


def example_facts(example: Example, method: Method, url_name: str, study: Study) -> dict[str, Any]:
    """Example, method, image and panels, as a reader sees them; the composer's preview shows the same."""
    prediction = example.prediction
    case = prediction.case
    return {
        "example": {
            "pathology": prediction.pathology,
            **_probability(prediction.probability, study),
            **_case_facts(case, study),
        },
        "method": {"label": method.label},
        "case": {
            "image": {
                "url": file_url(url_name, study, case.display) if case.display else None,
                "bits": case.bits,
                "window": None if case.window_low is None else [case.window_low, case.window_high],
                "width": case.display_width,
                "height": case.display_height,
                "sha256": keyed_hash("shown", case.display_sha256),
            },
            "crop": display_crop(case),
        },
        "panels": _panels(example, method, url_name, study),
    }


def _probability(probability: float, study: Study) -> dict[str, int | str | None]:
    """In per cent, or the words for its band, or neither, as the study decides."""
    shown = study.show_probability
    return {
        "probability_percent": round(100 * probability) if shown == Probability.EXACT else None,
        "probability_band": band(probability) if shown == Probability.BANDS else None,
    }


def _case_facts(case: Case, study: Study) -> dict[str, str | None]:
    """What the study tells of a case; null where it does not tell, or nothing is known."""
    known = {Fact.SEX: case.sex, Fact.AGE: case.age_label, Fact.VIEW: case.view, Fact.ORIGIN: case.dataset}
    told = study.facts.split()
    return {name.value: (value or None) if name in told else None for name, value in known.items()}


def not_asked_keys(study: Study, method: Method) -> list[str]:
    """Keys of the questions that are left out with this method."""
    return [question.key for question in left_out_of(study, method)]


def assignment_facts(
    assignment: Assignment, total: int, responses: list[Response], comment: str, url_name: str
) -> dict[str, Any]:
    study = assignment.read.reader.study
    answers: dict[str, int] = {}
    for response in sorted(responses, key=lambda row: row.revision):
        answers[response.question.key] = response.score
    return {
        "position": assignment.position,
        "total": total,
        "practice": assignment.example.practice,
        **example_facts(assignment.example, assignment.method, url_name, study),
        "not_asked": not_asked_keys(study, assignment.method),
        "answers": answers,
        "comment": comment,
        "visit_token": visit_token(assignment),
    }


def answers_facts(read: Read, study: Study) -> list[dict[str, Any]]:
    """{position, answers: {question: latest score}, not_asked: [question]} of every example of a read, in its order."""
    found: dict[int, dict[str, Any]] = {}
    left_out = {method.pk: not_asked_keys(study, method) for method in study.methods.all()}
    for position, method in read.assignments.order_by("position").values_list("position", "method"):
        found[position] = {"position": position, "answers": {}, "not_asked": left_out[method]}
    rows = Response.objects.filter(assignment__read=read).order_by("revision", "id")
    for position, question, score in rows.values_list("assignment__position", "question__key", "score"):
        found[position]["answers"][question] = score
    return list(found.values())


def display_crop(case: Case) -> dict[str, float]:
    """The model's field of view in pixels of the displayed image, which may be smaller than the radiograph."""
    scale = case.display_width / case.width if case.width else 1.0
    return {"x": case.crop_x * scale, "y": case.crop_y * scale, "size": case.crop_size * scale}


def _panels(example: Example, method: Method, url_name: str, study: Study) -> list[dict[str, Any]]:
    pinned = {explanation.kind: explanation for explanation in example.explanations.all()}
    panels: list[dict[str, Any]] = [
        {
            "key": "input",
            **input_shown(study),
            "shows": "input",
            "type": "input",
            "sha256s": {},
        }
    ]
    numbers: Counter[str] = Counter()
    for name in method.kinds:
        kind = kind_shown(study, name)
        panels.append({**_titles(name, kind, numbers, study), **_panel(kind, pinned.get(name), url_name, study)})
    return panels


def _titles(name: str, kind: Kind, numbers: Counter[str], study: Study) -> dict[str, str]:
    """Key and title of a panel; neutral ones count the panels of each form of a method from left to right."""
    if study.panel_titles == PanelTitles.TECHNIQUES:
        return {"key": name, "title": kind.title}
    noun = FORMS[kind.shows].noun
    numbers[noun] += 1
    number = numbers[noun]
    title = noun.capitalize() if kind.shows != "still" and number == 1 else f"{noun.capitalize()} {number}"
    return {"key": f"{noun}-{number}", "title": title}


def _panel(kind: Kind, explanation: Explanation | None, url_name: str, study: Study) -> dict[str, Any]:
    form = FORMS[kind.shows]
    files = {file.role: file for file in explanation.files.all()} if explanation else {}
    file = files.get(form.role)
    panel: dict[str, Any] = {
        "what_is_this": kind.what_is_this,
        "shows": kind.shows,
        "type": form.type,  # for pages that were opened before `shows` was sent
        form.url_field: file_url(url_name, study, file.file) if file else None,
        "sha256s": {form.url_field: shown_sha256(study, explanation, file)} if explanation and file else {},
    }
    if form.layered:
        panel["opacity"] = LAYER_OPACITY  # of all alike, or a map would look otherwise beside a flow
    if form.coloured:
        panel |= _map_facts(kind, scale_shown(explanation, kind.shows, study.heatmap_scale), study)
    if kind.shows == "animation" and explanation and file:
        panel |= animation_facts(study, explanation, FRAME_MS)
    return panel


def _map_facts(kind: Kind, scale: ColourScale, study: Study) -> dict[str, Any]:
    """legend: the scale's colours from the weakest to the strongest. Said to all: colour is no measure of evidence."""
    return {
        "legend": scale.legend(),
        "what_is_this": f"{kind.what_is_this} {colours_said(study, scale)}",
    }
