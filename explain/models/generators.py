"""Map generators by name: of an installed package, a folder below a model root, or a folder given by its path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from explain.models.architectures import GENERATORS
from explain.models.folders import generator_folders, model_name
from explain.models.imported import make_dotted, said_names
from explain.models.known import MODELS
from explain.models.registry import Made, at_path, in_folders, installed, settled
from explain.models.weights import file_sha256


@dataclass(frozen=True)
class LoadedGenerator:
    """A map generator ready to explain with: `module(x)` is M(x), both (N, 1, H, W) in units of [-1024, 1024].

    pathologies: the findings that its training images had; none where nobody said.
    """

    name: str
    module: nn.Module
    weights_file: str
    weights_sha256: str
    input_size: int
    pathologies: tuple[str, ...] = ()


def load_generator(
    name: str,
    device: str | torch.device = "cpu",
    weights: str | Path | None = None,
    *,
    root: Path | None = None,
    imports: bool = True,
) -> LoadedGenerator:
    """Load a map generator in evaluation mode. Arguments and errors as `explain.models.registry.load_classifier`."""
    known = {**in_folders(root, GENERATORS), **installed("generator", _make_installed)}
    make = known.get(name) or at_path(name, GENERATORS, imports)
    if make is None:
        names = ", ".join({**MODELS["generator"], **generator_folders(root)}) or "none"
        raise KeyError(f"no map generator is called {name!r}; of packages and below the model root there are: {names}")
    made = make(Path(weights) if weights else None)
    sha256 = file_sha256(made.path)
    module = settled(made.module, device)
    return LoadedGenerator(model_name(name), module, made.path.name, sha256, made.input_size, made.pathologies)


def _make_installed(dotted: str, weights: Path | None) -> Made:
    module, path = make_dotted(dotted, weights)
    size = int(getattr(module, "input_size", 0) or 224)
    return Made(module, path, said_names(module, dotted, "pathologies"), size)
