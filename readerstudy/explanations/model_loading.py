"""Models by name, prepared to compute fast, kept in the process that loaded them.

No Django here: this runs on workers that know neither the database nor the settings. Torch is imported inside
functions only.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from explain.models.folders import model_name
from readerstudy.common.extras import how_to_install
from readerstudy.common.refusals import Refusal
from readerstudy.explanations.batch_size import BatchSize

if TYPE_CHECKING:
    from explain.models.generators import LoadedGenerator
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier

_LIBRARIES = ("torch", "torchvision", "torchxrayvision", "numpy", "pillow")
_MOST_HELD = 2  # sets of models in one process
_Model = TypeVar("_Model")

NAMED_BY_DATA = (
    "These predictions name a model that is not known here, and data never choose what is imported. Name the model "
    "that made them on the command line (precompute --model NAME), or list it in the setting MODELS "
    "(docs/add-a-classifier.md)."
)


class ModelsUnavailable(Refusal, RuntimeError):
    """A model cannot be loaded or does not fit; the message says what to do."""

    code = "models_unavailable"


@dataclass(frozen=True)
class ModelName:
    """name: as asked, by which any process loads it: perhaps the path of a folder. weights: a file instead of the
    model's own. sha256: the hash that the weights must have, or "" for any."""

    name: str
    weights: Path | None = None
    sha256: str = ""

    @property
    def called(self) -> str:
        """For rows and people: of a path, the folder's name."""
        return model_name(self.name)


@dataclass(frozen=True)
class ModelNames:
    """The models that some work needs. device: "auto" is the worker's first GPU, or else its CPU.

    autoencoder: None where none is needed; one named "" is the classifier's own partner. generator: None where none is
    needed; there is none that goes with a classifier. root: where model folders are. may_import: the names that may be
    paths (an operator's, or those of the setting MODELS).
    """

    classifier: ModelName
    autoencoder: ModelName | None = None
    device: str = "auto"
    root: Path | None = None
    may_import: frozenset[str] = frozenset()
    generator: ModelName | None = None


@dataclass(frozen=True)
class Loaded:
    classifier: LoadedClassifier
    autoencoder: LoadedAutoencoder | None
    device: str
    generator: LoadedGenerator | None = None

    @property
    def device_name(self) -> str:
        import torch

        if self.device.startswith("cuda"):
            return f"{self.device} {torch.cuda.get_device_name(self.device)}"[:80]
        return f"cpu {platform.machine()} {torch.get_num_threads()} threads"

    def made_on(self) -> MadeOn:
        return MadeOn(self.device_name, {name: importlib.metadata.version(name) for name in _LIBRARIES})


@dataclass(frozen=True)
class MadeOn:
    """Where something was computed: the device in words, and the versions of the libraries."""

    device: str
    libraries: dict[str, str]


@dataclass(frozen=True)
class Found:
    """What a worker says of models it has loaded. names: the same with their names and hashes filled in.

    generator_pathologies: the findings that the map generator was trained on; none where its folder names none.
    """

    names: ModelNames
    device: str
    weights_file: str
    pathologies: tuple[str, ...]
    batch_size: int
    made_on: MadeOn
    generator_pathologies: tuple[str, ...] = ()

    @property
    def autoencoder_sha256(self) -> str:
        return self.names.autoencoder.sha256 if self.names.autoencoder else ""

    @property
    def generator_sha256(self) -> str:
        return self.names.generator.sha256 if self.names.generator else ""


_held: dict[ModelNames, Loaded] = {}


def find(names: ModelNames, batch_size: int = 0) -> Found:
    """Load the models anew, and say what they are. batch_size: 0 is the first one of the device."""
    loaded = load(names)
    return Found(
        names=hold(names, loaded),
        device=loaded.device,
        weights_file=loaded.classifier.weights_file,
        pathologies=loaded.classifier.pathologies,
        batch_size=BatchSize.of_device(loaded.device, batch_size).size,
        made_on=loaded.made_on(),
        generator_pathologies=loaded.generator.pathologies if loaded.generator else (),
    )


def hold(names: ModelNames, loaded: Loaded) -> ModelNames:
    """Keep what was loaded for `names`; returns these names with the hashes, by which `held` finds it."""
    known = replace(names, classifier=replace(names.classifier, sha256=loaded.classifier.weights_sha256))
    if names.autoencoder and loaded.autoencoder:
        name = names.autoencoder.name or loaded.autoencoder.name
        found = replace(names.autoencoder, name=name, sha256=loaded.autoencoder.weights_sha256)
        known = replace(known, autoencoder=found)
    if names.generator and loaded.generator:
        known = replace(known, generator=replace(names.generator, sha256=loaded.generator.weights_sha256))
    _hold(known, loaded)
    return known


def held(names: ModelNames) -> Loaded:
    """Models named with their hashes, loaded once in a process. ModelsUnavailable for weights with other hashes."""
    return _held[names] if names in _held else _hold(names, load(names))


def _hold(names: ModelNames, loaded: Loaded) -> Loaded:
    _held.pop(names, None)
    while len(_held) >= _MOST_HELD:
        del _held[next(iter(_held))]
    _held[names] = loaded
    return loaded


def load(names: ModelNames) -> Loaded:
    """Everything that `names` names, on its device. Raises ModelsUnavailable."""
    device = choose_device(names.device)
    classifier = load_classifier(names, device)
    autoencoder = load_autoencoder(names, classifier.autoencoder or "", device) if names.autoencoder else None
    generator = load_generator(names, device) if names.generator else None
    return Loaded(classifier, autoencoder, device, generator)


def choose_device(name: str) -> str:
    """`auto` is the first GPU or else the CPU. Raises ModelsUnavailable for a device that is not there."""
    torch = torch_here()
    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ModelsUnavailable(f"--device is auto, cpu, cuda or cuda:N; not “{name}”.")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ModelsUnavailable(f"Device {name} cannot be used: {first}. Try --device cpu.") from error
    return name


def load_classifier(names: ModelNames, device: str) -> LoadedClassifier:
    """Raises ModelsUnavailable."""
    torch_here()
    from explain.models.registry import load_classifier

    advice = "" if names.classifier.name in names.may_import else f" {NAMED_BY_DATA}"
    return _loaded(load_classifier, names.classifier, names, device, advice)


def load_autoencoder(names: ModelNames, partner: str, device: str) -> LoadedAutoencoder:
    """The one that is named, or the classifier's partner. Raises ModelsUnavailable."""
    from explain.models.registry import load_autoencoder

    named = names.autoencoder or ModelName("")
    if not (named.name or partner):
        raise ModelsUnavailable(
            f"{names.classifier.name} has no autoencoder of its own: choose one on the study's page Methods, name one "
            "with --autoencoder, or leave out what needs one."
        )
    return _loaded(load_autoencoder, replace(named, name=named.name or partner), names, device)


def load_generator(names: ModelNames, device: str) -> LoadedGenerator:
    """The map generator that is named. Raises ModelsUnavailable."""
    torch_here()
    from explain.models.generators import load_generator

    if not (names.generator and names.generator.name):
        raise ModelsUnavailable(
            "A kind needs a map generator, and none is chosen: choose one on the study's page Methods, or name one "
            "with --generator. python -m explain.training vagan trains one (docs/training.md)."
        )
    return _loaded(load_generator, names.generator, names, device)


def _loaded(load: Callable[..., _Model], named: ModelName, names: ModelNames, device: str, advice: str = "") -> _Model:
    from explain.models.fast import prepared
    from explain.models.weights import WeightsError

    try:
        loaded: Any = load(named.name, device, named.weights, root=names.root, imports=named.name in names.may_import)
    except KeyError as error:
        raise ModelsUnavailable(f"{_text(error)}.{advice}" if advice else _text(error)) from error
    except WeightsError as error:
        raise ModelsUnavailable(_text(error)) from error
    if named.sha256 not in ("", loaded.weights_sha256):
        raise ModelsUnavailable(
            f"{loaded.weights_file} of {named.name} on {platform.node()} is another file than where the work began: "
            "give all workers the same weights."
        )
    ready: _Model = replace(loaded, module=prepared(loaded.module))
    return ready


def torch_here() -> Any:
    """The module torch; ModelsUnavailable where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise ModelsUnavailable(
            f"This command needs torch, which the web tier does not install: {how_to_install('explain')}."
        ) from error
    return torch


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)
