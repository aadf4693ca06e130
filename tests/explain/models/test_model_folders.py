"""Model folders: a config that names a known architecture, and safetensors. Nothing else is read, nothing is run."""

import json
import pickle
import shutil
from pathlib import Path

import pytest

from explain.models.folders import ModelFolderError, folder_names, read_folder

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from explain.models.demo_pair import AUTOENCODER_FILE, CLASSIFIER_FILE, DEMO_FOLDER, DemoClassifier  # noqa: E402
from explain.models.registry import (  # noqa: E402
    autoencoder_names,
    classifier_names,
    load_autoencoder,
    load_classifier,
)
from explain.models.weights import WeightsError, file_sha256  # noqa: E402

pytestmark = pytest.mark.torch


def make_folder(root: Path, name: str, weights: str = CLASSIFIER_FILE, **config) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    shutil.copy(DEMO_FOLDER / weights, folder / "model.safetensors")
    config = {"architecture": "demo-classifier", "pathologies": list(DemoClassifier.pathologies)} | config
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_folder_is_loaded_by_its_name(tmp_path):
    make_folder(tmp_path, "ward-2", autoencoder="ward-2-ae")
    make_folder(tmp_path, "ward-2-ae", AUTOENCODER_FILE, architecture="demo-autoencoder", pathologies=[])
    assert {"ward-2", "ward-2-ae"} <= set(classifier_names(tmp_path)) and "ward-2" not in classifier_names()
    assert "ward-2-ae" in autoencoder_names(tmp_path)
    loaded = load_classifier("ward-2", root=tmp_path, imports=False)
    ours = load_classifier("demo")
    x = torch.rand(1, 1, 224, 224) * 2048 - 1024
    assert torch.equal(loaded.module(x), ours.module(x))
    assert (loaded.weights_sha256, loaded.autoencoder) == (ours.weights_sha256, "ward-2-ae")
    partner = load_autoencoder(loaded.autoencoder, root=tmp_path, imports=False)
    assert partner.module.encode(x).shape[0] == 1


def test_a_densenet_with_operating_points(tmp_path):
    import torchxrayvision as xrv

    folder = make_folder(
        tmp_path, "dense", architecture="xrv-densenet121", pathologies=["Effusion", ""], op_threshs=[0.3, None]
    )
    network = xrv.models.DenseNet(num_classes=2)
    save_file(network.state_dict(), folder / "model.safetensors")
    loaded = load_classifier("dense", root=tmp_path, imports=False)
    assert loaded.pathologies == ("Effusion", "") and loaded.target("Effusion") == 0
    probability = float(loaded.module(torch.zeros(1, 1, 224, 224))[0, 0])
    assert 0 <= probability <= 1


def test_a_folder_takes_over_no_name_of_ours(tmp_path):
    folder = make_folder(tmp_path, "demo")
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert load_classifier("demo", root=tmp_path).weights_sha256 == file_sha256(DEMO_FOLDER / CLASSIFIER_FILE)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"architecture": "os.system"}, "no architecture 'os.system'"),
        ({"architecture": 3}, "'architecture' must be the name"),
        ({"pathologies": ["Effusion"]}, "predicts"),
        ({"pathologies": "Effusion"}, "'pathologies' must be a list"),
        ({"input_size": True}, "'input_size' must be a whole number"),
        ({"op_threshs": [0.5]}, "one number between 0 and 1"),
        ({"autoencoder": "../evil"}, "'autoencoder' must be the name"),
        ({"autoencoder": "evil.Module"}, "'autoencoder' must be the name"),
        ({"weights_sha256": "0" * 64}, "not the file its config names by hash"),
        ({"weights_sha256": "short"}, "64 hexadecimal digits"),
        ({"module": "evil.Module"}, "unknown module"),
    ],
)
def test_a_config_that_is_wrong_is_refused_with_what_to_do(tmp_path, config, said):
    make_folder(tmp_path, "ward", **config)
    with pytest.raises(WeightsError, match=said):
        load_classifier("ward", root=tmp_path, imports=False)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 5000, '{"architecture": NaN}'])
def test_a_config_that_is_no_object_is_refused(tmp_path, text):
    folder = make_folder(tmp_path, "ward")
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelFolderError):
        read_folder(tmp_path, "ward")


def test_a_pickle_in_place_of_safetensors_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    folder = make_folder(tmp_path, "ward")
    (folder / "model.safetensors").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(WeightsError):
        load_classifier("ward", root=tmp_path, imports=False)
    (folder / "model.safetensors").unlink()
    torch.save(DemoClassifier().state_dict(), folder / "model.pt")
    with pytest.raises(WeightsError, match="there is no weight file"):
        load_classifier("ward", root=tmp_path, imports=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["../ward", "ward/../ward", "/etc", "ward.py", "", "WARD", ".hidden"])
def test_a_name_is_no_path(tmp_path, name):
    make_folder(tmp_path / "models", "ward")
    make_folder(tmp_path, "ward")
    assert folder_names(tmp_path / "models") == ["ward"]
    with pytest.raises(KeyError):
        read_folder(tmp_path / "models", name)
    with pytest.raises(KeyError):
        load_classifier(name, root=tmp_path / "models", imports=False)


def test_a_link_out_of_the_root_is_refused(tmp_path):
    outside = make_folder(tmp_path / "elsewhere", "ward")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ward").symlink_to(outside, target_is_directory=True)
    with pytest.raises(WeightsError, match="leads outside"):
        load_classifier("ward", root=tmp_path / "models", imports=False)


def test_without_imports_a_path_is_refused_and_nothing_imported(tmp_path, monkeypatch):
    (tmp_path / "evil_model.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for load in (load_classifier, load_autoencoder):
        with pytest.raises(KeyError, match="data do not choose what is imported"):
            load("evil_model.Module", imports=False)
