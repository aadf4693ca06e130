"""The registry of metrics: figures that tell whether an explanation is right. No torch when this file is imported.

A new metric here is one more entry below, its function and its test. An installed package adds metrics by entry points
of the group `explain.metrics`, and tests them with `explain.testing.check_metric`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from explain.evaluate.metric import TRUTH, Evidence, Group, Metric, PublishedTable, Render, Subject
from explain.methods.kind import Value
from explain.plugins import Registry

__all__ = ["METRICS", "TRUTH", "Evidence", "Group", "Metric", "Render", "Subject", "label_free", "metric"]

Better = Literal["higher", "lower"]
PERCENTILES = (90, 95, 98)  # of Charachon et al. 2021, table 1


def _localisation(
    name: str,
    title: str,
    better: Better,
    source: str,
    function: str,
    parameters: dict[str, Value] | None = None,
    table: PublishedTable = "",
) -> Metric:
    compute, values = f"explain.evaluate.localisation:{function}", parameters or {}
    return Metric(name, title, ("map", "mask"), better, source, compute, values, group="localisation", table=table)


_FILLS = {
    "blur": "its blurred self", "mean": "the mean around it", "counterfactual": "its counterfactual",
}  # fmt: skip
STEPS, ORDERS, PATCH = 100, 3, 8  # pixels a side of a patch, for AOPC; deletion and insertion go by single pixels


def _faithfulness(
    name: str, title: str, better: Better, source: str, function: str, passes: int, parameters: dict[str, Value]
) -> tuple[Metric, ...]:
    """The metric with each fill."""
    made = []
    for fill, words in _FILLS.items():
        needs: tuple[Evidence, ...] = ("map", "pixels", "classifier")
        needs = (*needs, "autoencoder") if fill == "counterfactual" else needs
        more = 40 if fill == "counterfactual" else 0  # of the search for the counterfactual
        compute, values = f"explain.evaluate.faithfulness:{function}", {"fill": fill, **parameters}
        made.append(
            Metric(
                f"{name}_{fill}", f"{title} (replaced by {words})", needs, better, source, compute, values,
                group="faithfulness", passes=passes + more,
            )
        )  # fmt: skip
    return tuple(made)


NOISE_LEVELS, BLUR_LEVELS = "0.01 0.02 0.05 0.1", "0.5 1 2 4"
_AGAIN: tuple[Evidence, ...] = ("map", "pixels", "render", "classifier")


def _robustness(change: str, levels: str, function: str, title: str) -> Metric:
    name = f"{change}_{function.removeprefix('measure_')}"
    values: dict[str, Value] = {"change": change, "levels": levels, **({"seed": 0} if change == "noise" else {})}
    return Metric(
        name, title, _AGAIN, "higher", "Cohen et al., MIDL 2021, appendix G.1",
        f"explain.evaluate.robustness:{function}", values, group="robustness", renders=len(levels.split()),
    )  # fmt: skip


_OURS = (
    _localisation(
        "iou_at_mask_area", "Overlap with the mask (IoU at its area)", "higher",
        "Cohen et al., MIDL 2021, section 3.4", "measure_iou_at_mask_area", table="overlap",
    ),
    *(
        _localisation(
            f"iou_at_{p}", f"Overlap of the strongest {100 - p} % with the mask (IoU)", "higher",
            "Charachon et al. 2021, table 1", "measure_iou_at_percentile", {"percentile": p}, "percentiles",
        )
        for p in PERCENTILES
    ),
    *(
        _localisation(
            f"outside_at_{p}", f"Share of the strongest {100 - p} % that lies outside the mask", "lower",
            "Charachon et al. 2021, table 1, who call it FNR", "measure_outside_at_percentile", {"percentile": p},
            "percentiles",
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
    *_faithfulness(
        "aopc", "Fall of the prediction, most relevant patches first, over random ones", "higher",
        "Samek et al., TNNLS 2017, eq. 12, less the same for random orders", "measure_aopc",
        (STEPS + 1) * (1 + ORDERS), {"patch": PATCH, "steps": STEPS, "orders": ORDERS},
    ),
    *_faithfulness(
        "deletion_auc", "Deletion: prediction while the most relevant goes first", "lower",
        "Petsiuk et al., BMVC 2018 (also the degradation curve)", "measure_deletion", STEPS + 1,
        {"patch": 1, "steps": STEPS},
    ),
    *_faithfulness(
        "insertion_auc", "Insertion: prediction while the most relevant comes first", "higher",
        "Petsiuk et al., BMVC 2018 (also the preservation curve)", "measure_insertion", STEPS + 1,
        {"patch": 1, "steps": STEPS},
    ),
    Metric(
        name="infidelity",
        title="Infidelity to small noise",
        needs=("signed", "pixels", "classifier"),
        better="lower",
        source="Yeh et al., NeurIPS 2019, definition 2.1",
        compute="explain.evaluate.faithfulness:measure_infidelity",
        parameters={"samples": 64, "scale": 0.05, "seed": 0},
        group="faithfulness",
        version=2,
        passes=65,
    ),
    Metric(
        name="completeness_gap",
        title="Contributions that do not add up to the prediction",
        needs=(),
        better="lower",
        source="Sundararajan et al., ICML 2017, proposition 1",
        compute="explain.evaluate.completeness:measure_gap",
        records=("completeness_gap",),
        group="completeness",
    ),
    Metric(
        name="randomisation_spearman",
        title="Likeness to the map of a randomised model",
        needs=_AGAIN,
        better="lower",
        source="Adebayo et al., NeurIPS 2018, section 3; mean over depths",
        compute="explain.evaluate.sanity:measure_cascade",
        parameters={"depths": 6, "seed": 0},
        group="sanity",
        renders=6,
    ),
    Metric(
        name="randomisation_entropy_rise",
        title="Rise of the map's entropy in a randomised model",
        needs=_AGAIN,
        better="higher",
        source="Hedstroem et al., 2023 (eMPRT)",
        compute="explain.evaluate.sanity:measure_entropy_rise",
        parameters={"seed": 0},
        group="sanity",
        renders=1,
    ),
    _robustness("noise", NOISE_LEVELS, "measure_spearman", "Likeness of the map when noise is added (ranks)"),
    _robustness("noise", NOISE_LEVELS, "measure_iou", "Likeness of the strongest 5 % when noise is added (IoU)"),
    _robustness("blur", BLUR_LEVELS, "measure_spearman", "Likeness of the map when the image is blurred (ranks)"),
    _robustness("blur", BLUR_LEVELS, "measure_iou", "Likeness of the strongest 5 % when the image is blurred (IoU)"),
    Metric(
        name="max_sensitivity",
        title="Largest change of the map by noise",
        needs=_AGAIN,
        better="lower",
        source="Yeh et al., NeurIPS 2019, definition 3.1",
        compute="explain.evaluate.robustness:measure_max_sensitivity",
        parameters={"samples": 10, "bound": 0.2, "seed": 0},
        group="robustness",
        renders=10,
    ),
    Metric(
        name="frames_follow_classifier",
        title="The prediction rises from frame to frame",
        needs=("frames", "classifier"),
        better="higher",
        source="Singla et al., ICLR 2020, section 3 (compatibility with the classifier)",
        compute="explain.evaluate.counterfactual:measure_compatibility",
        group="counterfactual",
        passes=11,
    ),
    Metric(
        name="frames_keep_image",
        title="Change of the image by redrawing alone",
        needs=("frames", "pixels"),
        better="lower",
        source="Singla et al., ICLR 2020, section 3 (self-consistency)",
        compute="explain.evaluate.counterfactual:measure_self_consistency",
        records=("lambdas",),
        group="counterfactual",
    ),
    Metric(
        name="frames_look_real",
        title="How hard the end frames are to redraw, over the image",
        needs=("frames", "pixels", "autoencoder"),
        better="lower",
        source="Singla et al., ICLR 2020, section 3 (data consistency); for one example, without FID",
        compute="explain.evaluate.counterfactual:measure_data_consistency",
        group="counterfactual",
        passes=3,
    ),
    Metric(
        name="reconstruction_effect",
        title="Change of the prediction by redrawing alone",
        needs=("pixels", "classifier", "autoencoder"),
        better="lower",
        source="Cohen et al., MIDL 2021, table K.1",
        compute="explain.evaluate.counterfactual:measure_reconstruction_effect",
        group="counterfactual",
        passes=2,
    ),
)  # fmt: skip


def _fits(metric: Metric, others: Mapping[str, Metric]) -> None:
    """A published table has its own figures only."""
    if metric.table:
        raise ValueError(f"{metric.name}: no package's metric is a figure of the published table {metric.table}")


METRICS: Registry[Metric] = Registry(_OURS, "explain.metrics", Metric, _fits)


def metric(name: str) -> Metric:
    """The metric called `name`; a KeyError in words if there is none."""
    if name not in METRICS:
        raise KeyError(f"no metric is called {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]


def label_free() -> list[str]:
    """Names of the metrics that tell nothing of the truth. Any other, also one that is no longer known, may."""
    return [metric.name for metric in METRICS.values() if not metric.truth]
