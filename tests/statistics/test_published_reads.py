"""The published study from its raw spreadsheets through the product: load_reads, then analyze."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tests.outside_data import folder_of
from tests.statistics.frames import published_figures

pytestmark = [pytest.mark.django_db, pytest.mark.shared]
SAME = (
    "n_pairs", "n_zero", "mean_a", "mean_b", "p_value", "w", "mean_difference", "sd_difference", "rank_biserial",
)  # fmt: skip


def test_the_published_figures_come_out_of_the_raw_files(tmp_path):
    folder = folder_of("PUBLISHED_READS")
    files = sorted(map(str, folder.glob("read*-reader*.csv")))
    record = folder / "trial_record.json.gz"
    call_command("load_reads", *files, study="published", record=record, stdout=StringIO())
    call_command("analyze", study="published", output=tmp_path / "out", stdout=StringIO())
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    rows = {(row["question"], row["truth"], row["group"]): row for row in results["paired"] if row["level"] != "order"}
    for expected in published_figures("paired"):
        row = rows[expected["question"], expected["truth"], expected["group"]]
        for name in SAME:
            assert row[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12), (row, name)
    agreement = {(row["question"], row["method"], row["truth"]): row for row in results["agreement"]}
    for expected in published_figures("agreement"):
        row = agreement[expected["question"], expected["method"], expected["truth"]]
        for name in ("kappa", "icc", "alpha"):
            assert row[name] == pytest.approx(expected[name], abs=1e-6)
    first = rows["confidence", "TP", "overall"]
    assert (first["n_examples"], first["n_patients"]) == (120, 116)
    people = dict(next(part["rows"] for part in results["facts"] if part["title"] == "People"))
    assert {people[name] for name in ("Consented", "Began a scored read", "Withdrew")} == {"not recorded"}
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
