"""Weight files: read without running their code, hash, load strictly; every failure says which file and what to do."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from explain.models.digests import file_sha256 as file_sha256  # its users look for it beside load_state


class WeightsError(RuntimeError):
    """A model's weights are missing, unreadable or of another model. Nothing is ever replaced by random weights."""


def read_state(path: Path, safe_classes: list[Any]) -> dict[str, Tensor]:
    """The tensors of a weight file by name: safetensors, a saved state_dict, or a whole saved module.

    safe_classes: the classes a saved module may be made of. Loading runs no other code from the file.
    Raises WeightsError.
    """
    if not path.is_file():
        raise WeightsError(f"there is no weight file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(safe_classes):
            saved = torch.load(path, map_location="cpu", weights_only=True)
        if isinstance(saved, nn.Module):
            for module in saved.modules():  # modules saved before torch 1.6 lack this attribute
                module.__dict__.setdefault("_non_persistent_buffers_set", set())
            saved = saved.state_dict()
    except UnpicklingError as error:
        raise WeightsError(
            f"{path} holds more than weights, and loading it could run code: save the model's state_dict() instead"
        ) from error
    except Exception as error:  # damaged files fail in as many ways as there are formats
        raise WeightsError(f"{path} cannot be read as weights ({error}): it may be incomplete") from error
    if not isinstance(saved, dict) or not all(isinstance(value, Tensor) for value in saved.values()):
        raise WeightsError(f"{path} holds no state_dict (parameter name -> tensor)")
    return saved


def load_state(module: nn.Module, path: Path, safe_classes: list[Any], may_lack: frozenset[str] = frozenset()) -> None:
    """Load a weight file into a module; all must be there (but for `may_lack`) and fit. Raises WeightsError."""
    state = read_state(path, safe_classes)
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit {type(module).__name__}: {error}") from error
    needed = [key for key in missing if key not in may_lack and not key.endswith("num_batches_tracked")]
    wrong = [f"lacks {key}" for key in needed] + [f"has unknown {key}" for key in unexpected]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise WeightsError(f"{path} is not for {type(module).__name__}: it {', '.join(wrong[:3])}{more}")
