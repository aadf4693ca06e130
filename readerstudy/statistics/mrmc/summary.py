"""Everything MRMC about one question as typed rows, with the rules of honest reporting built in.

A number that does not exist is None and a sentence in "warnings" says why. Differences are first method - second
method throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TypedDict, Unpack

import numpy as np
import pandas as pd

from readerstudy.statistics.mrmc.auc import COVARIANCES, OF_PATIENTS, empirical_auc
from readerstudy.statistics.mrmc.data import FloatArray, MRMCError, ReaderScores, scores_from_frame
from readerstudy.statistics.mrmc.estimates import estimate
from readerstudy.statistics.mrmc.margins import margin_test, reversed_estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference, ObuchowskiRockette, obuchowski_rockette
from readerstudy.statistics.mrmc.power import MODES, Pilot, power_table
from readerstudy.statistics.mrmc.roc import roc_curves
from readerstudy.statistics.mrmc.rows import (
    ClusteredResult,
    MarginRow,
    ModeResult,
    PowerResult,
    PowerTable,
    PrimaryResult,
    QuestionResult,
    ReaderRow,
    UStatDifference,
    UStatMethod,
    UStatResult,
    difference_rows,
)
from readerstudy.statistics.mrmc.sentences import (
    FEW_READERS,
    at_var_tr_zero,
    layout_warnings,
    primary_mode,
    primary_sentence,
    result_warnings,
    scope_of,
    ustat_sentence,
)
from readerstudy.statistics.mrmc.ustat import UStat, ustat
from readerstudy.statistics.wording import p_clause

INFERENCE_MODES = ("auto", *MODES)
PLANNING_EFFECTS = (0.03, 0.05, 0.1)


class Options(TypedDict, total=False):
    """The plan's options of mrmc_summary."""

    covariance: str
    alpha: float
    inference_mode: str
    margin: float | None
    planning_effects: Sequence[float]
    named: Sequence[tuple[str, str]]


def mrmc_results(
    frame: pd.DataFrame,
    *,
    methods: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    **options: Unpack[Options],
) -> list[QuestionResult]:
    """One mrmc_summary per question of a long table (columns of scores_from_frame, and question); options go to it.

    A question whose data cannot be analysed gets None in place of numbers and the reason in "warnings".
    Raises MRMCError only for options that do not exist.
    """
    _check_options(**options)
    results = []
    for question in sorted(frame["question"].unique()):
        try:
            data = scores_from_frame(frame[frame["question"] == question], methods, readers)
            results.append(mrmc_summary(data, str(question), **options))
        except MRMCError as problem:
            covariance, alpha = options.get("covariance", "jackknife"), options.get("alpha", 0.05)
            results.append(QuestionResult(str(question), covariance, alpha, warnings=(str(problem),)))
    return results


def mrmc_summary(
    data: ReaderScores,
    question: str,
    *,
    covariance: str = "jackknife",
    alpha: float = 0.05,
    inference_mode: str = "auto",
    margin: float | None = None,
    planning_effects: Sequence[float] = PLANNING_EFFECTS,
    named: Sequence[tuple[str, str]] = (),
) -> QuestionResult:
    """Analyse one question; `to_dict` of the result can be written as JSON as it is.

    inference_mode: the plan's ("auto", "random_readers", "fixed_readers", "fixed_cases"); below 5 readers fixed readers
    are primary whatever the plan says. margin: the plan's non-inferiority margin of AUC for the new method over the
    reference. named: (new, reference) as the plan says; of other pairs the second method is the new one.
    planning_effects: differences of AUC to tabulate power for. Raises MRMCError for unusable data.
    """
    _check_options(covariance=covariance, alpha=alpha, inference_mode=inference_mode, margin=margin)
    warnings = layout_warnings(data)
    by_ustat = _ustat(data, alpha, warnings)
    summary = QuestionResult(
        question,
        covariance,
        alpha,
        data.methods,
        data.readers,
        int(data.truth.sum()),
        int((1 - data.truth).sum()),
        _by_method_and_reader(data, empirical_auc(data.scores, data.truth)),
        ustat=None if by_ustat is None else _ustat_result(by_ustat),
        roc=roc_curves(data),
    )
    try:
        result = obuchowski_rockette(data, covariance=covariance, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"Obuchowski-Rockette was not possible. {problem}")
        summary = replace(summary, primary=_ustat_primary(data, by_ustat, warnings))
    else:
        pairs = list(by_ustat.differences.values()) if by_ustat else []
        ustat_p = pairs[0].bdg.p_value if len(pairs) == 1 else None
        mode, reasons = primary_mode(inference_mode, result.fewest_readers)
        warnings += reasons + result_warnings(result, {name: getattr(result, name) for name in MODES}, ustat_p)
        summary = replace(
            _with_obuchowski_rockette(summary, result, mode, _margin_part(result, mode, margin, named)),
            clustered=_clustered_part(data, result, mode, warnings),
            power=_power_part(data, result, planning_effects),
        )
    return replace(summary, warnings=tuple(warnings))


def _with_obuchowski_rockette(
    summary: QuestionResult, result: ObuchowskiRockette, mode: str, margin: tuple[MarginRow, ...]
) -> QuestionResult:
    chosen: Inference = getattr(result, mode)
    return replace(
        summary,
        auc_intervals=_auc_intervals(result),
        components=result.components,
        random_readers=_mode(result.random_readers),
        fixed_readers=ModeResult.of(result.fixed_readers),
        fixed_cases=_mode(result.fixed_cases),
        per_reader={reader: difference_rows(found) for reader, found in result.per_reader.items()},
        primary=PrimaryResult(
            mode,
            scope_of(mode, len(result.readers)),
            dict(zip(result.methods, result.means.tolist(), strict=True)),
            chosen.p_value,
            difference_rows(chosen.differences),
            _mode(at_var_tr_zero(result, mode)),
            primary_sentence(result, mode, chosen),
        ),
        margin=margin,
    )


def _check_options(
    *,
    covariance: str = "jackknife",
    alpha: float = 0.05,
    inference_mode: str = "auto",
    margin: float | None = None,
    planning_effects: Sequence[float] = PLANNING_EFFECTS,
    named: Sequence[tuple[str, str]] = (),
) -> None:
    for value, name, allowed in (
        (covariance, "covariance", COVARIANCES),
        (inference_mode, "inference mode", INFERENCE_MODES),
    ):
        if value not in allowed:
            raise MRMCError(f"The {name} must be one of {', '.join(allowed)}, not {value!r}.")
    if not 0 < alpha < 1:
        raise MRMCError(f"alpha must lie between 0 and 1; it is {alpha}.")
    if margin is not None and margin <= 0:
        raise MRMCError(f"The margin must be above 0 or left out; it is {margin}.")
    if any(effect <= 0 for effect in planning_effects):
        raise MRMCError("Planning effects must be above 0.")


def _by_method_and_reader(data: ReaderScores, values: FloatArray) -> dict[str, dict[str, float]]:
    """Of the methods that each reader used."""
    return {
        method: {reader: float(values[m, r]) for r, reader in enumerate(data.readers) if data.used[m, r]}
        for m, method in enumerate(data.methods)
    }


def _mode(found: Inference | None) -> ModeResult | None:
    return None if found is None else ModeResult.of(found)


def _auc_intervals(result: ObuchowskiRockette) -> tuple[ReaderRow, ...]:
    """Each reader's AUC with each method, the cases being the random sample."""
    return tuple(
        ReaderRow.of(
            method,
            reader,
            estimate(result.values[m, r], float(result.value_covariance[m, r, m, r]), np.inf, result.alpha, null=0.5),
        )
        for m, method in enumerate(result.methods)
        for r, reader in enumerate(result.readers)
        if np.isfinite(result.values[m, r])
    )


def _margin_part(
    result: ObuchowskiRockette, mode: str, margin: float | None, named: Sequence[tuple[str, str]]
) -> tuple[MarginRow, ...]:
    """New method over the reference, in the primary mode: non-inferiority when the plan has a margin, and superiority.

    scope says for whom a claim would hold. Where Var(TR) is estimated below zero it is set to zero, and an aim is shown
    only if it is with the estimate, too: its few degrees of freedom may be what does not bear the claim.
    """
    corrected = at_var_tr_zero(result, mode)
    planned: Inference = getattr(result, mode)
    scope = scope_of(mode, len(result.readers))
    aims = [("superiority", 0.0)] if margin is None else [("non_inferiority", margin), ("superiority", 0.0)]
    rows = []
    for pair, found in (corrected or planned).differences.items():
        new, reference = pair if pair in named else (pair[1], pair[0])
        first, second = found, planned.differences[pair]
        if new == pair[1]:
            first, second = reversed_estimate(first), reversed_estimate(second)
        for aim, bound in aims:
            test, also = (margin_test(gain, aim, bound, result.alpha) for gain in (first, second))
            test = replace(test, shown=test.shown and also.shown)
            rows.append(MarginRow(new, reference, scope, corrected is not None, **asdict(test)))
    return tuple(rows)


def _ustat(data: ReaderScores, alpha: float, warnings: list[str]) -> UStat | None:
    try:
        result = ustat(data, alpha=alpha)
    except MRMCError as problem:
        warnings.append(f"The U-statistic was not possible. {problem}")
        return None
    if any(found.variance <= 0 for found in result.differences.values()):
        warnings.append("The U-statistic's unbiased variance of a difference is zero or less: it gives no test there.")
    return result


def _ustat_result(result: UStat) -> UStatResult:
    return UStatResult(
        result.variance,
        tuple(UStatDifference.of(pair, found) for pair, found in result.differences.items()),
        tuple(UStatMethod.of(name, found) for name, found in result.methods.items()),
    )


def _ustat_primary(data: ReaderScores, result: UStat | None, warnings: list[str]) -> PrimaryResult | None:
    """The U-statistic in the place of Obuchowski-Rockette, where that is not possible."""
    if result is None or not result.differences:
        return None
    pairs = _ustat_result(result).differences
    if len(data.readers) < FEW_READERS:
        warnings.append(
            f"The U-statistic takes readers as a sample, and {len(data.readers)} are few: its test rejects too often."
        )
    return PrimaryResult(
        "ustat",
        scope_of("random_readers", len(data.readers)),
        dict(result.values),
        pairs[0].p_value if len(pairs) == 1 else None,
        pairs,
        None,
        ustat_sentence(result),
    )


def _clustered_part(
    data: ReaderScores, result: ObuchowskiRockette, mode: str, warnings: list[str]
) -> ClusteredResult | None:
    """The primary mode once more with patients as clusters, where some have several cases and the plan ignores it."""
    if data.cluster is None or result.covariance in OF_PATIENTS:
        return None
    n_clusters = np.unique(data.cluster).size
    if n_clusters == data.truth.size:
        return None
    try:
        again = obuchowski_rockette(data, covariance="clustered", alpha=result.alpha)
    except MRMCError as problem:
        warnings.append(f"The clustered covariance was not possible. {problem}")
        return None
    inference: Inference = getattr(again, mode)
    text = p_clause(inference.p_value) if np.isfinite(inference.p_value) else "no test"
    warnings.append(
        f"The {data.truth.size} cases come from {n_clusters} patients; the {result.covariance} covariance and the "
        "U-statistic count them as independent. With patients as clusters (Obuchowski 1997) the primary test gives "
        f"{text}."
    )
    return ClusteredResult.of_clusters(inference, n_clusters, again.components)


def _power_part(data: ReaderScores, result: ObuchowskiRockette, effects: Sequence[float]) -> PowerResult | None:
    """Power of a crossed study, random readers and cases, from this study's components.

    None where they do not tell what it needs: with one reader, cases that were not the same for all, or components that
    leave nothing to chance. With readers nested in methods: the pilot of a study so laid out, without tables. Where
    reads are missing, the components are those of as many cases as were read on average.
    """
    try:
        pilot = Pilot.of(data, result.components)
        if pilot.var_tr is None:
            return PowerResult("random_readers", result.alpha, 0.8, (), pilot, ())
        sizes = tuple(sorted({60, 120, 240, 480, pilot.n_cases}))
        tables = tuple(
            PowerTable(effect, power_table(pilot, effect, cases=sizes, alpha=result.alpha)) for effect in effects
        )
    except MRMCError:
        return None
    return PowerResult("random_readers", result.alpha, 0.8, sizes, pilot, tables)
