"""The lesson in confounding: what is planted, what the penalty is, and one page with everything."""

import json
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from explain.demo import confounders  # noqa: E402
from explain.demo.confounders import main  # noqa: E402
from explain.demo.confounding import Setting, density, fit, pictures, reasons_loss  # noqa: E402

pytestmark = pytest.mark.torch
SMALL = Setting(size=64, images=16, test=40, epochs=1, batch=8)


def drawn(**choice):
    return pictures(SMALL, 8_000_000, 48, **{"planted": True, "noise": 0.0, "workers": 1, **choice})


def test_the_thing_goes_with_the_finding_only_where_it_is_planted():
    planted, apart = drawn(), drawn(planted=False)
    assert (planted.truth == apart.truth).all(), "the same patients"
    assert (planted.truth == planted.planted).mean() > 0.85 > 0.7 > (apart.truth == apart.planted).mean() > 0.3
    assert (planted.thing.any(axis=(1, 2)) == planted.planted).all()
    assert (planted.finding.any(axis=(1, 2)) == planted.truth).all()
    assert planted.labels.numpy().astype(bool).tolist() == planted.truth.tolist()
    noisy = drawn(noise=0.5).labels.numpy().astype(bool)
    assert 0.2 < (noisy != planted.truth).mean() < 0.8


def test_the_penalty_is_the_squared_gradient_on_the_thing_only():
    """z = w x at two pixels: d(log p + log(1 - p))/dx = (1 - 2p) w, here with z = 0 + log 3, p = .75."""
    x = torch.full((1, 1, 1, 2), 1.0, requires_grad=True)
    weights = torch.tensor([2.0, -1.0])
    bias = float(np.log(3.0)) - 1.0
    logits = (x[:, 0, 0] * weights).sum(dim=1) + bias
    wrong = torch.tensor([[[True, False]]])
    expected = (1024 * -0.5 * 2.0) ** 2
    assert reasons_loss(logits, x, wrong).item() == pytest.approx(expected, rel=1e-5)
    assert reasons_loss(logits, x, ~wrong).item() == pytest.approx(expected / 4, rel=1e-5)


def test_the_penalty_changes_what_is_learned_and_nothing_else_does():
    seen = drawn()
    plain, again, penalised = (fit(SMALL, seen, weight, torch.device("cpu")) for weight in (0.0, 0.0, 1.0))
    x = seen.x[:4]
    assert torch.equal(plain(x), again(x)) and not torch.equal(plain(x), penalised(x))


def test_density_is_one_for_noise_and_four_where_all_is_in_a_quarter():
    mask = np.zeros((1, 4, 4), bool)
    mask[0, :2, :2] = True
    assert density(np.ones((1, 4, 4)), mask) == pytest.approx(1.0)
    assert density(mask.astype(float), mask) == pytest.approx(4.0)


def test_one_page_and_the_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(confounders, "seconds_of", lambda work, times: 1.0)
    main(["--output", str(tmp_path), "--limit", "16", "--size", "64", "--test", "40", "--epochs", "1"])
    assert "the full setting (1200 images, 224 px) about" in capsys.readouterr().out
    figures = json.loads((tmp_path / "confounders.json").read_text())
    assert figures["thing"] == "port"
    for name in ("apart", "confounded", "penalised"):
        assert set(figures[name]) >= {"auc", "auc_planted", "auc_crossed", "gap", "on_thing", "changed_thing"}
    page = (tmp_path / "confounders.html").read_text()
    row = re.search(r"the finding as without</th>(.*?)</tr>", page).group(1)
    told = [float(cell) for cell in re.findall(r"<td>([\d.]+)</td>", row)]
    named = [figures[name]["auc"] for name in ("apart", "confounded", "penalised")]
    assert told == pytest.approx(named, abs=0.0006)
    assert page.count("data:image/png;base64,") == 3 * 7 and "http" not in page and str(tmp_path) not in page
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path / "no"), "--size", "100"])
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path / "no"), "--workers", "0"])
    assert not (tmp_path / "no").exists()
    with pytest.raises(SystemExit):  # before hours of training
        main(["--output", str(tmp_path / "confounders.json"), "--limit", "16", "--test", "40"])
    assert "cannot be made a folder" in capsys.readouterr().err
