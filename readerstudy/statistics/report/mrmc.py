"""MRMC in `analyze`: the part of results.json, its CSV rows and the tables of the report. No statistics here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from readerstudy.statistics.mrmc import mrmc_results
from readerstudy.statistics.mrmc.sentences import FEW_READERS, MODE_NAMES
from readerstudy.statistics.words.wording import interval_text, number, p_text

Row = dict[str, Any]
MODE_TITLES = MODE_NAMES | {"ustat": "U-statistic, random readers and cases"}
COMPONENT_TITLES = {
    "var_r": "Var(R)",
    "var_tr": "Var(TR)",
    "error": "Error",
    "cov1": "Cov1",
    "cov2": "Cov2",
    "cov3": "Cov3",
    "ms_t": "MS(T)",
    "ms_tr": "MS(TR)",
}


def mrmc_part(
    responses: pd.DataFrame, methods: Sequence[str], readers: Sequence[str], questions: Sequence[str], **options: Any
) -> list[Row]:
    """results["mrmc"]: one mrmc_summary per question, in the order of questions; [] with fewer than two methods.

    responses: current, scored answers (reader, example, method, question, truth "TP"/"FP", score, patient);
    options: covariance, alpha, inference_mode and margin of the analysis plan.
    """
    if len(methods) < 2:
        return []
    frame = responses.drop(columns="patient_key", errors="ignore").rename(columns={"patient": "patient_key"})
    found = {part.question: part for part in mrmc_results(frame, methods=methods, readers=readers, **options)}
    return [found[question].to_dict() for question in questions if question in found]


def mrmc_csv(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """Name of the CSV file (without ending) -> flat rows."""
    return {
        "mrmc-auc": [{"question": part["question"], **row} for part in parts for row in part["auc_intervals"] or []],
        "mrmc-differences": [
            {"question": part["question"], "mode": mode, "primary": _is_primary(part, mode)} | row
            for part in parts
            for mode in MODE_TITLES
            for row in (part[mode] or {}).get("differences", [])
        ],
        "mrmc-components": [
            {"question": part["question"], "covariance": part["covariance"]} | part["components"]
            for part in parts
            if part["components"]
        ],
        "mrmc-power": [
            {"question": part["question"], "effect": table["effect"], "readers": row["readers"]}
            | {f"power_{cases}_cases": power for cases, power in row["power"].items()}
            | {"cases_needed": row["cases_needed"]}
            for part in parts
            for table in (part["power"] or {}).get("tables", [])
            for row in table["rows"]
        ],
    }


def mrmc_tables(parts: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> dict[str, Row]:
    """The report's tables as {"title", "headings", "rows": [{"cells", "note", "strong"}], "labels", "caption"}.

    labels: what to call each method.
    """
    return {
        "mrmc-auc": _auc_table(parts, labels),
        "mrmc-tests": _tests_table(parts),
        "mrmc-components": _components_table(parts),
        "mrmc-power": _power_table(parts),
    }


def _is_primary(part: Mapping[str, Any], mode: str) -> bool:
    return bool(part["primary"]) and part["primary"]["mode"] == mode


def _table(title: str, headings: list[str], rows: list[Row], labels: int, caption: str) -> Row:
    return {"title": title, "headings": headings, "rows": rows, "labels": labels, "caption": caption}


def _row(cells: list[Any], note: str | None = None, strong: bool = False) -> Row:
    return {"cells": cells, "note": note, "strong": strong}


def _degrees(df: float | None) -> str:
    return "normal" if df is None else f"{df:.1f}"


def _ends(row: Mapping[str, Any]) -> list[float] | None:
    return None if row["ci_low"] is None else [row["ci_low"], row["ci_high"]]


def _auc_table(parts: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Row:
    """Readers down, methods across."""
    methods = list(dict.fromkeys(method for part in parts for method in part["auc"] or {}))
    rows = []
    for part in parts:
        if not part["auc"]:
            continue
        intervals = {(row["method"], row["reader"]): row for row in part["auc_intervals"] or []}
        cases = f"{part['n_positive']} / {part['n_negative']}"
        for reader in part["readers"]:
            cells = []
            for method in methods:
                row = intervals.get((method, reader))
                value = row["auc"] if row else part["auc"][method].get(reader)
                cells.append(f"{number(value, 3)} ({interval_text(_ends(row), 3)})" if row else number(value, 3))
            rows.append(_row([part["question"], reader, cases, *cells]))
        mode = part[part["primary"]["mode"]] if part["primary"] else None
        if mode:
            means = {row["method"]: row for row in mode["methods"]}
            cells = [
                f"{number(means[m]['auc'], 3)} ({interval_text(_ends(means[m]), 3)})" if m in means else "–"
                for m in methods
            ]
            rows.append(_row([part["question"], "average", cases, *cells], strong=True))
    caption = (
        "Empirical areas under the ROC curve (AUC), ties half: the chance that a true positive is scored above a false "
        "positive; 0.5 is chance. Intervals of single readers treat cases as a sample; those of averages are of the "
        "primary analysis. Intervals are symmetric (normal or t) and not cut at 0 and 1: one that passes an end shows "
        "that there are few cases for so extreme an AUC."
    )
    headings = ["Question", "Reader", "TP / FP", *(labels.get(method, method) for method in methods)]
    return _table("AUC by reader and method", headings, rows, 2, caption)


def _gain(row: Mapping[str, Any]) -> Row:
    """A difference turned to second method minus first, as everywhere else in the report."""
    ends = _ends(row)
    contrast = f"{row['method_b']} − {row['method_a']}"
    return {"contrast": contrast, "difference": -row["difference"], "ci": ends and [-ends[1], -ends[0]]}


def _tests_table(parts: Sequence[Mapping[str, Any]]) -> Row:
    rows: list[Row] = []
    for part in parts:
        start = len(rows)
        var_tr = (part["components"] or {}).get("var_tr")
        optimistic = " (Var(TR) < 0: too optimistic)" if var_tr is not None and var_tr < 0 else ""
        for mode, title in MODE_TITLES.items():
            for row in (part[mode] or {}).get("differences", []):
                turned = _gain(row)
                named = title + optimistic * (mode == "random_readers")
                cells = [part["question"], named, turned["contrast"], number(turned["difference"], 3, signed=True)]
                cells += [
                    interval_text(turned["ci"], 3, signed=True),
                    _degrees(row["df_bdg"] if mode == "ustat" else row["df"]),
                    p_text(row["p_value"]),
                ]
                rows.append(_row(cells, strong=_is_primary(part, mode)))
        for test in part["margin"] or []:
            aim = f"{test['new']} {test['aim'].replace('_', '-')} to {test['reference']}"
            shown = f"shown for {test['scope']}" if test["shown"] else "not shown"
            shown = "no test possible" if test["p_value"] is None else shown
            shown += ", with Var(TR) set to zero" * test["var_tr_set_to_zero"]
            level = f"one-sided at {part['alpha'] / 2:g}"
            gain = [number(test["gain"], 3, signed=True), f"above {number(test['ci_low'], 3, signed=True)}"]
            about = f"{aim}: {shown}\n({level}, bound {number(test['bound'], 3, signed=True)})"
            rows.append(
                _row(
                    [
                        part["question"],
                        about,
                        f"{test['new']} − {test['reference']}",
                        *gain,
                        _degrees(test["df"]),
                        p_text(test["p_value"]),
                    ]
                )
            )
        if len(rows) == start:
            rows.append(_row([part["question"], *["–"] * 6]))
        if part["warnings"]:
            rows[-1]["note"] = " ".join(part["warnings"])
    caption = (
        "Obuchowski-Rockette analysis by what counts as a sample, and the one-shot U-statistic. Bold: the primary "
        "mode. Non-inferiority and superiority are one-sided at half the plan's level, in the primary mode. Var(TR) is "
        "how much the methods' difference varies between readers: where it is estimated below zero, random readers "
        "are tested for these aims with it set to zero, which gives the standard error and normal test of fixed "
        f"readers. With fewer than {FEW_READERS} readers fixed readers are primary, and a claim is of these readers "
        "only."
    )
    headings = ["Question", "Analysis", "Contrast", "Difference in AUC", "Interval", "df", "p"]
    return _table("Methods compared by AUC", headings, rows, 3, caption)


def _components_table(parts: Sequence[Mapping[str, Any]]) -> Row:
    rows = [
        _row(
            [part["question"], part["covariance"]]
            + ["–" if (v := part["components"][k]) is None else f"{v:.3g}".replace("-", "−") for k in COMPONENT_TITLES]
        )
        for part in parts
        if part["components"]
    ]
    caption = (
        "On the scale of AUC, unconstrained: a variance estimated below zero is too small to see with so few readers. "
        "Cov1: same reader, other method; Cov2: other reader, same method; Cov3: both differ. Needed to plan the next "
        "study."
    )
    return _table("Variance components", ["Question", "Covariance", *COMPONENT_TITLES.values()], rows, 2, caption)


def _power_table(parts: Sequence[Mapping[str, Any]]) -> Row:
    sizes = list(dict.fromkeys(size for part in parts for size in (part["power"] or {}).get("cases", [])))
    rows = []
    for part in parts:
        for table in (part["power"] or {}).get("tables", []):
            for row in table["rows"]:
                cells = [number(row["power"].get(str(size))) for size in sizes]
                needed = "none suffice" if row["cases_needed"] is None else row["cases_needed"]
                rows.append(_row([part["question"], f"{table['effect']:g}", row["readers"], *cells, needed]))
    headings = ["Question", "Difference in AUC", "Readers", *(f"{size} cases" for size in sizes), "Cases for 0.80"]
    caption = (
        "Chance that a study of so many readers and cases, all crossed, finds a true difference in AUC (two-sided, "
        "random readers and cases; Hillis, Obuchowski and Berbaum 2011), with the components above. A Var(TR) below "
        "zero counts as zero, which makes these powers optimistic."
    )
    return _table("Power of the next study", headings, rows, 1, caption)
