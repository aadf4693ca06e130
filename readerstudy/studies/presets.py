"""Presets: named sets of values that a new study begins with. Everything can be changed until the study opens.

`study` holds values of Study's fields, `plan` the analysis plan, `draw` values of selection.Draw that the page Examples
and `select_examples` begin with. A study made before there were presets has none, and what it does is what
"published-2021" says.
To let a preset decide about a new field, name the field in both: a value that is left out is the model's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from readerstudy.statistics.plan import AnalysisPlan

RECOMMENDED = "recommended"
PUBLISHED = "published-2021"


@dataclass(frozen=True)
class Preset:
    name: str
    title: str
    about: str
    study: Mapping[str, Any] = field(default_factory=dict)
    draw: Mapping[str, Any] = field(default_factory=dict)
    plan: AnalysisPlan = field(default_factory=AnalysisPlan)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            RECOMMENDED,
            "Recommended",
            "Nothing beside the images helps to guess which predictions are right: true and false positives are "
            "matched on probability, panel titles are neutral, pathologies are mixed. Heat maps get brighter "
            "with strength. The primary test speaks for other readers where five or more take part.",
            study={
                "order": "mixed",
                "show_probability": "exact",
                "panel_titles": "neutral",
                "animation_frames": "same",
                "heatmap_scale": "brightening",
                "overlay_at_first": True,
                "needs_large_screen": True,
                "facts": "sex age view",
                "render_parameters": {"steps": 0},  # of integrated gradients: chosen for each image
            },
            draw={"caliper": 0.05, "vary_halves": 1},
            plan=AnalysisPlan.proposed(),
        ),
        Preset(
            PUBLISHED,
            "Published 2021",
            "As in the published study (Cohen et al., MIDL 2021): panel titles name the techniques, pathology by "
            "pathology, half of each pathology true positives, not matched. The primary test is the pooled "
            "Wilcoxon test, which describes these answers.",
            plan=AnalysisPlan.published(),
            study={
                "order": "blocks",
                "show_probability": "exact",
                "panel_titles": "techniques",
                "animation_frames": "rendered",
                "heatmap_scale": "published",
                "overlay_at_first": True,
                "needs_large_screen": False,
                "facts": "sex age",
                "render_parameters": {},  # what the kinds declare
            },
            draw={"caliper": None, "vary_halves": 0},
        ),
    )
}


def preset_named(name: str) -> Preset:
    """The preset; "" (a study from before there were presets) is the published one. ValidationError for another."""
    try:
        return PRESETS[name or PUBLISHED]
    except KeyError:
        raise ValidationError(f"There is no preset “{name}”; there are {', '.join(PRESETS)}.") from None
