"""A study's protocol as plain data: hashed at opening, exported with the results, compared between versions."""

import hashlib
import json
from typing import Any

from readerstudy.cases.models import Truth
from readerstudy.studies.kinds_shown import texts_in_protocol
from readerstudy.studies.models import Study

# Fields of the study itself that opening fixes (freezing.py).
PROTOCOL_FIELDS = (
    "slug",
    "title",
    "protocol_version",
    "instructions",
    "consent",
    "seed",
    "allocation",
    "order",
    "washout_days",
    "operating_point",
    "analysis_plan",
    "render_parameters",
    "show_frame_predictions",
    "allow_changes",
    "drag_direction",
    "simulated",
)

# Fields made after the first studies had opened, each with the value that means what those studies did. A field is in
# the protocol where it has another value only, so that the hash of a study frozen before the field still verifies.
LATER_FIELDS: dict[str, Any] = {
    "public_title": "",
    "show_probability": "exact",
    "facts": "sex age",
    "panel_titles": "techniques",
    "animation_frames": "rendered",
    "heatmap_scale": "published",
    "overlay_at_first": True,
    "needs_large_screen": False,
    "registration": "",
    "ethics": "",
    "sample_size_reason": "",
    "truth_commitment": "",
    "chosen_models": {},
}
LATER_QUESTION_FIELDS: dict[str, Any] = {"about_explanation": False}


def _later(row: Any, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name, first in fields.items() if getattr(row, name) != first}


def protocol(study: Study) -> dict[str, Any]:
    """Everything that opening fixes, without database ids of people."""
    examples = (
        study.examples.select_related("prediction__case")
        .prefetch_related("explanations")
        .order_by("practice", "number")
    )
    return {
        **{name: getattr(study, name) for name in PROTOCOL_FIELDS},
        **_later(study, LATER_FIELDS),
        **({"kinds": texts} if (texts := texts_in_protocol(study)) else {}),
        "methods": [{"key": m.key, "label": m.label, "kinds": m.kinds} for m in study.methods.order_by("position")],
        "questions": [
            {
                "key": q.key,
                "text": q.text,
                "minimum": q.minimum,
                "maximum": q.maximum,
                "low_label": q.low_label,
                "high_label": q.high_label,
                **_later(q, LATER_QUESTION_FIELDS),
            }
            for q in study.questions.order_by("position")
        ],
        "selections": [
            {"batch": s.batch.name, "seed": s.seed, "parameters": s.parameters, "candidates": s.candidates}
            for s in study.selections.select_related("batch")
        ],
        "examples": [
            {
                "number": e.number,
                "practice": e.practice,
                "case": e.prediction.case.public_id,
                "pathology": e.prediction.pathology,
                "model": e.prediction.model,
                "probability": e.prediction.probability,
                "explanations": {x.kind: x.key for x in e.explanations.all()},
            }
            for e in examples
        ],
    }


def truth_commitment(study: Study, salt: str) -> str:
    """SHA-256 of the salt, a line break and the labels as JSON: [[case, pathology, present or not], ...], sorted.

    Opening fixes it in the protocol, so that nobody can change a label unseen; without the salt it tells no label.
    """
    labels = sorted((t.case.public_id, t.pathology, t.label) for t in _truths(study))
    return hashlib.sha256(f"{salt}\n{json.dumps(labels)}".encode()).hexdigest()


def _truths(study: Study) -> list[Truth]:
    """Of the pathologies that the examples ask about, practice included."""
    asked = set(study.examples.values_list("prediction__case_id", "prediction__pathology"))
    truths = Truth.objects.filter(case__in={case for case, _ in asked}).select_related("case")
    return [truth for truth in truths if (truth.case_id, truth.pathology) in asked]


def published_protocol(study: Study) -> dict[str, Any]:
    """The protocol as people download it: once the study is closed, with the salt that lets the labels be checked."""
    salt = {"truth_salt": study.truth_salt} if study.truth_salt and study.state == Study.State.CLOSED else {}
    return {**protocol(study), **salt}


def protocol_sha256(study: Study) -> str:
    return hashlib.sha256(json.dumps(protocol(study), sort_keys=True).encode()).hexdigest()
