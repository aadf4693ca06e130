"""The package of docs/add-a-method.md, built and installed with the classifier of docs/add-a-classifier.md in it: a
study with its kind, metric and models runs, and nothing here is edited."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import migrated

ROOT = Path(__file__).resolve().parents[2]
PAGE, PAGE_OF_MODELS = ROOT / "docs" / "add-a-method.md", ROOT / "docs" / "add-a-classifier.md"
# One more, that is only chosen.
AUTOENCODER = '[project.entry-points."explain.autoencoders"]\nward-ae = "tests.tiny_models:TinyAutoencoder"\n'
KIND, TITLE = "gradient_times_input", "Gradient times input"
pytestmark = pytest.mark.torch


def files_of_the_page() -> dict[str, str]:
    """Path -> content: a block of code belongs to the file that last began a line, such as `pyproject.toml`."""
    files, path = {}, ""
    for part in re.split(r"^(```\w+\n.*?^```)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
        if part.startswith("```"):
            files[path] = part.split("\n", 1)[1].removesuffix("```")
        for name in re.findall(r"^`([\w/.]+\.(?:toml|py))`", part, re.MULTILINE):
            path = name
    return files


def files_of_the_package() -> dict[str, str]:
    """Those of both pages, and an autoencoder."""
    files, models = files_of_the_page(), PAGE_OF_MODELS.read_text(encoding="utf-8")
    wardnet, packaged = re.findall(r"^```python\n(.*?)^```$", models, flags=re.MULTILINE | re.DOTALL)
    (points,) = re.findall(r"^```toml\n(.*?)^```$", models, flags=re.MULTILINE | re.DOTALL)
    files["pyproject.toml"] += f"\n{points}\n{AUTOENCODER}"
    return files | {"ward_explanations/wardnet.py": wardnet, "ward_explanations/packaged.py": packaged}


def save_weights(code: str, path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    names: dict[str, Any] = {"__name__": "wardnet"}
    exec(code, names)
    torch.manual_seed(0)
    save_file(names["WardNet"]().state_dict(), path)


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "DATABASE"))}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package's source; beside it `site`, where its wheel is installed."""
    folder = tmp_path_factory.mktemp("outside") / "ward"
    files = files_of_the_package()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (folder / "ward_explanations" / "__init__.py").touch()
    save_weights(files["ward_explanations/wardnet.py"], folder / "ward_explanations" / "wardnet.safetensors")
    built = run(folder, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist")
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    where = str(folder.parent / "site")
    installed = run(folder, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", where, str(wheel))
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return folder


def variables(package: Path, home: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{package.parent / 'site'}{os.pathsep}{ROOT}",
        "DATABASE_URL": f"sqlite:///{home}/study.sqlite3",
        "MEDIA_ROOT": str(home / "media"),
        "DEBUG": "true",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def seen(package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    migrated.copy_to(home / "study.sqlite3")
    done = run(home, "-m", "tests.explanations.outside_study", str(home), **variables(package, home))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads((home / "seen.json").read_text(encoding="utf-8"))


def test_the_package_has_the_files_that_the_page_names() -> None:
    assert set(files_of_the_page()) == {
        "pyproject.toml", "ward_explanations/kinds.py", "ward_explanations/gradient_times_input.py",
        "tests/test_ward.py", "ward_explanations/metrics.py", "tests/test_sparseness.py",
    }  # fmt: skip


def test_its_own_test_passes(package: Path, tmp_path: Path) -> None:
    alone = ("-p", "no:django", "-p", "no:slipcover", "--noconftest")
    done = run(package, "-m", "pytest", "-q", *alone, "tests", **variables(package, tmp_path))
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout + done.stderr


def test_the_pages_offer_the_kind_and_its_parameter(seen: dict[str, Any]) -> None:
    assert f'<option value="{KIND}">{TITLE}</option>' in seen["methods_page"] and seen["chosen"] == 302
    assert "Power of gradient times input" in seen["form"] and 'name="gradient_times_input-power"' in seen["form"]
    assert "Steps of integrated gradients" not in seen["form"]  # no method shows it
    assert "less than or equal to 4" in seen["refused"] and seen["set"] == 302
    assert seen["parameters"] == {"steps": 0, KIND: {"power": 2.0}, "final_relu": "captum"}


def test_it_is_rendered_with_its_parameter(seen: dict[str, Any]) -> None:
    assert "Rendered 8 explanations" in seen["rendered"]
    assert seen["explanations"] == [["done", {"power": 2.0}, ["layer", "overlay"]]] * 4


def test_its_metric_is_measured(seen: dict[str, Any]) -> None:
    assert len(seen["measured"]) == 8 and all(0 < value < 1 for value in seen["measured"])


def test_its_models_are_chosen_by_name(seen: dict[str, Any], package: Path) -> None:
    weights = (package / "ward_explanations" / "wardnet.safetensors").read_bytes()
    assert seen["predicted"] == [["ward", hashlib.sha256(weights).hexdigest()]]
    assert '<option value="ward-ae">ward-ae (ward-explanations 1.0)</option>' in seen["methods_page"]
    assert seen["models"] == {"autoencoder": {"name": "ward-ae"}}


def test_readers_see_it_and_the_report_names_it(seen: dict[str, Any]) -> None:
    ours = [panel for panel in seen["panels"] if panel["what_is_this"].startswith("Colour marks bright or dark pixels")]
    assert len(ours) == 2 and {panel["shows"] for panel in ours} == {"still"} and seen["files"] == [200] * 4
    assert seen["kind_texts"][KIND]["title"] == TITLE
    assert TITLE in seen["report"]


def test_a_broken_package_is_named_and_the_server_starts(package: Path, tmp_path: Path) -> None:
    broken = tmp_path / "site" / "broken_kinds-2.0.dist-info"
    broken.mkdir(parents=True)
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-kinds\nVersion: 2.0\n")
    points = (
        "[explain.kinds]\nany = no_such_module:KIND\n[explain.classifiers]\ndemo = torch.nn:ReLU\nmissing = gone:Net\n"
    )
    (broken / "entry_points.txt").write_text(points)
    environment = variables(package, tmp_path)
    environment["PYTHONPATH"] = os.pathsep.join([str(broken.parent), environment["PYTHONPATH"]])
    done = run(tmp_path, str(ROOT / "manage.py"), "check", **environment)
    assert done.returncode == 0
    assert "broken-kinds 2.0: explain.kinds no_such_module:KIND: ModuleNotFoundError" in done.stderr
    assert "explain.classifiers torch.nn:ReLU: demo is the name of a classifier already" in done.stderr
    assert "explain.classifiers gone:Net: ModuleNotFoundError" in done.stderr and done.stderr.count("broken-kinds") == 3
