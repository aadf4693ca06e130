"""Write a model folder, which `explain.models` reads: safetensors, a config naming a known architecture, a card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from explain.models.folders import CARD, CONFIG, NAME, WEIGHTS
from explain.models.weights import file_sha256


def check_folder_name(folder: Path) -> None:
    """ValueError unless a model folder can have this name and be put there."""
    if not NAME.fullmatch(folder.resolve().name):
        raise ValueError(
            f"{folder.name!r} cannot be a model's name: use at most 80 small letters, digits, - and _, "
            "and begin with a letter or digit"
        )


def write_model_folder(folder: Path, module: nn.Module, config: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """Write config, weights and card; returns the SHA-256 of the weight file, which config and card hold too.

    config: what explain.models.folders describes, without the hash. Floating-point weights are kept as float32. Each
    file is replaced whole: the config, which makes the folder a model, is the last, and an interrupted call leaves what
    was there or nothing that can be loaded. Raises ValueError for a name that no model can have, OSError.
    """
    check_folder_name(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as place:
        new = Path(place)
        save_file(state, new / WEIGHTS)
        digest = file_sha256(new / WEIGHTS)
        _write_json(new / CARD, {"weights_sha256": digest, **card})
        _write_json(new / CONFIG, {**config, "weights_sha256": digest})
        (folder / CONFIG).unlink(missing_ok=True)  # old config and new weights would be refused by their hash
        for name in (WEIGHTS, CARD, CONFIG):
            (new / name).replace(folder / name)
    return digest


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    rounded = json.loads(json.dumps(content), parse_float=lambda text: float(f"{float(text):.6g}"))
    file.write_text(json.dumps(rounded, indent=1, allow_nan=False) + "\n", "utf-8")
