"""The models that can be explained: a name -> a classifier or an autoencoder, with its weight file and hash.

Names: TorchXRayVision's DenseNets (`xrv-densenet121-all` ...) and autoencoder (`xrv-resnetae-101-elastic`), the small
`demo` pair trained on synthetic X-rays, an entry point of an installed package (known.py), a folder below a model root
(folders.py), or the dotted path of a module class that is made without arguments, e.g.
`torchxrayvision.baseline_models.jfhealthcare.DenseNet`. A dotted path is imported: take it from the person at the
command line or from settings, never from data; with imports=False there are the other names only. So it is with the
path of a model folder that lies elsewhere, which has a "/" in it.

A classifier maps (N, 1, H, W) float32 in [-1024, 1024] to (N, K) probabilities, calibrated where thresholds are known
so that 0.5 is the operating point. An autoencoder has `encode(x)` and `decode(z, size)` with size = (H, W).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explain.models.architectures import AUTOENCODERS, CLASSIFIERS, Build
from explain.models.demo_pair import AUTOENCODER_FILE, CLASSIFIER_FILE, DEMO_FOLDER, DemoAutoencoder, DemoClassifier
from explain.models.folders import (
    ModelFolder,
    ModelFolderError,
    folder_names,
    is_path,
    model_name,
    read_folder,
    read_folder_at,
)
from explain.models.imported import built, make_dotted, said_names, xrv_file
from explain.models.known import DEMO_AUTOENCODER, MODELS, XRV_AUTOENCODER, XRV_DENSENETS
from explain.models.weights import WeightsError, file_sha256, load_state


@dataclass(frozen=True)
class LoadedClassifier:
    """A classifier ready to explain.

    pathologies: the name of each output column, "" where a column means nothing for these weights. weights_file: the
    file's name; weights_sha256: its hash. input_size: pixels a side of the images it is given (it may resize them
    itself). autoencoder: the name of the one that goes with it for Latent Shift, or None.
    """

    name: str
    module: nn.Module
    pathologies: tuple[str, ...]
    weights_file: str
    weights_sha256: str
    input_size: int
    autoencoder: str | None

    def target(self, pathology: str) -> int:
        """The output column of a pathology; KeyError in words if the model does not predict it."""
        if not pathology or pathology not in self.pathologies:
            known = ", ".join(name for name in self.pathologies if name)
            raise KeyError(f"{self.name} does not predict {pathology!r}; it predicts {known}")
        return self.pathologies.index(pathology)


@dataclass(frozen=True)
class LoadedAutoencoder:
    """An autoencoder ready to explain with: `module.encode(x)`, `module.decode(z, (H, W))`."""

    name: str
    module: nn.Module
    weights_file: str
    weights_sha256: str
    input_size: int


@dataclass(frozen=True)
class Made:
    """A module with its weights in it, and where they came from."""

    module: nn.Module
    path: Path
    pathologies: tuple[str, ...] = ()
    input_size: int = 224
    autoencoder: str | None = XRV_AUTOENCODER


def classifier_names(root: Path | None = None) -> list[str]:
    """The classifiers known by name, folders below `root` included (a dotted path is the other way to name one)."""
    return list(_classifiers(root))


def autoencoder_names(root: Path | None = None) -> list[str]:
    """The autoencoders known by name."""
    return list(_autoencoders(root))


def load_classifier(
    name: str,
    device: str | torch.device = "cpu",
    weights: str | Path | None = None,
    *,
    root: Path | None = None,
    imports: bool = True,
) -> LoadedClassifier:
    """Load a classifier in evaluation mode.

    weights: a file to use instead of the model's own (safetensors, a saved state_dict, a TorchXRayVision checkpoint).
    root: where model folders are. imports: whether `name` may be a dotted path, which runs code.
    Raises WeightsError if weights are missing or do not fit; KeyError if nothing has that name.
    """
    known = _classifiers(root)
    make = known.get(name) or at_path(name, CLASSIFIERS, imports)
    make = make or _dotted(name, _make_dotted_classifier, list(known), imports)
    made = make(Path(weights) if weights else None)
    module = settled(made.module, device)
    return LoadedClassifier(
        model_name(name),
        module,
        made.pathologies,
        made.path.name,
        file_sha256(made.path),
        made.input_size,
        made.autoencoder,
    )


def load_autoencoder(
    name: str,
    device: str | torch.device = "cpu",
    weights: str | Path | None = None,
    *,
    root: Path | None = None,
    imports: bool = True,
) -> LoadedAutoencoder:
    """Load an autoencoder in evaluation mode. Arguments and errors as `load_classifier`."""
    known = _autoencoders(root)
    make = known.get(name) or at_path(name, AUTOENCODERS, imports)
    make = make or _dotted(name, _make_dotted_autoencoder, list(known), imports)
    made = make(Path(weights) if weights else None)
    return LoadedAutoencoder(
        model_name(name), settled(made.module, device), made.path.name, file_sha256(made.path), made.input_size
    )


_Make = Callable[[Path | None], Made]


def _classifiers(root: Path | None = None) -> dict[str, _Make]:
    """Later entries win: neither a folder nor a package takes over a name of ours."""
    densenets = {name: partial(_make_xrv_densenet, which) for name, which in XRV_DENSENETS.items()}
    theirs = installed("classifier", _make_dotted_classifier)
    return {**in_folders(root, CLASSIFIERS), **theirs, **densenets, "demo": _make_demo_classifier}


def _autoencoders(root: Path | None = None) -> dict[str, _Make]:
    theirs = installed("autoencoder", _make_dotted_autoencoder)
    ours = {XRV_AUTOENCODER: _make_xrv_autoencoder, DEMO_AUTOENCODER: _make_demo_autoencoder}
    return {**in_folders(root, AUTOENCODERS), **theirs, **ours}


def installed(sort: str, make: Callable[[str, Path | None], Made]) -> dict[str, _Make]:
    """The models of one sort that installed packages offer; loading one as what it is not is refused in words."""
    return {name: partial(make, model.path) for name, model in MODELS[sort].items() if model.path}


def _dotted(name: str, make: Callable[[str, Path | None], Made], known: list[str], imports: bool) -> _Make:
    if "." not in name:
        more = ", or give package.module.Class" if imports else ""
        raise KeyError(f"no model is called {name!r}; there are {', '.join(known)}{more}")
    if not imports:
        raise KeyError(f"{name!r} is no known model and data do not choose what is imported; known: {', '.join(known)}")
    return partial(make, name)


def in_folders(root: Path | None, architectures: dict[str, Build]) -> dict[str, _Make]:
    """The model folders below `root`; each is read when it is loaded, so that a broken one spoils no other."""
    if root is None:
        return {}
    return {name: partial(_make_folder, partial(read_folder, root, name), architectures) for name in folder_names(root)}


def at_path(name: str, architectures: dict[str, Build], imports: bool) -> _Make | None:
    """Of a model folder given by its path; None for a name without "/"."""
    if not is_path(name):
        return None
    if not imports:
        raise KeyError(f"{name!r} is a path, and data do not choose what is read: put the folder below the model root")
    return partial(_make_folder, lambda: read_folder_at(Path(name)), architectures)


def _make_folder(read: Callable[[], ModelFolder], architectures: dict[str, Build], weights: Path | None) -> Made:
    try:
        folder = read()
    except ModelFolderError as error:
        raise WeightsError(str(error)) from error
    build = architectures.get(folder.architecture)
    if build is None:
        known = ", ".join(architectures)
        raise WeightsError(f"{folder.path}: no architecture {folder.architecture!r} is known here; there are {known}")
    path = weights or folder.weights
    if not weights and folder.weights_sha256 and path.is_file() and file_sha256(path) != folder.weights_sha256:
        raise WeightsError(f"{path} is not the file its config names by hash: copy the model folder again")
    module = build(folder)
    # A saved network may carry its operating points; those of the config count.
    load_state(module, path, [], may_lack=frozenset({"op_threshs"}))
    return Made(module, path, folder.pathologies, folder.input_size, folder.autoencoder)


def settled(module: nn.Module, device: str | torch.device) -> nn.Module:
    """The module in evaluation mode on its device, without gradients for parameters, on that one device only."""
    for parent in list(module.modules()):
        for key, child in list(parent.named_children()):
            if isinstance(child, nn.DataParallel):  # would send CPU batches to the GPUs
                setattr(parent, key, child.module)
    return module.eval().requires_grad_(False).to(device)


def _make_xrv_densenet(which: str, weights: Path | None) -> Made:
    import torchxrayvision as xrv  # longer to import than torch: only where its models are wanted

    name = f"densenet121-res224-{which}"
    about = xrv.models.model_urls[name]
    if weights is None:
        module = built(lambda: xrv.models.DenseNet(weights=name), f"xrv-densenet121-{which}")
        path = Path(module.weights_filename_local)
    else:
        module, path = xrv.models.DenseNet(), weights
        module.op_threshs = torch.tensor(about["op_threshs"])
        module.targets = module.pathologies = about["labels"]
        load_state(module, path, _xrv_classes(), may_lack=frozenset({"op_threshs"}))
    return Made(module, path, tuple(about["labels"]), about["input_resolution"])


def _make_xrv_autoencoder(weights: Path | None) -> Made:
    import torchxrayvision as xrv

    if weights is None:
        module = built(lambda: xrv.autoencoders.ResNetAE(weights="101-elastic"), XRV_AUTOENCODER)
        return Made(module, xrv_file(module.weights_metadata["weights_url"]))
    module = xrv.autoencoders.ResNetAE101()
    module.weights = None  # its __repr__ needs it
    load_state(module, weights, _xrv_classes())
    return Made(module, weights)


def _xrv_classes() -> list[Any]:
    """What a network saved whole by TorchXRayVision is made of."""
    from torchxrayvision.models import DenseNet, _DenseBlock, _DenseLayer, _Transition

    own: list[Any] = [DenseNet, _DenseLayer, _DenseBlock, _Transition, set]
    return [*own, nn.Sequential, nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.Linear]


def _make_demo_classifier(weights: Path | None) -> Made:
    module, path = DemoClassifier(), weights or DEMO_FOLDER / CLASSIFIER_FILE
    load_state(module, path, [])
    return Made(module, path, tuple(module.pathologies), autoencoder="demo")


def _make_demo_autoencoder(weights: Path | None) -> Made:
    module, path = DemoAutoencoder(), weights or DEMO_FOLDER / AUTOENCODER_FILE
    load_state(module, path, [])
    return Made(module, path)


def _make_dotted_classifier(dotted: str, weights: Path | None) -> Made:
    module, path = make_dotted(dotted, weights)
    pathologies = said_names(module, dotted, "pathologies", "targets")
    if not pathologies:
        raise WeightsError(f"{dotted} does not say what it predicts: give it `pathologies`, one name for each output")
    size = int(getattr(module, "input_size", 0) or getattr(module, "input_resolution", 0) or 224)
    return Made(module, path, pathologies, size, XRV_AUTOENCODER if size == 224 else None)


def _make_dotted_autoencoder(dotted: str, weights: Path | None) -> Made:
    module, path = make_dotted(dotted, weights)
    if not (hasattr(module, "encode") and hasattr(module, "decode")):
        raise WeightsError(f"{dotted} is no autoencoder: it needs encode(x) and decode(z, size)")
    return Made(module, path, input_size=int(getattr(module, "input_size", 0) or 224))
