"""The log-time model against lme4, by simulation and in properties; implausible times are counted and left out."""

import numpy as np
import pandas as pd
import pytest

from readerstudy.statistics.plan import AnalysisError
from readerstudy.statistics.reading_time import ReadingTimes, reading_time_model, reading_times
from tests.statistics.mrmc.oracles2 import figures, reads

SETS = ["g_crossover_1", "g_crossover_2"]


def times(name: str) -> pd.DataFrame:
    return reads(name).rename(columns={"time_s": "seconds"})


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("vary", "key"), [((), "logtime_REML"), (("reader",), "logtime_three_random_REML")])
def test_it_is_lme4s(name, vary, key):
    found = reading_time_model(times(name), vary=vary)
    oracle = figures(name)["lmer"][key]
    theirs = {row["term"]: row for row in oracle["fixed_satterthwaite"]}
    ratios = {row["term"]: row for row in oracle["ratio_exp_satterthwaite"]}
    close = 1e-6 if not vary else 1e-4  # lme4's own optimiser stops short where a variance is near its boundary
    for ours, term in ((found.methods[0], "methodB"), (found.learning_between[0], "period2")):
        assert ours.log_ratio == pytest.approx(theirs[term]["Estimate"], rel=close)
        assert ours.se == pytest.approx(theirs[term]["Std. Error"], rel=max(close, 2e-6))
        assert ours.df == pytest.approx(theirs[term]["df"], rel=max(close * 10, 1e-4))
        row = ratios[term]
        assert (ours.ratio, ours.ci_low, ours.ci_high) == pytest.approx(
            (row["ratio"], row["low"], row["high"]), rel=close
        )
    for row in oracle["random"]:
        group = {"reader:method": "reader x method"}.get(row["group"], row["group"])
        sd = found.residual_sd if group == "Residual" else found.random_sd[group]
        assert sd == pytest.approx(row["sd"], rel=1e-3, abs=1e-3)
    assert found.learning_within is None


def simulated(seed: int, readers: int = 6, cases: int = 30, methods: str = "ABC") -> pd.DataFrame:
    """Time falls by 20 % from A to B and by 10 % per 10 positions; one row per reader x case x method."""
    rng = np.random.default_rng(seed)
    reader, case = rng.normal(0, 0.3, readers), rng.normal(0, 0.2, cases)
    rows = []
    for r in range(readers):
        for period, method in enumerate(rng.permutation(list(methods)), start=1):
            for position, c in enumerate(rng.permutation(cases), start=1):
                mean = 3 + {"A": 0, "B": np.log(0.8), "C": 0.1}[method] + np.log(0.9) * position / 10 - 0.1 * period
                log = mean + reader[r] + case[c] + rng.normal(0, 0.2)
                rows.append((f"R{r}", f"C{c}", method, period, position, float(np.exp(log))))
    return pd.DataFrame(rows, columns=["reader", "example", "method", "period", "position", "seconds"])


def test_it_finds_what_was_put_in():
    found = reading_time_model(simulated(1))
    assert [(row.level, row.reference) for row in found.methods] == [("B", "A"), ("C", "A"), ("C", "B")]
    b_over_a = found.methods[0]
    assert b_over_a.ci_low < 0.8 < b_over_a.ci_high
    assert found.learning_within.ratio == pytest.approx(0.9, abs=0.03)
    assert [row.level for row in found.learning_between] == ["2", "3"]
    assert found.learning_between[1].ratio < found.learning_between[0].ratio < 1
    assert found.methods[2].ratio == pytest.approx(found.methods[1].ratio / found.methods[0].ratio, rel=1e-4)
    assert found.speaks_for == "readers and examples like these"


def test_methods_swapped_invert_the_ratio_and_seconds_as_minutes_change_nothing_else():
    data = simulated(2, methods="AB")
    once, again = reading_time_model(data), reading_time_model(data, methods=["B", "A"])
    assert again.methods[0].ratio == pytest.approx(1 / once.methods[0].ratio, rel=1e-6)
    assert again.methods[0].p_value == pytest.approx(once.methods[0].p_value, rel=1e-3)
    minutes = reading_time_model(data.assign(seconds=data["seconds"] / 60))
    assert minutes.methods[0].ratio == pytest.approx(once.methods[0].ratio, rel=1e-6)
    assert minutes.geometric_means["A"] == pytest.approx(once.geometric_means["A"] / 60)


def left_out(found: ReadingTimes) -> tuple[int, ...]:
    return found.negative, found.too_short, found.too_long, found.past_server, found.before_images


def test_impossible_times_are_counted_and_left_out():
    opened = pd.Timestamp("2026-01-01T10:00:00Z")
    rows = pd.DataFrame({"reader": "R1", "period": 1, "example": range(5), "method": "A", "position": range(5)})
    rows["opened_at"] = opened
    rows["answered_at"] = rows["received_at"] = opened + pd.to_timedelta([60, 60, 9000, 60, 60], unit="s")
    rows["looking_ms"] = rows["visible_ms"] = [20_000.0, 200, 8_000_000, 90_000, 30_000]
    found = reading_times(rows)
    assert (found.source, *left_out(found)) == ("looking", 0, 1, 1, 1, 0)
    assert found.rows["seconds"].tolist() == [20, 30]
    wall = reading_times(rows.assign(looking_ms=np.nan, visible_ms=np.nan))
    assert (wall.source, len(wall.rows)) == ("opened_to_answered", 4)
    with pytest.raises(AnalysisError, match="No reading times"):
        reading_times(
            rows.assign(looking_ms=np.nan, visible_ms=np.nan, opened_at=rows["opened_at"].where(rows["period"] > 1))
        )


def test_times_that_contradict_the_server_or_each_other_are_counted_by_reason():
    """The page may stay open after the answer; an answer later than its receipt or before the images cannot be."""
    opened = pd.Timestamp("2026-01-01T10:00:00Z")
    rows = pd.DataFrame({"reader": "R1", "period": 1, "example": range(5), "method": "A", "position": range(5)})
    rows["opened_at"], rows["received_at"] = opened, opened + pd.Timedelta(seconds=30)
    rows["answered_at"] = rows["received_at"]
    rows["looking_ms"] = rows["visible_ms"] = 40_000.0
    rows["answered_ms"] = [29_000, 36_000, 29_000, -5, 29_000.0]
    rows["images_ready_ms"] = [900, 900, 29_500, 900, np.nan]
    found = reading_times(rows)
    assert left_out(found) == (1, 0, 0, 1, 1)
    assert found.rows["example"].tolist() == [0, 4]


def test_an_early_answer_to_one_question_is_no_sign_of_a_long_visit():
    """Without times of answers the visit's visible time is held against the receipt of its last answer."""
    opened = pd.Timestamp("2026-01-01T10:00:00Z")
    rows = pd.DataFrame({"reader": "R1", "period": 1, "example": [1, 1], "method": "A", "position": 1})
    rows["opened_at"], rows["received_at"] = opened, opened + pd.to_timedelta([10, 40], unit="s")
    rows["answered_at"] = rows["received_at"]
    rows["looking_ms"] = rows["visible_ms"] = 41_000.0
    assert left_out(reading_times(rows)) == (0, 0, 0, 0, 0)


def test_bad_tables_are_named():
    data = simulated(3, methods="AB")
    with pytest.raises(AnalysisError, match="no times with Z"):
        reading_time_model(data, methods=["A", "Z"])
    with pytest.raises(AnalysisError, match="one method only"):
        reading_time_model(data, methods=["A"])
    with pytest.raises(AnalysisError, match="must be above 0"):
        reading_time_model(data.assign(seconds=0))
    with pytest.raises(AnalysisError, match="vary by reader, reader x method cannot be told apart: too few readers"):
        reading_time_model(simulated(1, readers=2, cases=3, methods="AB"))  # each reader: one method a period
    with pytest.raises(AnalysisError, match="not by patient"):
        reading_time_model(data, vary=("patient",))
