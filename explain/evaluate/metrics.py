"""The registry of metrics: figures that tell whether an explanation is right. No torch when this file is imported.

A new metric here is one more entry below, its function and its test. An installed package adds metrics by entry points
of the group `explain.metrics`, and tests them with `explain.testing.check_metric`.
"""

from __future__ import annotations

from typing import Literal

from explain.evaluate.metric import TRUTH, Evidence, Group, Metric, Render, Subject
from explain.methods.kind import Value
from explain.plugins import Registry

__all__ = ["METRICS", "TRUTH", "Evidence", "Group", "Metric", "Render", "Subject", "metric"]

Better = Literal["higher", "lower"]
PERCENTILES = (90, 95, 98)  # of Charachon et al. 2021, table 1


def _localisation(
    name: str, title: str, better: Better, source: str, function: str, parameters: dict[str, Value] | None = None
) -> Metric:
    compute = f"explain.evaluate.localisation:{function}"
    return Metric(name, title, ("map", "mask"), better, source, compute, parameters or {}, group="localisation")


_OURS = (
    _localisation(
        "iou_at_mask_area", "Overlap with the mask (IoU at its area)", "higher",
        "Cohen et al., MIDL 2021, section 3.4", "measure_iou_at_mask_area",
    ),
    *(
        _localisation(
            f"iou_at_{p}", f"Overlap of the strongest {100 - p} % with the mask (IoU)", "higher",
            "Charachon et al. 2021, table 1", "measure_iou_at_percentile", {"percentile": p},
        )
        for p in PERCENTILES
    ),
    *(
        _localisation(
            f"outside_at_{p}", f"Share of the strongest {100 - p} % that lies outside the mask", "lower",
            "Charachon et al. 2021, table 1, who call it FNR", "measure_outside_at_percentile", {"percentile": p},
        )
        for p in PERCENTILES
    ),
    *(
        _localisation(
            f"missed_at_{p}", f"Share of the mask missed at the {p}th percentile", "lower",
            f"1 - sensitivity of the map's strongest {100 - p} %", "measure_missed_at_percentile", {"percentile": p},
        )
        for p in PERCENTILES
    ),
    _localisation(
        "hit_rate", "The strongest place lies in the mask", "higher",
        "Zhang et al., ECCV 2016 (pointing game), without a margin; Saporta et al. 2022 (hit rate)", "measure_hit_rate",
    ),
    _localisation(
        "relevance_mass", "Share of the map's sum inside the mask", "higher",
        "Arras et al., Information Fusion 2022, relevance mass accuracy", "measure_relevance_mass",
    ),
    _localisation(
        "relevance_rank", "Share of the mask among as many strongest places", "higher",
        "Arras et al., Information Fusion 2022, relevance rank accuracy", "measure_relevance_rank",
    ),
    Metric(
        name="confounder_share",
        title="Share of the map's sum on the confounder",
        needs=("map", "confounder"),
        better="lower",
        source="Ours: relevance mass of a thing that only goes with the finding",
        compute="explain.evaluate.localisation:measure_confounder_share",
        group="localisation",
    ),
)  # fmt: skip

METRICS: Registry[Metric] = Registry(_OURS, "explain.metrics", Metric)


def metric(name: str) -> Metric:
    """The metric called `name`; a KeyError in words if there is none."""
    if name not in METRICS:
        raise KeyError(f"no metric is called {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]
