"""Do contributions add up to the prediction?"""

from __future__ import annotations

from explain.evaluate.metric import Subject


def measure_gap(subject: Subject) -> float:
    """|sum of attributions - (f(x) - f(0))| in points of probability, as integrated gradients recorded it.

    0 for an exact integral. Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
    proposition 1.
    """
    return abs(float(subject.record["completeness_gap"]))
