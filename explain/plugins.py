"""What installed packages add to a registry, by entry points. Torch is not imported here.

A package that cannot be used spoils nothing: it is left out, and `Registry.broken` says which one and why.
"""

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from explain.errors import said


class Named(Protocol):
    """What a registry holds: something with a name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Name -> entry: our own first, then those of installed packages, which are looked for at first use.

    An entry point `anything = package.module:OBJECT` of the group, or of one of the groups, names one entry or a tuple
    or list of them. None takes over a name that is there already; the same one twice is no clash.
    `fits(entry, entries so far)` raises ValueError for one that cannot stand beside the others.
    """

    def __init__(
        self,
        ours: Iterable[Entry],
        group: str | tuple[str, ...],
        entry_type: type[Entry],
        fits: Callable[[Entry, Mapping[str, Entry]], None] = lambda entry, others: None,
    ) -> None:
        self.groups = (group,) if isinstance(group, str) else group
        self._type, self._fits = entry_type, fits
        self._ours = {entry.name: entry for entry in ours}

    def __getitem__(self, name: str) -> Entry:
        return self._found[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found[0])

    def __len__(self) -> int:
        return len(self._found[0])

    @property
    def broken(self) -> tuple[str, ...]:
        """A sentence for each entry point that could not be used."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[dict[str, Entry], tuple[str, ...]]:
        entries, broken = dict(self._ours), []
        points = [point for group in self.groups for point in importlib.metadata.entry_points(group=group)]
        for point in points:
            try:
                for entry in self.read(point):
                    if entry.name in entries:
                        if entries[entry.name] != entry:
                            raise ValueError(self.clash(entry.name))
                        continue
                    self._fits(entry, entries)
                    entries[entry.name] = entry
            except Exception as error:  # a package may fail in any way when it is imported
                broken.append(f"{package_of(point)}: {point.group} {point.value}: {said(error)}")
        return entries, tuple(broken)

    def clash(self, name: str) -> str:
        """What is said of a name that another entry has."""
        return f"the name {name} is taken"

    def read(self, point: importlib.metadata.EntryPoint) -> list[Entry]:
        """The entries that an entry point names. It may raise anything."""
        loaded = point.load()
        entries = list(loaded) if isinstance(loaded, tuple | list) else [loaded]
        for entry in entries:
            if not isinstance(entry, self._type):
                raise TypeError(f"{point.attr} is of the type {type(entry).__name__}, not {self._type.__name__}")
        return entries


def package_of(point: importlib.metadata.EntryPoint) -> str:
    """Name and version of the package whose entry point it is."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an installed package"
