"""The published study from its raw spreadsheets through the product: load_reads, then analyze."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tests.statistics.frames import oracle

pytestmark = [pytest.mark.django_db, pytest.mark.shared]
SAME = {"n_pairs": "n_pairs", "n_zero": "n_zero", "mean_a": "mean_A", "mean_b": "mean_B", "p_value": "p", "w": "W"} | {
    "mean_difference": "mean_diff", "sd_difference": "sd_ddof0", "rank_biserial": "rank_biserial",
}  # fmt: skip


def test_the_published_figures_come_out_of_the_raw_files(shared, tmp_path):
    folder = shared / "published_reads"
    if not folder.is_dir():
        pytest.skip("needs ../shared/published_reads")
    files = sorted(map(str, folder.glob("read*-reader*.csv")))
    record = folder / "trial_record.json.gz"
    call_command("load_reads", *files, study="published", record=record, stdout=StringIO())
    call_command("analyze", study="published", output=tmp_path / "out", stdout=StringIO())
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    rows = {(row["question"], row["truth"], row["group"]): row for row in results["paired"] if row["level"] != "order"}
    checked = 0
    for key, groups in oracle("paper_reference.json")["table"].items():
        for group, expected in groups.items():
            row = rows[(*key.split("/"), group.replace("reader", "R"))]
            for ours, theirs in SAME.items():
                assert row[ours] == pytest.approx(expected[theirs], rel=1e-9, abs=1e-12), (key, group, ours)
            checked += 1
    assert checked == 54
    agreement = oracle("paper_agreement_multiplicity.json")["agreement"]
    for row in results["agreement"]:
        expected = agreement[f"{row['question']}/{row['method'].replace('all', 'both')}/{row['truth']}"]
        for ours, theirs in (("kappa", "qwk"), ("icc", "icc21"), ("alpha", "alpha_ordinal")):
            assert row[ours] == pytest.approx(expected[theirs], abs=1e-6)
    first = rows["confidence", "TP", "overall"]
    assert (first["n_examples"], first["n_patients"]) == (120, 116)
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
