"""Reading time as rows of results: the model, and how many times were left out and why."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.reading_time import reading_time_model, reading_times
from readerstudy.statistics.rows import ReadingTime


def reading_time_part(responses: pd.DataFrame, methods: Sequence[str], alpha: float) -> ReadingTime:
    """The model of the times that can be; where there is none, `note` says why."""
    try:
        times = reading_times(responses)
    except AnalysisError as problem:
        return ReadingTime(None, 0, note=str(problem))
    counts = times.negative, times.too_short, times.too_long, times.past_server, times.before_images
    try:
        model = reading_time_model(times.rows, methods=methods, alpha=alpha)
    except AnalysisError as problem:
        return ReadingTime(times.source, len(times.rows), *counts, note=str(problem))
    return ReadingTime(times.source, len(times.rows), *counts, model)
