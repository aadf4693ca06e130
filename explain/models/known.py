"""The models that are known by name without a folder: ours, and those of installed packages. No torch here.

A package offers a model as an entry point `name = package.module:Class` of the group `explain.classifiers`,
`explain.autoencoders` or `explain.generators` (map generators). What stands in the group `explain.models` may be a
classifier or an autoencoder: only loading it tells. Nothing is imported before it is loaded, so that the web tier,
which may have no torch, knows these names too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint
from importlib.util import find_spec

from explain.plugins import Registry, package_of

# Name -> the weights that TorchXRayVision calls so, behind densenet121-res224-.
XRV_DENSENETS = {
    f"xrv-densenet121-{which}": which for which in ("all", "nih", "pc", "chex", "mimic_nb", "mimic_ch", "rsna")
}
XRV_AUTOENCODER, DEMO_AUTOENCODER = "xrv-resnetae-101-elastic", "demo"
_EITHER = "explain.models"


@dataclass(frozen=True)
class Model:
    """A model that can be chosen by name.

    about: whose it is, for people. path: "package.module.Class" of an installed one, "" for one of ours, which
    `explain.models.registry` makes.
    """

    name: str
    about: str = field(compare=False)
    path: str = ""


class _Models(Registry[Model]):
    """The models of one sort. An entry point is one model, called as the entry point is."""

    def __init__(self, sort: str, ours: tuple[Model, ...], *groups: str) -> None:
        super().__init__(ours, groups, Model)
        self._sort = sort

    def clash(self, name: str) -> str:
        return f"{name} is the name of {self._sort} already"

    def read(self, point: EntryPoint) -> list[Model]:
        if "/" in point.name or not point.name:
            raise ValueError(f"{point.name!r} is no name of a model: it has a / in it, as paths have")
        if not (point.attr or "").isidentifier():
            raise ValueError("a model is given as package.module:Class")
        _require(point.module)
        about = package_of(point) + (f", if it is {self._sort}" if point.group == _EITHER else "")
        return [Model(point.name, about, f"{point.module}.{point.attr}")]


def _require(module: str) -> None:
    """Raises ModuleNotFoundError for a module that is not there. It imports nothing, not even the package around it."""
    parts = module.split(".")
    spec = find_spec(parts[0])
    for depth in range(1, len(parts) + 1):
        if spec is None:
            raise ModuleNotFoundError(f"No module named {'.'.join(parts[:depth])!r}")
        if depth < len(parts):
            try:
                spec = PathFinder.find_spec(".".join(parts[: depth + 1]), list(spec.submodule_search_locations or ()))
            except KeyError:  # a folder without __init__.py, which Python finds only once the package is imported
                return


MODELS: Mapping[str, Registry[Model]] = {
    "classifier": _Models(
        "a classifier",
        (
            *(Model(name, "TorchXRayVision's") for name in XRV_DENSENETS),
            Model("demo", "the demo's, for synthetic X-rays"),
        ),
        "explain.classifiers",
        _EITHER,
    ),
    "autoencoder": _Models(
        "an autoencoder",
        (
            Model(XRV_AUTOENCODER, "TorchXRayVision's"),
            Model(DEMO_AUTOENCODER, "the demo's, for synthetic X-rays"),
        ),
        "explain.autoencoders",
        _EITHER,
    ),
    "generator": _Models("a map generator", (), "explain.generators"),
}
