"""How long readers took: ratios of geometric mean times of methods, learning within and between reads.

Times are modelled on the log scale, log seconds = method + period + position + reader + case + e, readers and cases
random and crossed (REML, Satterthwaite's degrees of freedom). By default readers and cases have effects of their own
with each method too, so that the ratio of two methods speaks for readers and cases like these.

Reference: Baayen, Davidson & Bates 2008 (J. Memory and Language 59, 390) for crossed readers and items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from readerstudy.statistics.frame import natural_sort
from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.scores.effects import random_effects
from readerstudy.statistics.scores.linear import LinearFit, fit_linear
from readerstudy.statistics.scores.results import t_interval
from readerstudy.statistics.undefined import ratio_of_log

SHORTEST, LONGEST = 1.0, 3600.0  # seconds: outside, a time is no reading of a radiograph
CLOCK = 5.0  # seconds by which a browser's time may pass the server's
POSITIONS = 10  # the slope within reads is per so many examples
VARY = ("reader", "case")
READERS_AND_EXAMPLES = "readers and examples like these"  # examples of one patient are not told from others
THESE_READERS = "these readers only, with examples like these"
KEY = ["reader", "period", "example", "method"]


@dataclass(frozen=True)
class ReadingTimes:
    """One row per reading of an example; the counts are of times left out because they cannot be.

    rows: reader, period, example, method, position (or NaN), seconds. source: "looking", "visible" or
    "opened_to_answered".
    """

    rows: pd.DataFrame
    source: str
    negative: int  # below 0
    too_short: int  # under SHORTEST seconds
    too_long: int  # over LONGEST seconds
    past_server: int  # the browser's time is longer than the server saw the page open
    before_images: int  # answered before all images were shown


@dataclass(frozen=True)
class TimeRatio:
    """Times at `level` over those at `reference`: a ratio of geometric means with its interval; below 1 is faster.

    A bound that the times do not give is NaN (`undefined.ratio_of_log`).

    factor: "method", "period", or "position" (per 10 examples further on in a read).
    """

    factor: str
    level: str
    reference: str
    ratio: float
    ci_low: float
    ci_high: float
    log_ratio: float
    se: float
    df: float
    p_value: float


@dataclass(frozen=True)
class ReadingTimeModel:
    """Result of reading_time_model; geometric_means: seconds by method, as observed; sd: on the log scale."""

    geometric_means: dict[str, float]
    methods: tuple[TimeRatio, ...]  # second over first, of every pair
    learning_between: tuple[TimeRatio, ...]  # each later period over the first
    learning_within: TimeRatio | None  # None where no positions are known
    random_sd: dict[str, float]
    residual_sd: float
    n: int
    n_readers: int
    n_cases: int
    speaks_for: str
    notes: tuple[str, ...]


def reading_times(responses: pd.DataFrame) -> ReadingTimes:
    """Seconds spent on each example, from analysed responses (`frame.analysed`). Raises AnalysisError without any.

    The time looking at it over all visits, else the time the page was visible, else from opening to the last answer.
    """
    looking = responses["looking_ms"].fillna(responses["visible_ms"]) / 1000
    wall = (responses["answered_at"] - responses["opened_at"]).dt.total_seconds()
    source = next((name for name in ("looking", "visible") if responses[f"{name}_ms"].notna().any()), None)
    table = responses.assign(seconds=looking if source else wall, **_checks(responses))
    rows = table.groupby(KEY, sort=True).agg(
        seconds=("seconds", "max"), position=("position", "max"), past=("past", "any"), early=("early", "any"),
        negative=("negative", "any"),
    )  # fmt: skip
    rows = rows[rows["seconds"].notna()].reset_index()
    if rows.empty:
        raise AnalysisError("No reading times are recorded.")
    reasons = {  # of several that hold, the first counts
        "negative": rows["negative"] | (rows["seconds"] < 0),
        "too_short": rows["seconds"] < SHORTEST,
        "too_long": rows["seconds"] > LONGEST,
        "past_server": rows["past"],
        "before_images": rows["early"],
    }
    why = np.select(list(reasons.values()), list(reasons), default="")
    kept = rows[why == ""].drop(columns=["past", "early", "negative"]).reset_index(drop=True)
    counts = {name: int((why == name).sum()) for name in reasons}
    return ReadingTimes(kept, source or "opened_to_answered", **counts)


def _checks(responses: pd.DataFrame) -> dict[str, pd.Series]:
    """Whether each answer's times contradict the server's, or each other.

    The browser's time from opening to the answer cannot pass the server's from opening to receipt; where it is not
    recorded, the time the page was visible cannot pass that to the receipt of the visit's last answer.
    """
    server = (responses["received_at"] - responses["opened_at"]).dt.total_seconds()
    visit = server.groupby([responses[name] for name in [*KEY, "opened_at"]], dropna=False).transform("max")
    no_time = pd.Series(np.nan, index=responses.index)
    answered = responses.get("answered_ms", no_time).astype(float) / 1000
    ready = responses.get("images_ready_ms", no_time).astype(float) / 1000
    past = (answered > server + CLOCK) | (answered.isna() & (responses["visible_ms"] / 1000 > visit + CLOCK))
    return {"past": past, "early": answered < ready, "negative": (answered < 0) | (responses["visible_ms"] < 0)}


def reading_time_model(
    times: pd.DataFrame,
    *,
    methods: Sequence[str] | None = None,
    vary: Sequence[str] = VARY,
    alpha: float = 0.05,
) -> ReadingTimeModel:
    """Fit the model to times (reader, example, method, period, seconds, and perhaps position).

    vary: whose effects differ between methods, of "reader" and "case"; () gives random intercepts only, and then the
    ratios speak for these readers. Raises AnalysisError where methods cannot be told apart, a time is not above 0, or
    nothing varies.
    """
    names = list(methods) if methods is not None else natural_sort(times["method"])
    data = times[times["method"].isin(names) & times["seconds"].notna()]
    _check(data, names, vary)
    fits = {reference: _fit(data, [reference, *(m for m in names if m != reference)], vary) for reference in names[:-1]}
    first = fits[names[0]]
    pairs = [_ratio("method", b, a, fits[a], f"method {b}", alpha) for i, a in enumerate(names) for b in names[i + 1 :]]
    periods = sorted(data["period"].unique())
    between = [_ratio("period", str(p), str(periods[0]), first, f"period {p}", alpha) for p in periods[1:]]
    placed = any(term.name == "position" for term in first.terms)
    within = _ratio("position", f"{POSITIONS} examples on", "before", first, "position", alpha) if placed else None
    means = np.log(data["seconds"]).groupby(data["method"]).mean()
    return ReadingTimeModel(
        {name: float(np.exp(means[name])) for name in names},
        tuple(pairs),
        tuple(between),
        within,
        {name: float(np.sqrt(value)) for name, value in first.variances.items()},
        float(np.sqrt(first.residual)),
        len(data),
        data["reader"].nunique(),
        data["example"].nunique(),
        READERS_AND_EXAMPLES if "reader" in vary else THESE_READERS,
        _notes(first, vary),
    )


def _check(data: pd.DataFrame, names: list[str], vary: Sequence[str]) -> None:
    unknown = sorted(set(vary) - set(VARY))
    if unknown:
        raise AnalysisError(f"Method effects can vary by reader and case, not by {', '.join(unknown)}.")
    absent = [name for name in names if not (data["method"] == name).any()]
    if absent or len(names) < 2:
        raise AnalysisError(
            f"There are no times with {', '.join(absent)}."
            if absent
            else "There is one method only: nothing to compare."
        )
    wrong = data[data["seconds"] <= 0]
    if len(wrong):
        row = wrong.iloc[0]
        raise AnalysisError(
            f"Reader {row.reader} has a time of {row.seconds:g} s on example {row.example}: times must be above 0."
        )


def _fit(data: pd.DataFrame, methods: list[str], vary: Sequence[str]) -> LinearFit:
    """With the first of methods as reference."""
    columns, names = [np.ones(len(data))], ["intercept"]
    for method in methods[1:]:
        columns.append((data["method"] == method).to_numpy(dtype=float))
        names.append(f"method {method}")
    for period in sorted(data["period"].unique())[1:]:
        columns.append((data["period"] == period).to_numpy(dtype=float))
        names.append(f"period {period}")
    position = data["position"].to_numpy(dtype=float) if "position" in data else np.full(len(data), np.nan)
    if np.isfinite(position).all() and np.ptp(position) > 0:
        columns.append((position - position.mean()) / POSITIONS)
        names.append("position")
    factors = {"reader": data["reader"].astype(str).to_numpy(), "case": data["example"].astype(str).to_numpy()}
    method = data["method"].astype(str).to_numpy()
    factors |= {f"{name} x method": _joined(factors[name], method) for name in VARY if name in vary}
    log_seconds = np.log(data["seconds"].to_numpy(dtype=float))
    return fit_linear(log_seconds, np.column_stack(columns), tuple(names), random_effects(factors))


def _joined(first: NDArray[np.str_], second: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.array([f"{a}\t{b}" for a, b in zip(first, second, strict=True)])


def _ratio(factor: str, level: str, reference: str, fit: LinearFit, term: str, alpha: float) -> TimeRatio:
    found = fit.term(term)
    low, high = t_interval(found.estimate, found.se, found.df, alpha)
    ratio, ci_low, ci_high = (ratio_of_log(log) for log in (found.estimate, low, high))
    return TimeRatio(
        factor, level, reference, ratio, ci_low, ci_high, found.estimate, found.se, found.df, found.p_value
    )


def _notes(fit: LinearFit, vary: Sequence[str]) -> tuple[str, ...]:
    if "reader" in vary and fit.variances["reader x method"] == 0:
        return (
            "How the methods' ratio varies between readers is estimated as nil: with few readers the interval may be "
            "too narrow.",
        )
    return ()
