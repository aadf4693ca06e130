"""The training loop: goes on after SIGKILL to the same bytes, says what stops it, keeps the last good checkpoint."""

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from explain.training import loop as loops
from explain.training.loop import Loop, TrainingError, duration, seconds_of
from tests.explain.training.killed import STEPS, Small


def trained(folder: Path, resume: bool = False) -> Small:
    small = Small(folder, resume)
    small.loop.run(small.step, small.evaluate)
    return small


def test_killed_three_times_and_resumed_it_ends_with_the_same_bytes(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = trained(tmp_path / "whole").result()
    torch.set_num_threads(threads)
    seed = str(random.randrange(10**6))
    command = [sys.executable, "-m", "tests.explain.training.killed", str(tmp_path / "killed"), "3", seed]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    killed = json.loads(run.stdout)
    assert killed.pop("signals") == [9, 9, 9], seed
    assert 0 <= killed.pop("begun") < STEPS
    assert killed == whole, seed


def test_the_log_is_a_table_and_a_picture(tmp_path):
    small = trained(tmp_path)
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [*range(7, STEPS, 7), STEPS]
    assert float(rows[-1]["held_back"]) == small.loop.rows[-1]["held_back"] < float(rows[0]["held_back"])
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size[1] == 2 * 190  # a panel each for loss and held_back


def test_the_best_weights_are_kept_and_training_stops_early(tmp_path):
    values = iter([5.0, 3.0, 4.0, 3.5, 6.0, 1.0])
    model = torch.nn.Linear(1, 1, bias=False)

    def step(done, rng):
        with torch.no_grad():
            model.weight.fill_(done + 1.0)
        return {"loss": 1.0}

    loop = Loop(tmp_path, 100, {"model": model}, log_every=2, watch="error", patience=3, keep=["model"])
    loop.run(step, lambda: {"error": next(values)})
    assert (loop.step, loop.best, loop.best_step, loop.stopped_early) == (10, 3.0, 4, True)
    assert loop.best_state("model")["weight"].item() == 4.0
    assert Loop(tmp_path, 100, {"model": model}, watch="error", patience=3, resume=True).run(step).step == 10


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_it_and_the_last_good_checkpoint_stays(tmp_path, bad):
    small = Small(tmp_path)
    with pytest.raises(
        TrainingError, match="the figure loss is no number any more at step 26; the checkpoint of step 20"
    ):
        small.loop.run(lambda done, rng: small.step(done, rng) if done < 25 else {"loss": bad})
    assert Small(tmp_path).loop.step == 20


def test_a_spoiled_weight_is_never_saved(tmp_path):
    small = Small(tmp_path)

    def step(done, rng):
        figures = small.step(done, rng)
        if done == 29:
            with torch.no_grad():
                small.model[0].weight[0, 0] = float("nan")
        return figures

    with pytest.raises(TrainingError, match="a weight of the model is no number"):
        small.loop.run(step)
    resumed = Small(tmp_path)
    assert resumed.loop.step == 20
    assert all(p.isfinite().all() for p in resumed.model.parameters())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence_and_the_last_good_checkpoint_stays(tmp_path, monkeypatch):
    small = Small(tmp_path)

    def step(done, rng):
        if done == 15:
            monkeypatch.setattr(loops.os, "fsync", _into_a_full_disk)
        return small.step(done, rng)

    with pytest.raises(TrainingError, match=r"No space left on device.*checkpoint of step 10 is kept: make room"):
        small.loop.run(step)
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "curve.csv", "curve.png"]
    assert trained(tmp_path, resume=True).loop.step == STEPS


def _into_a_full_disk(descriptor: int) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        os.write(full.fileno(), b"x")


def test_another_folder_or_resume_is_asked_for(tmp_path):
    trained(tmp_path)
    with pytest.raises(TrainingError, match="go on with --resume, or name another folder"):
        Small(tmp_path, resume=False)


def test_other_settings_are_not_resumed(tmp_path):
    model = {"model": torch.nn.Linear(1, 1)}
    Loop(tmp_path, 1, model, settings={"size": 112}).run(lambda done, rng: {"loss": 1.0})
    with pytest.raises(TrainingError, match="was begun with size 112: resume with the same"):
        Loop(tmp_path, 1, model, settings={"size": 56}, resume=True)


def test_a_damaged_checkpoint_is_said(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="cannot be read as a checkpoint"):
        Small(tmp_path, resume=True)


def test_more_steps_may_be_added(tmp_path):
    model = {"model": torch.nn.Linear(1, 1)}
    Loop(tmp_path, 5, model).run(lambda done, rng: {"loss": 1.0})
    assert Loop(tmp_path, 9, model, resume=True).run(lambda done, rng: {"loss": 1.0}).step == 9


def test_times_are_said_in_words():
    assert [duration(s) for s in (12, 300, 12600)] == ["12 s", "5 min", "3.5 h"]
    drawn = torch.get_rng_state()
    assert seconds_of(lambda: torch.rand(1)) > 0
    assert torch.equal(torch.get_rng_state(), drawn)
