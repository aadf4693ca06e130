"""Sentences about an MRMC analysis: which result counts, for whom it speaks, and what to distrust."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from readerstudy.statistics.mrmc.data import ReaderScores
from readerstudy.statistics.mrmc.estimates import SMALLEST_VARIANCE, Estimate
from readerstudy.statistics.mrmc.obuchowski_rockette import Inference, ObuchowskiRockette
from readerstudy.statistics.mrmc.ustat import Interval, UStat
from readerstudy.statistics.wording import interval_text, number, p_clause, percent

FEW_READERS = 5
DISAGREEMENT = "The inference modes disagree"
MODE_NAMES = {
    "random_readers": "random readers and cases",
    "fixed_readers": "fixed readers, random cases",
    "fixed_cases": "random readers, fixed cases",
}
MODE_TITLES = MODE_NAMES | {"ustat": "U-statistic, random readers and cases"}


def scope_of(mode: str, n_readers: int) -> str:
    """For whom a result in this mode speaks."""
    if mode == "fixed_readers":
        return "this reader only" if n_readers == 1 else "these readers only"
    return "these cases only" if mode == "fixed_cases" else "readers and cases like these"


def primary_mode(planned: str, n_readers: int) -> tuple[str, list[str]]:
    """The mode that counts, and why it is not the planned one (planned "auto": random readers from 5 readers on)."""
    if n_readers >= FEW_READERS:
        return ("random_readers" if planned == "auto" else planned), []
    reasons = [
        f"With fewer than {FEW_READERS} readers (here {n_readers}) the random-reader test rejects too often, so fixed "
        f"readers are primary: the conclusion is about {scope_of('fixed_readers', n_readers)}."
    ]
    if planned not in ("auto", "fixed_readers"):
        reasons.append(f"This departs from the planned mode ({MODE_NAMES[planned]}).")
    return "fixed_readers", reasons


def at_var_tr_zero(result: ObuchowskiRockette, mode: str) -> Inference | None:
    """The random-reader analysis with a variance between readers estimated below zero set to zero, else None."""
    return result.at_var_tr_zero if mode == "random_readers" else None


def primary_sentence(result: ObuchowskiRockette, mode: str, inference: Inference) -> str:
    """The answer of the primary mode: AUCs, differences with intervals, and for whom it speaks."""
    means = ", ".join(
        f"{number(value, 3)} with {name}" for name, value in zip(result.methods, result.means, strict=True)
    )
    level = f"{percent(result.alpha)} CI"
    pairs = "; ".join(_pair_text(pair, found.value, found, level) for pair, found in inference.differences.items())
    overall = ""
    if len(result.methods) > 2 and np.isfinite(inference.p_value):
        overall = f" Test that all methods are equal: {p_clause(inference.p_value)}."
    zero = at_var_tr_zero(result, mode)
    if zero:
        corrected = "; ".join(_pair_text(pair, found.value, found, level) for pair, found in zero.differences.items())
        overall += f" Var(TR) is estimated below zero; set to zero, {corrected}."
    return (
        f"The scores separate positive from negative cases with a reader-averaged AUC of {means}. {pairs}.{overall} "
        f"Mode: {MODE_NAMES[mode]}; this speaks of {scope_of(mode, len(result.readers))}."
    )


def ustat_sentence(result: UStat) -> str:
    """The answer of the U-statistic: AUCs, and differences with intervals from BDG degrees of freedom."""
    means = ", ".join(f"{number(value, 3)} with {name}" for name, value in result.values.items())
    level = f"{percent(result.alpha)} CI"
    pairs = "; ".join(_pair_text(pair, found.value, found.bdg, level) for pair, found in result.differences.items())
    return (
        f"The scores separate positive from negative cases with a pooled AUC of {means}. {pairs}. "
        "U-statistic: readers and cases are samples, and it uses every score given."
    )


def _pair_text(pair: tuple[str, str], value: float, found: Estimate | Interval, level: str) -> str:
    text = f"{pair[0]} − {pair[1]}: {number(value, 3, signed=True)}"
    if not np.isfinite(found.p_value):
        return f"{text} (no test: the variance is estimated as zero or less)"
    return f"{text} ({level} {interval_text((found.ci_low, found.ci_high), 3, signed=True)}, {p_clause(found.p_value)})"


def result_warnings(
    result: ObuchowskiRockette, modes: Mapping[str, Inference | None], ustat_p: float | None = None
) -> list[str]:
    """Warnings about the components, about modes (and the U-statistic) that disagree, and about missing tests."""
    found = about_readers(result)
    tested = {MODE_NAMES[name]: mode.p_value for name, mode in modes.items() if mode is not None}
    if ustat_p is not None:
        tested["U-statistic"] = ustat_p
    tested = {name: p_value for name, p_value in tested.items() if np.isfinite(p_value)}
    if len({p_value < result.alpha for p_value in tested.values()}) > 1:
        listed = "; ".join(f"{name} {p_clause(p_value)}" for name, p_value in tested.items())
        found.append(f"{DISAGREEMENT} at alpha = {result.alpha:g}: {listed}. Say so when citing one of them.")
    without = [MODE_NAMES[name] for name, mode in modes.items() if mode is not None and np.isnan(mode.p_value)]
    if without:
        found.append(
            f"No test is possible with {' or '.join(without)}: the methods' AUCs do not vary apart from each other "
            "(for example, both methods got the same scores)."
        )
    found += _without_interval(result)
    if len(result.methods) > 2:
        found.append(
            "The p values of pairs of methods are not adjusted for their number: read them only if the test that all "
            "methods are equal is below alpha."
        )
    return found


def about_readers(result: ObuchowskiRockette) -> list[str]:
    """What the readers do not allow to say: one reader, a variance between readers below zero, readers left out."""
    found = []
    if result.left_out:
        found.append(
            f"{_named(result.left_out)} did not use every method: Obuchowski-Rockette leaves such readers out, the "
            "U-statistic uses every score."
        )
    if result.design == "nested":
        found.append(
            "Each reader used one method (readers are nested in methods), so differences between readers are part of "
            "the difference between methods."
        )
    if result.random_readers is None:
        found.append(
            f"There is one reader only ({result.readers[0]}), so nothing can be said about other readers: "
            "the modes with random readers are left out."
            if len(result.readers) == 1
            else "There is one reader for each method, so readers and methods cannot be told apart: the modes with "
            "random readers are left out."
        )
    var_tr = result.components.var_tr
    if var_tr is not None and var_tr < 0:
        found.append(
            f"Var(TR), the variance of method differences between readers, is estimated as −{abs(var_tr):.2g}, below "
            "zero. The random-reader test may then be too optimistic: cite the one with that variance set to zero "
            "beside it."
        )
    elif result.at_var_tr_zero is not None:
        found.append(
            "The variance between readers is estimated below zero. The random-reader test may then be too optimistic: "
            "cite the one with that variance set to zero beside it."
        )
    return found


def _named(readers: tuple[str, ...]) -> str:
    return f"Reader{'s' * (len(readers) > 1)} {', '.join(readers)}"


def _without_interval(result: ObuchowskiRockette) -> list[str]:
    """Sentences for single readers whose AUC, or difference of AUCs, has no variance over cases."""
    found = []
    for r, reader in enumerate(result.readers):
        for m, method in enumerate(result.methods):
            if result.value_covariance[m, r, m, r] <= SMALLEST_VARIANCE:
                found.append(
                    f"Reader {reader} has an AUC of {number(result.values[m, r], 3)} with method {method} whose "
                    "variance is estimated as zero: it has no interval."
                )
        found += [
            f"The AUCs of reader {reader} with methods {a} and {b} do not vary apart from each other, so their "
            "difference has no interval."
            for (a, b), difference in result.per_reader.get(reader, {}).items()
            if np.isnan(difference.se)
        ]
    return found


def layout_warnings(data: ReaderScores) -> list[str]:
    """What was not read, and how the analyses take it; [] when every reader read every case with every method."""
    layouts = {
        "in readers": "Each reader read cases of their own.",
        "in methods": "Each method was shown on cases of its own.",
        "blocks": "Blocks of readers read blocks of cases of their own (split plot).",
    }
    if data.cases_design in layouts:
        return [f"{layouts[data.cases_design]} Values without a common case are taken as uncorrelated."]
    possible = int(data.used.sum()) * data.truth.size
    missing = possible - int((~data.missing).sum())
    if not missing:
        return []
    return [
        f"{missing} of {possible} scores are missing. Every score given is used and nothing is imputed: with "
        "Obuchowski-Rockette each reader counts the same, with the U-statistic readers who scored more count more. "
        "Both take it that scores are missing by chance."
    ]
