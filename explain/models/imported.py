"""Modules whose class is imported, by a dotted path; and constructors that load their own weights, failures in words.

May not be given a path that data name: importing runs code.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from torch import nn

from explain.models.weights import WeightsError, load_state


def make_dotted(dotted: str, weights: Path | None) -> tuple[nn.Module, Path]:
    """An instance of a class by dotted path, with weights from `weights` or those its constructor loaded.

    A constructor that loads weights says from where by `weights_filename_local`, as TorchXRayVision's models do.
    """
    package, _, class_name = dotted.rpartition(".")
    try:
        model_class = getattr(importlib.import_module(package), class_name)
        backbone = importlib.import_module(_NEEDLESS_DOWNLOADS[dotted]) if dotted in _NEEDLESS_DOWNLOADS else None
    except (ImportError, AttributeError) as error:
        raise KeyError(f"no model is called {dotted!r}: {error}") from error
    if not (inspect.isclass(model_class) and issubclass(model_class, nn.Module)):
        raise KeyError(f"{dotted!r} is not the class of a torch module")
    with _no_download(backbone):
        module = built(model_class, dotted)
    if weights is not None:
        load_state(module, weights, [])
        return module, weights
    own = getattr(module, "weights_filename_local", None)
    if not own:
        raise WeightsError(f"{dotted} comes without weights, and random ones explain nothing: give a weight file")
    return module, Path(own)


def said_names(module: nn.Module, dotted: str, *attributes: str) -> tuple[str, ...]:
    """The findings that a module names in the first of these attributes that is not empty. Raises WeightsError."""
    for attribute in attributes:
        found = getattr(module, attribute, None)
        if isinstance(found, str) or not isinstance(found, Iterable | None):
            raise WeightsError(f"{dotted}: {attribute} is {found!r:.80}; give a list of names")
        if names := tuple(found or ()):
            return names
    return ()


# Its constructor first fetches ImageNet weights and then replaces every one of them by its own.
_JF = "torchxrayvision.baseline_models.jfhealthcare"
_NEEDLESS_DOWNLOADS = {
    f"{_JF}.DenseNet": f"{_JF}.model.backbone.densenet",
}


@contextmanager
def _no_download(backbone: Any) -> Iterator[None]:
    """Let a module's `model_zoo.load_url` give nothing for a while."""
    if backbone is None:
        yield
        return
    zoo, backbone.model_zoo = backbone.model_zoo, SimpleNamespace(load_url=lambda url: {})
    try:
        yield
    finally:
        backbone.model_zoo = zoo


def built(make: Callable[[], Any], name: str) -> Any:
    """Make a model whose constructor reads, and at first use downloads, its weights; failures in words."""
    try:
        return make()
    except OSError as error:  # also what the HTTP client raises
        request = getattr(error, "request", None)
        if request is None:
            raise WeightsError(f"the weights of {name} could not be read: {error}") from error
        raise WeightsError(
            f"the weights of {name} are not on this computer and could not be downloaded ({type(error).__name__}). "
            f"Where there is a network, fetch {request.url} and put it at {xrv_file(request.url)}"
        ) from error
    except Exception as error:
        raise WeightsError(f"{name} could not be made, its weight file may be incomplete: {error}") from error


def xrv_file(url: str) -> Path:
    """Where TorchXRayVision keeps the file of one of its download addresses."""
    from torchxrayvision.utils import get_cache_dir

    return Path(get_cache_dir()) / url.rpartition("/")[2]
