"""Numbers in words: rounded in one place, alike in sentences, tables and figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from readerstudy.statistics.mrmc import mrmc_summary, reader_scores
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.report.mrmc import mrmc_tables
from readerstudy.statistics.results import analyse
from readerstudy.statistics.undefined import ratio_of_log
from readerstudy.statistics.wording import interval_text, number, p_clause, p_text
from readerstudy.statistics.words.sentences import auc_sentence
from tests.statistics.frames import crossover


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (0.7875, 3, False, "0.788"),  # in binary a hair below the half
        (np.nextafter(0.7875, 0), 3, False, "0.788"),  # the same number, added up in another order
        (-0.0625, 3, True, "−0.063"),
        (0.0325, 3, True, "+0.033"),
        (-0.0004, 3, True, "0.000"),
        (None, 2, False, "–"),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float | None, digits: int, signed: bool, text: str) -> None:
    assert number(value, digits, signed) == text


def test_p_is_never_zero_and_intervals_are_dashes_where_there_are_none() -> None:
    assert (p_text(0.0), p_text(0.0104), p_text(0.0625), p_text(None)) == ("< 0.001", "0.010", "0.063", "–")
    assert (p_clause(0.0), p_clause(0.5)) == ("p < 0.001", "p = 0.500")
    assert (number(math.nan), p_text(math.nan), interval_text([math.nan, math.nan])) == ("–", "–", "–")
    assert (interval_text([-0.0125, 0.2], 3, signed=True), interval_text(None)) == ("−0.013 to +0.200", "–")


def test_a_bound_that_cannot_be_given_is_said() -> None:
    assert interval_text([ratio_of_log(-1), ratio_of_log(1)]) == "0.37 to 2.72"
    assert interval_text([ratio_of_log(-1), ratio_of_log(800)]) == "0.37 or more"
    assert (interval_text([ratio_of_log(800)] * 2), number(math.inf)) == ("–", "–")


def test_an_auc_reads_alike_in_sentence_table_and_quotation() -> None:
    """Two readers with 315 and 315 of 400 pairs won: an average of 0.7875, a tie between 0.787 and 0.788."""
    truth = np.repeat([1, 0], 20)
    ranks = np.arange(20.0)
    rng = np.random.default_rng(0)
    won = np.concatenate([np.full(15, 25.0), np.full(5, 2.5)])  # 15 beat all 20, five beat 3 each: 315 of 400
    scores = np.stack([np.stack([np.r_[rng.permutation(won), ranks]] * 2), rng.normal(truth, 1, (2, 40))])
    part = mrmc_summary(reader_scores(scores, truth), "confidence")
    results = replace(analyse(crossover(), AnalysisPlan(bootstrap_replicates=100)), mrmc=[part])
    average = mrmc_tables([part], results.methods)["mrmc-auc"].rows[-1].cells
    assert part.primary is not None and part.primary.auc["A"] == pytest.approx(0.7875)
    assert average[3].startswith("0.788 (")
    assert "0.788 with Method A" in (auc_sentence(results, "confidence", AnalysisPlan()) or "")
    assert "0.788 with A" in part.primary.sentence
