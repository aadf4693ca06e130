import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explain.methods.gradients import input_gradients
from explain.models.generators import load_generator
from explain.models.known import MODELS
from explain.models.registry import (
    LoadedClassifier,
    autoencoder_names,
    classifier_names,
    load_autoencoder,
    load_classifier,
)
from explain.models.weights import WeightsError, read_state
from tests.explain.conftest import radiographs
from tests.packages import broken, install

JF = "torchxrayvision.baseline_models.jfhealthcare.DenseNet"


class Brightness(nn.Module):
    """A module by dotted path: one pathology, seen at 64 pixels."""

    pathologies = ("Bright",)
    input_size = 64

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(torch.nan))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.slope * x.mean((2, 3)) / 1024)


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and a proxy that nobody answers. Gives TorchXRayVision's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    return tmp_path / ".torchxrayvision" / "models_data"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    from torchxrayvision.models import DenseNet

    torch.manual_seed(0)
    model = DenseNet().eval()
    path = tmp_path_factory.mktemp("weights") / "seeded.safetensors"
    save_file(model.state_dict(), path)
    return model, path


def test_models_of_the_house_start_without_torchxrayvision() -> None:
    """It takes longer to import than torch, in every worker that starts."""
    code = (
        "import sys, torch\n"
        "from explain.models.fast import prepared\n"
        "from explain.models.registry import classifier_names, load_autoencoder, load_classifier\n"
        "classifier_names(), load_autoencoder('demo')\n"
        "x = torch.zeros(1, 1, 224, 224, requires_grad=True)\n"
        "prepared(load_classifier('demo').module)(x).sum().backward()\n"
        "assert not {'torchvision', 'torchxrayvision'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_names() -> None:
    kinds = ["all", "nih", "pc", "chex", "mimic_nb", "mimic_ch", "rsna"]
    assert classifier_names() == [*[f"xrv-densenet121-{kind}" for kind in kinds], "demo"]
    assert autoencoder_names() == ["xrv-resnetae-101-elastic", "demo"]
    for load in (load_classifier, load_autoencoder):
        with pytest.raises(KeyError, match="no model is called 'densenet'; there are"):
            load("densenet")
        with pytest.raises(KeyError, match=r"no model is called 'no\.such"):
            load("no.such.Model")
        with pytest.raises(KeyError, match=r"'os\.path\.join' is not the class of a torch module"):
            load("os.path.join")


def test_a_densenet_from_a_file_is_calibrated_and_knows_its_file(seeded: tuple[nn.Module, Path]) -> None:
    model, path = seeded
    loaded = load_classifier("xrv-densenet121-rsna", weights=path)
    assert (loaded.weights_file, loaded.input_size) == ("seeded.safetensors", 224)
    assert loaded.autoencoder == "xrv-resnetae-101-elastic"
    assert loaded.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.target("Lung Opacity") == 16
    for absent in ("Mass", ""):  # rsna has names for two of its 18 outputs
        with pytest.raises(KeyError, match="it predicts Pneumonia, Lung Opacity"):
            loaded.target(absent)
    assert not loaded.module.training and not any(p.requires_grad for p in loaded.module.parameters())
    x = radiographs(1, 224)
    with torch.no_grad():
        raw, ours = torch.sigmoid(model(x))[0, 16], loaded.module(x)[0, 16]
    threshold = 0.13511065  # the operating point, to be at 0.5
    expected = raw / (2 * threshold) if raw < threshold else 1 - (1 - raw) / (2 * (1 - threshold))
    assert ours == pytest.approx(expected.item(), abs=1e-6)


def test_a_saved_module_and_a_saved_state_dict_hold_the_same_weights(
    seeded: tuple[nn.Module, Path], tmp_path: Path
) -> None:
    model, path = seeded
    torch.save(model, tmp_path / "module.pt")
    torch.save(model.state_dict(), tmp_path / "state.pt", _use_new_zipfile_serialization=False)
    reference = load_classifier("xrv-densenet121-all", weights=path).module.state_dict()
    for name in ("module.pt", "state.pt"):
        state = load_classifier("xrv-densenet121-all", weights=tmp_path / name).module.state_dict()
        assert all(torch.equal(state[key].nan_to_num(), reference[key].nan_to_num()) for key in reference)


def test_a_wrong_file_is_refused_in_words(tmp_path: Path, seeded: tuple[nn.Module, Path]) -> None:
    def refused(path: Path, words: str) -> None:
        with pytest.raises(WeightsError, match=words):
            load_classifier("xrv-densenet121-all", weights=path)

    refused(tmp_path / "none.pt", "there is no weight file")
    (tmp_path / "cut.safetensors").write_bytes(seeded[1].read_bytes()[:5000])
    refused(tmp_path / "cut.safetensors", "may be incomplete")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    refused(tmp_path / "other.pt", "is not for DenseNet: it lacks features.conv0.weight")
    torch.save({"hook": subprocess_run}, tmp_path / "code.pt")
    refused(tmp_path / "code.pt", "could run code")
    torch.save([1, 2], tmp_path / "list.pt")
    refused(tmp_path / "list.pt", "holds no state_dict")


def subprocess_run() -> None:
    """A function of this project stands for any code in a weight file."""


def test_without_a_network_the_error_says_which_file_to_put_where(no_network: Path) -> None:
    for load, name, file in (
        (load_classifier, "xrv-densenet121-nih", "nih-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"),
        (load_autoencoder, "xrv-resnetae-101-elastic", "nihpcrsnamimic_ch-resnet101-2-ae-test2-elastic-e250.pt"),
        (load_classifier, JF, "baseline_models_jfhealthcare-DenseNet121_pre_train.pth"),
    ):
        with pytest.raises(WeightsError, match="could not be downloaded") as error:
            load(name)
        assert f"put it at {no_network / file}" in str(error.value)
        assert not (no_network / file).exists()


def test_jf_healthcare_by_dotted_path(no_network: Path) -> None:
    from torchxrayvision.baseline_models import jfhealthcare

    config = jfhealthcare.json.loads((Path(jfhealthcare.thisfolder) / "config" / "example.json").read_text())
    architecture = jfhealthcare.classifier.Classifier(type("Config", (), config | {"pretrained": False}))
    no_network.mkdir(parents=True)
    torch.save(architecture.state_dict(), no_network / "baseline_models_jfhealthcare-DenseNet121_pre_train.pth")
    loaded = load_classifier(JF)
    assert loaded.pathologies == ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Effusion")
    assert loaded.weights_file == "baseline_models_jfhealthcare-DenseNet121_pre_train.pth"
    assert not any(isinstance(module, nn.DataParallel) for module in loaded.module.modules())
    maps = input_gradients(loaded.module, radiographs(1, 224), torch.tensor([loaded.target("Effusion")]))
    assert maps.shape == (1, 224, 224) and maps.max() > 0  # the model itself enlarges to 512


def test_any_module_by_dotted_path_needs_weights_from_somewhere(tmp_path: Path) -> None:
    name = f"{__name__}.Brightness"
    with pytest.raises(WeightsError, match="give a weight file"):
        load_classifier(name)
    save_file({"slope": torch.tensor(3.0)}, tmp_path / "slope.safetensors")
    loaded = load_classifier(name, weights=tmp_path / "slope.safetensors")
    assert isinstance(loaded, LoadedClassifier) and loaded.pathologies == ("Bright",)
    assert (loaded.input_size, loaded.autoencoder) == (64, None)
    assert loaded.module(torch.full((1, 1, 4, 4), 1024.0)).item() == pytest.approx(0.95257, abs=1e-4)
    with pytest.raises(WeightsError, match="no autoencoder"):
        load_autoencoder(name, weights=tmp_path / "slope.safetensors")


def test_the_autoencoder_from_a_file(tmp_path: Path) -> None:
    from torchxrayvision.autoencoders import ResNetAE101

    torch.manual_seed(0)
    torch.save(ResNetAE101().state_dict(), tmp_path / "autoencoder.pt")
    loaded = load_autoencoder("xrv-resnetae-101-elastic", weights=tmp_path / "autoencoder.pt")
    with torch.no_grad():
        z = loaded.module.encode(radiographs(1, 224))
        assert z.shape == (1, 512, 3, 3)
        assert loaded.module.decode(z, (224, 224)).shape == (1, 1, 224, 224)
    assert read_state(tmp_path / "autoencoder.pt", [])["conv1.weight"].equal(loaded.module.conv1.weight)


class Mirror(nn.Module):
    """An autoencoder that keeps everything."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(1))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.one

    def decode(self, z: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return z


@pytest.mark.parametrize("said, found", [(None, ()), (["Effusion"], ("Effusion",))])
def test_a_generator_may_say_its_findings(
    said: object, found: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mirror.safetensors"
    install(tmp_path, monkeypatch, f"[explain.generators]\nmaps = {__name__}:Mirror")
    save_file({"one": torch.ones(1)}, path)
    monkeypatch.setattr(Mirror, "pathologies", said, raising=False)
    assert load_generator("maps", weights=path).pathologies == found


@pytest.mark.parametrize("said", ["Effusion", 3])
def test_findings_that_are_no_list_are_refused_in_words(
    said: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, f"[explain.generators]\nmaps = {__name__}:Mirror")
    save_file({"one": torch.ones(1)}, tmp_path / "mirror.safetensors")
    monkeypatch.setattr(Mirror, "pathologies", said, raising=False)
    with pytest.raises(WeightsError, match=f"Mirror: pathologies is {said!r}; give a list of names"):
        load_generator("maps", weights=tmp_path / "mirror.safetensors")
    save_file({"slope": torch.tensor(2.0)}, tmp_path / "bright.safetensors")
    monkeypatch.setattr(Brightness, "pathologies", said)
    with pytest.raises(WeightsError, match=f"Brightness: pathologies is {said!r}; give a list of names"):
        load_classifier(f"{__name__}.Brightness", weights=tmp_path / "bright.safetensors")


@pytest.mark.parametrize(
    "groups", [("explain.models", "explain.models"), ("explain.classifiers", "explain.autoencoders")]
)
def test_models_of_installed_packages(groups: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"[{groups[0]}]", f"bright = {__name__}:Brightness", f"demo = {__name__}:Brightness"]
    lines += [f"[{groups[1]}]"] * (groups[0] != groups[1]) + [f"mirror = {__name__}:Mirror"]
    lines += ["[explain.generators]", f"maps = {__name__}:Mirror"]
    install(tmp_path, monkeypatch, "\n".join(lines))
    save_file({"slope": torch.tensor(2.0)}, tmp_path / "bright.safetensors")
    save_file({"one": torch.ones(1)}, tmp_path / "mirror.safetensors")
    loaded = load_classifier("bright", weights=tmp_path / "bright.safetensors", imports=False)
    assert loaded.name == "bright" and loaded.pathologies == ("Bright",)
    assert load_classifier("demo").pathologies != ("Bright",)  # a package takes over no name of ours
    assert load_autoencoder("mirror", weights=tmp_path / "mirror.safetensors", imports=False).name == "mirror"
    generator = load_generator("maps", weights=tmp_path / "mirror.safetensors", imports=False)
    assert (generator.name, generator.pathologies, generator.input_size) == ("maps", (), 224)
    with pytest.raises(KeyError, match=r"no map generator is called 'bright'; .* there are: maps"):
        load_generator("bright")
    if groups[0] == groups[1]:
        with pytest.raises(WeightsError, match="is no autoencoder"):
            load_autoencoder("bright", weights=tmp_path / "bright.safetensors")


def test_what_cannot_be_used_of_a_package_is_named_and_nothing_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ourward").mkdir()
    (tmp_path / "ourward" / "__init__.py").write_text("import no_torch_in_the_web_tier")
    (tmp_path / "ourward" / "nets.py").touch()
    (tmp_path / "ourward" / "inner").mkdir()
    install(tmp_path, monkeypatch, """[explain.classifiers]
        demo = ourward.nets:Net
        here = ourward.nets:Net
        inner = ourward.inner.nets:Net
        nowhere = not_there:Net
        deeper = ourward.not_there:Net
        deepest = ourward.nets.not_there:Net
        module = ourward.nets
        a/b = ourward.nets:Net
        [explain.models]
        here = ourward.nets:Net
        demo = ourward.nets:Other
        nowhere = not_there:Net
    """)  # fmt: skip
    (tmp_path / "other").mkdir()
    install(tmp_path / "other", monkeypatch, "[explain.models]\nhere = ourward.nets:Theirs\n", "later-models")
    found = {name: model.path for name, model in MODELS["classifier"].items() if model.path}
    assert found.keys() == {"here", "inner"} and "demo" in MODELS["classifier"]
    sentences = broken()
    assert not [name for name in sys.modules if name.startswith("ourward")]
    for words in (
        "ward-models 1.0: explain.classifiers ourward.nets:Net: demo is the name of a classifier already",
        "ward-models 1.0: explain.models ourward.nets:Other: demo is the name of an autoencoder already",
        "explain.classifiers not_there:Net: ModuleNotFoundError: No module named 'not_there'",
        "explain.models not_there:Net: ModuleNotFoundError",
        "No module named 'ourward.not_there'",
        "No module named 'ourward.nets.not_there'",
        "explain.classifiers ourward.nets: a model is given as package.module:Class",
        "'a/b' is no name of a model",
    ):
        assert [one for one in sentences if words in one], words
    (clash,) = (one for one in sentences if "here is the name of a classifier already" in one)
    assert found["here"] == ("ourward.nets.Net" if "later-models" in clash else "ourward.nets.Theirs")
