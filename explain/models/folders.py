"""Models kept as folders below one root: `NAME/config.json` and `NAME/model.safetensors`. Reading them runs no code.

config.json names an architecture that `explain.models.architectures` knows, so that nothing is imported or unpickled:

    {"architecture": "xrv-densenet121", "pathologies": ["Effusion", ""], "input_size": 224,
     "op_threshs": [0.4, null], "autoencoder": "xrv-resnetae-101-elastic", "weights_sha256": "..."}

pathologies: one name for each output, "" where an output means nothing. op_threshs: the operating point of each output
before calibration, null for none; left out: outputs are calibrated already. input_size: pixels a side. autoencoder: the
name of the one for Latent Shift, or left out. weights_sha256: when given, the weight file must have this hash.
The config of an autoencoder or a map generator has `architecture`, and perhaps `input_size`, `weights_sha256` and
`options`: whole numbers by name, which decide the network's shape. A map generator's `pathologies` are the findings
that it was trained on; it is shown for no other, and without them for any.

What `explain.training` makes also holds a card, `card.json`: figures for people, which loading does not read.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "card.json"
# Which architectures are autoencoders or map generators, said without torch; explain.models.architectures builds them.
AUTOENCODER_ARCHITECTURES = frozenset({"xrv-resnetae-101", "demo-autoencoder", "resnet-autoencoder"})
GENERATOR_ARCHITECTURES = frozenset({"map-generator"})
_KEYS = {"architecture", "pathologies", "input_size", "op_threshs", "autoencoder", "weights_sha256", "options"}
_MAX_CONFIG_BYTES = 2**20


class ModelFolderError(ValueError):
    """A model folder cannot be used; the message names the folder, what is wrong and what to do."""


@dataclass(frozen=True)
class ModelFolder:
    """What a folder's config says, checked. weights_sha256 is "" where the config gives none."""

    path: Path
    architecture: str
    pathologies: tuple[str, ...] = ()
    input_size: int = 224
    op_threshs: tuple[float | None, ...] | None = None
    autoencoder: str | None = None
    weights_sha256: str = ""
    options: Mapping[str, int] = field(default_factory=dict)

    @property
    def weights(self) -> Path:
        return self.path / WEIGHTS


def folder_names(root: Path | None) -> list[str]:
    """Names of the model folders below `root`, sorted; [] without a root. Whether each can be used, reading tells."""
    if root is None or not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if NAME.fullmatch(path.name) and (path / CONFIG).is_file())


def read_folder(root: Path, name: str) -> ModelFolder:
    """Raises ModelFolderError; KeyError for a name that no folder directly below `root` has."""
    path = root / name
    if not NAME.fullmatch(name) or not (path / CONFIG).is_file():
        raise KeyError(f"no model folder is called {name!r}")
    for file in (path / CONFIG, path / WEIGHTS):
        if file.exists() and not file.resolve().is_relative_to(root.resolve()):
            raise ModelFolderError(f"{file} leads outside {root}: put the file itself there")
    return _checked(path, _read_config(path / CONFIG))


def read_folder_at(path: Path) -> ModelFolder:
    """The model folder at a path that a person gave. Raises ModelFolderError."""
    path = path.resolve()
    if not (path / CONFIG).is_file():
        raise ModelFolderError(f"{path} is no model folder: it has no {CONFIG}")
    if not NAME.fullmatch(path.name):
        raise ModelFolderError(f"{path.name!r} cannot be a model's name: use small letters, digits, - and _")
    return read_folder(path.parent, path.name)


def is_path(name: str) -> bool:
    """Whether a person names a folder by its path: models' names have no "/"."""
    return "/" in name or os.sep in name


def model_name(name: str) -> str:
    """A model's name; of a folder given by its path, the folder's."""
    return Path(name).resolve().name if is_path(name) else name


def autoencoder_folders(root: Path | None) -> dict[str, ModelFolder]:
    """The autoencoders' folders below `root` by name. Those that cannot be read are left out; loading says why."""
    return _folders_of(AUTOENCODER_ARCHITECTURES, root)


def generator_folders(root: Path | None) -> dict[str, ModelFolder]:
    """The map generators' folders, as `autoencoder_folders`."""
    return _folders_of(GENERATOR_ARCHITECTURES, root)


def _folders_of(architectures: frozenset[str], root: Path | None) -> dict[str, ModelFolder]:
    found = {}
    for name in folder_names(root):
        try:
            folder = read_folder(root or Path(), name)
        except ModelFolderError:
            continue
        if folder.architecture in architectures:
            found[name] = folder
    return found


def _read_config(file: Path) -> Mapping[str, Any]:
    if file.stat().st_size > _MAX_CONFIG_BYTES:
        raise ModelFolderError(f"{file} is over {_MAX_CONFIG_BYTES} bytes, which no model's config is")
    try:
        config = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{file} is no JSON ({error}): write the model folder again") from error
    if not isinstance(config, dict):
        raise ModelFolderError(f"{file} is no JSON object: write the model folder again")
    return config


def _checked(path: Path, config: Mapping[str, Any]) -> ModelFolder:
    def wrong(key: str, needed: str) -> ModelFolderError:
        return ModelFolderError(f"{path / CONFIG}: {key!r} must be {needed}, not {config.get(key)!r:.80}")

    unknown = sorted(set(config) - _KEYS)
    if unknown:
        raise ModelFolderError(f"{path / CONFIG}: unknown {', '.join(unknown)}; there are {', '.join(sorted(_KEYS))}")
    names, size = config.get("pathologies", []), config.get("input_size", 224)
    threshs, partner = config.get("op_threshs"), config.get("autoencoder")
    if not isinstance(config.get("architecture"), str):
        raise wrong("architecture", "the name of a known architecture")
    if not isinstance(names, list) or not all(isinstance(name, str) and len(name) <= 80 for name in names):
        raise wrong("pathologies", "a list of names of at most 80 characters")
    if type(size) is not int or not 16 <= size <= 4096:
        raise wrong("input_size", "a whole number from 16 to 4096")
    if threshs is not None and not (
        isinstance(threshs, list) and len(threshs) == len(names) and all(map(_is_threshold, threshs))
    ):
        raise wrong("op_threshs", "one number between 0 and 1, or null, for each pathology")
    if partner is not None and not (isinstance(partner, str) and NAME.fullmatch(partner)):
        raise wrong("autoencoder", "the name of a known autoencoder")
    digest = config.get("weights_sha256", "")
    if not isinstance(digest, str) or not re.fullmatch(r"([0-9a-f]{64})?", digest):
        raise wrong("weights_sha256", "64 hexadecimal digits")
    options = config.get("options", {})
    if not isinstance(options, dict) or not all(
        type(value) is int and 0 <= value < 2**31 for value in options.values()
    ):
        raise wrong("options", "whole numbers by name")
    threshs = None if threshs is None else tuple(threshs)
    return ModelFolder(path, config["architecture"], tuple(names), size, threshs, partner, digest, options)


def _is_threshold(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 < value < 1)
