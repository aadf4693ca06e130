"""Manifest columns `name:something` that belong to apps above this one, wired by settings.MANIFEST_EXTENSIONS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from django.conf import settings
from django.db.models import Model

from explain.images.radiograph import Radiograph
from readerstudy.cases.models import Batch, Prediction

# Stores content under an opaque name on a model's file field (field, content, suffix, salt), and remembers the file, so
# that it is removed if the batch is not loaded after all.
Save = Callable[[Any, bytes, str, str], str]


# Name of a kind -> its title and its text for readers, given with the batch.
Texts = Mapping[str, tuple[str, str]]


class Extension(Protocol):
    """What the module named in the setting offers. `kind` is the part of the column's name after the colon."""

    def problem_with(self, kind: str) -> str:
        """Why there is no such column, and which there are; empty if there is."""
        ...

    def news(self, kind: str) -> str:
        """What to warn of before such a column is loaded; empty if there is nothing."""
        ...

    def form(self, kind: str, content: bytes, seen: dict[str, str]) -> str:
        """As what a file is to be decoded; nothing is decoded here. seen: kept by the caller for all files of one
        source."""
        ...

    def decode(self, form: str, content: bytes, where: str, shape: tuple[int, int]) -> np.ndarray:
        """What `store` gets of the file: it is decoded here once, and kept until the load. shape: rows and columns of
        the radiograph. Raises ImageError for a file that `store` cannot use."""
        ...

    def store(
        self,
        kind: str,
        content: bytes,
        decoded: np.ndarray,
        prediction: Prediction,
        radiograph: Radiograph,
        save: Save,
    ) -> Iterable[Model]:
        """Write the files of one cell by `save`; returns unsaved rows, each after those it refers to. content: the
        file's bytes, for what identifies them only."""
        ...

    def loaded(self, batch: Batch, kinds: Iterable[str], texts: Texts) -> None:
        """Called once, in the transaction that has saved the rows of a batch, with the kinds that it has files of."""
        ...


def extension(column: str) -> Extension | None:
    """Who reads this column; None for a column no extension knows."""
    prefix, colon, _ = column.partition(":")
    path = settings.MANIFEST_EXTENSIONS.get(prefix) if colon else None
    return cast(Extension, import_module(path)) if path else None


def kind_of(column: str) -> str:
    return column.partition(":")[2]


def column_problem(column: str) -> str:
    """Why an unknown column is refused; empty when an extension knows it."""
    found = extension(column)
    return found.problem_with(kind_of(column)) if found else "there is no such column"
