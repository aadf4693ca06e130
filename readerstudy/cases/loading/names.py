"""Pathologies that have truth and no predictions, or predictions and no truth: no example can be drawn of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Count

from readerstudy.cases.models import Batch, Prediction, Truth
from readerstudy.common.counting import counted


def names_apart(batch: Batch, model: str = "") -> list[str]:
    """Sentences, none when truth and predictions use the same names. model: whose predictions; all when empty."""
    truths = dict(Truth.objects.filter(case__batch=batch).order_by().values_list("pathology").annotate(Count("id")))
    found = Prediction.objects.filter(case__batch=batch, **({"model": model} if model else {}))
    return apart(truths, set(found.order_by().values_list("pathology", flat=True).distinct()))


def apart(truths: dict[str, int], predicted: set[str]) -> list[str]:
    """truths: labels by pathology. Nothing to say while there is no truth, or there are no predictions."""
    if not truths or not predicted:
        return []
    only_truth, only_predicted = sorted(truths.keys() - predicted), sorted(predicted - truths.keys())
    said = []
    if only_truth:
        names = "; ".join(_with_twins(name, counted(truths[name], "label"), predicted) for name in only_truth)
        said.append(
            f"Truth without predictions, from which nothing can be drawn: {names}. "
            "Write a pathology in the manifest as the model calls it, one in each row."
        )
    if only_predicted:
        said.append(f"Predictions without truth, from which nothing can be drawn: {', '.join(only_predicted)}.")
    return said


def _with_twins(name: str, count: str, predicted: Iterable[str]) -> str:
    alike = sorted(other for other in predicted if _words(name) & _words(other))
    meant = f"; is it {' or '.join(f'“{other}”' for other in alike)}?" if alike else ""
    return f"“{name}” ({count}{meant})"


def _words(name: str) -> set[str]:
    """ "Pleural_Effusion", "effusions" and "Effusion|Mass" have a word in common with "Effusion"."""
    words = re.findall(r"[^\W_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold())
    return {word.removesuffix("s") for word in words if len(word) > 3}
