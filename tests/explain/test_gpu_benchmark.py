"""bench.gpu: what it calls agreement, shown with the CPU in both places."""

import sys

import pytest
import torch

from bench import gpu
from explain.methods.contract import Result, explained
from explain.methods.kinds import KINDS
from explain.testing import images, tiny_models


def test_the_cpu_agrees_with_itself_in_every_form() -> None:
    x, targets = images(2), torch.tensor([0, 1])
    for name in ("input_gradient", "latentshift_animation", "latentshift_flow"):
        here, there = (explained([KINDS[name]], x, targets, tiny_models())[name].results for _ in range(2))
        assert gpu.agreement(name, here, there).enough


def test_other_pictures_do_not_agree() -> None:
    noise = torch.Generator().manual_seed(0)
    map_ = torch.rand(16, 16, generator=noise)
    good = Result(map_)
    for wrong in (map_ + 0.5 * torch.rand(16, 16, generator=noise), map_ * torch.nan, torch.zeros(16, 16)):
        found = gpu.agreement("grad_cam", [good, good], [good, Result(wrong)])
        assert not found.enough and "NOT MET" in str(found)
    frames = torch.rand(3, 16, 16, generator=noise)
    assert gpu.agreement("latentshift_flow", [Result(None, frames)], [Result(None, frames[:2])]).spearman == 0
    nearly = Result(map_ + 0.1 * torch.rand(16, 16, generator=noise))
    assert gpu.agreement("iterative_delete", [good], [nearly]).enough
    assert not gpu.agreement("input_gradient", [good], [nearly]).enough


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu"])
    assert gpu.main() == 0
    assert "No CUDA device is at hand" in capsys.readouterr().out


def test_it_runs_with_the_cpu_in_the_gpus_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "SECONDS_A_KIND", 0.0)
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--cases", "1", "--kinds", "grad_cam"])
    assert gpu.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert "grad_cam: Spearman 1.000000, wanted 0.999" in lines and "cases a second in batches of" in lines[-1]
