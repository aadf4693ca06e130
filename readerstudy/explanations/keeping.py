"""Keeping explanations: files first, then the rows in one transaction, so that no row ever points at a half file."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from readerstudy.cases.models import Prediction, save_file
from readerstudy.common.version import software
from readerstudy.explanations.encoding import EncodedFile
from readerstudy.explanations.models import Explanation, ExplanationFile


@dataclass(frozen=True)
class Provenance:
    """How an explanation was made; the same for all of a kind in one run."""

    parameters: dict[str, Any]
    algorithm_version: int
    model: str
    weights_sha256: str
    autoencoder: str
    autoencoder_sha256: str
    device: str
    libraries: dict[str, str] = field(default_factory=dict)
    generator: str = ""
    generator_sha256: str = ""


def store(
    prediction: Prediction,
    kind: str,
    key: str,
    provenance: Provenance,
    *,
    files: list[EncodedFile] | None = None,
    map_npy: bytes = b"",
    record: dict[str, Any] | None = None,
    seconds: float | None = None,
    error: str = "",
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic,
) -> Explanation:
    """Insert or replace the explanation with this key; `error` records why there is none instead.

    File names are keyed hashes of content and row, so a repeat writes the same names. Runs in one transaction.
    """
    salt = f"{prediction.pk}:{kind}"
    explanation = Explanation(prediction=prediction, kind=kind, key=key)
    if map_npy:
        save_file(explanation.map, map_npy, ".npy", salt)
    rows = []
    for file in files or []:
        row = ExplanationFile(
            role=file.role,
            sha256=hashlib.sha256(file.content).hexdigest(),
            format=file.format,
            width=file.width,
            height=file.height,
        )
        save_file(row.file, file.content, file.suffix, salt)
        rows.append(row)
    values = {
        "status": Explanation.Status.FAILED if error else Explanation.Status.DONE,
        "error": error,
        "record": record or {},
        "seconds": seconds,
        "map": explanation.map.name or "",
        "parameters": provenance.parameters,
        "algorithm_version": provenance.algorithm_version,
        "model": provenance.model,
        "weights_sha256": provenance.weights_sha256,
        "autoencoder": provenance.autoencoder,
        "autoencoder_sha256": provenance.autoencoder_sha256,
        "generator": provenance.generator,
        "generator_sha256": provenance.generator_sha256,
        "device": provenance.device,
        "libraries": software() | provenance.libraries,
    }
    with writing():
        kept, _ = Explanation.objects.update_or_create(prediction=prediction, kind=kind, key=key, defaults=values)
        kept.files.all().delete()
        for row in rows:
            row.explanation = kept
        ExplanationFile.objects.bulk_create(rows)
    return kept
