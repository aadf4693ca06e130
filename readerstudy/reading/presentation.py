"""What a reader is told about an assignment: the one place, an allow-list.

Every field below is spelled out; nothing is serialised from a model by default. Truth is not imported here.
"""

from typing import Any

from django.urls import reverse

from explain.colour_scales import ColourScale
from explain.kinds import Kind
from explain.kinds import kind as kind_of
from explain.render import PERCENTILE
from readerstudy.cases.identity import keyed_hash
from readerstudy.cases.media import public_name
from readerstudy.cases.models import Case
from readerstudy.explanations.colouring import scale_shown
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.models import Assignment, Response
from readerstudy.reading.progress import ReadProgress
from readerstudy.studies.models import Example, Method, Question, Study

FRAME_MS = 100
LAYER_OPACITY = 0.8
SHOWN_PERCENT = f"{100 - PERCENTILE:g} %"


def file_url(url_name: str, study: Study, field: Any) -> str:
    """The guarded address of a stored file: its keyed-hash name under the study's own path."""
    return reverse(url_name, args=[study.slug, public_name(field)])


def visit_token(assignment: Assignment) -> str:
    """Says which assignment a visit is of, so that a stale tab cannot file a visit under another read."""
    return keyed_hash("visit", str(assignment.pk))[:24]


def study_facts(study: Study, single_key_shortcuts: bool, methods: list[Method]) -> dict[str, Any]:
    return {
        "slug": study.slug,
        "title": study.title,
        "show_frame_predictions": study.show_frame_predictions,
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
        "state": {"ready": "open", "locked": "waiting"}.get(progress.state, progress.state),
        "opens_at": progress.opens_at.isoformat() if progress.opens_at else None,
        "resume_position": resume or progress.total,
        "seconds_per_example": pace,
    }


def example_facts(example: Example, method: Method, url_name: str, study: Study) -> dict[str, Any]:
    """Example, method, image and panels, as a reader sees them; the composer's preview shows the same."""
    prediction = example.prediction
    case = prediction.case
    return {
        "example": {
            "number": example.number,
            "pathology": prediction.pathology,
            "probability_percent": round(100 * prediction.probability),
            "sex": case.sex,
            "age": case.age_label or None,
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
        "answers": answers,
        "comment": comment,
        "visit_token": visit_token(assignment),
    }


def display_crop(case: Case) -> dict[str, float]:
    """The model's field of view in pixels of the displayed image, which may be smaller than the radiograph."""
    scale = case.display_width / case.width if case.width else 1.0
    return {"x": case.crop_x * scale, "y": case.crop_y * scale, "size": case.crop_size * scale}


def _panels(example: Example, method: Method, url_name: str, study: Study) -> list[dict[str, Any]]:
    pinned = {explanation.kind: explanation for explanation in example.explanations.all()}
    panels: list[dict[str, Any]] = [
        {
            "key": "input",
            "title": "Input image",
            "what_is_this": "The part of the radiograph that the model saw.",
            "type": "input",
            "sha256s": {},
        }
    ]
    for name in method.kinds:
        panels.append(_panel(name, pinned.get(name), url_name, study))
    return panels


def _panel(name: str, explanation: Explanation | None, url_name: str, study: Study) -> dict[str, Any]:
    kind = kind_of(name)
    panel: dict[str, Any] = {
        "key": kind.name,
        "title": kind.title,
        "what_is_this": kind.what_is_this,
        "type": "animation" if kind.animated else "map",
    }
    files = {file.role: file for file in explanation.files.all()} if explanation else {}
    role = ExplanationFile.Role.STRIP if kind.animated else ExplanationFile.Role.LAYER
    file = files.get(role)
    url_field = "strip_url" if kind.animated else "layer_url"
    panel[url_field] = file_url(url_name, study, file.file) if file else None
    panel["sha256s"] = {url_field: keyed_hash("shown", file.sha256)} if file else {}
    if not kind.animated:
        panel |= _map_facts(kind, scale_shown(explanation, study.heatmap_scale))
    elif explanation and file:
        panel |= _animation_facts(explanation, file, study)
    return panel


def _map_facts(kind: Kind, scale: ColourScale) -> dict[str, Any]:
    """legend: the scale's colours from the weakest to the strongest. Said to all: colour is no measure of evidence."""
    return {
        "opacity": LAYER_OPACITY,
        "legend": scale.legend(),
        "what_is_this": f"{kind.what_is_this} The stronger, the {scale.more}. Always the strongest {SHOWN_PERCENT} of "
        "pixels are coloured, however weak the evidence.",
    }


def _animation_facts(explanation: Explanation, strip: ExplanationFile, study: Study) -> dict[str, Any]:
    lambdas = explanation.record.get("lambdas") or []
    frames = explanation.record.get("frames") or len(lambdas)
    return {
        "frames": frames,
        "lambdas": lambdas,
        "frame_ms": explanation.record.get("frame_ms", FRAME_MS),
        "zero_frame": lambdas.index(0) if 0 in lambdas else None,
        "frame_predictions": explanation.record.get("predictions") if study.show_frame_predictions else None,
    }
