"""Small real batches on disk: images, manifests, ZIPs. Used by the tests of loading."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from readerstudy.cases.loading import staging, upload_check
from readerstudy.cases.loading.checking import Checked
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.staged import Staged
from tests.explain.image_files import encoded, greys

HEADER = ("image", "pathology", "label")


def manifest(rows: list[dict[str, Any]], separator: str = ",") -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = StringIO()
    writer = csv.DictWriter(file, columns, delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def png(seed: int = 0, height: int = 64, width: int = 72, bits: int = 8) -> bytes:
    return encoded(greys(height, width, bits, seed))


def mask_png(height: int = 64, width: int = 72) -> bytes:
    inside = np.zeros((height, width), np.uint8)
    inside[10:20, 30:50] = 255
    return encoded(inside)


def gif(frames: int = 4, side: int = 32) -> bytes:
    file = BytesIO()
    first, *others = [Image.fromarray(greys(side, side, seed=seed)) for seed in range(frames)]
    first.save(file, "GIF", save_all=True, append_images=others)
    return file.getvalue()


def make_batch(folder: Path, rows: list[dict[str, Any]], images: dict[str, bytes] | None = None) -> Path:
    """A folder with manifest.csv and its images; rows name images that are made unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(row["image"] for row in rows if row.get("image")))
    made = {name: png(seed) for seed, name in enumerate(names)}
    for name, content in (made | (images or {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "manifest.csv").write_text(manifest(rows))
    return folder


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def simple_rows(count: int = 4) -> list[dict[str, Any]]:
    return [{"image": f"{index}.png", "pathology": "Effusion", "label": index % 2} for index in range(count)]


def sent(archive: Path, batch: str = "ward", **stated: bool) -> Staged:
    """A ZIP as it lies on the server once it was uploaded and checked."""
    staged = staging.receive(SimpleUploadedFile("batch.zip", archive.read_bytes()), [], batch=batch, **stated)
    staging.check(staged)
    return staged


def check_here(staged: Staged, say: Any = lambda done, total: None, seconds: float | None = None) -> Any:
    """upload_check.check_apart without its process, which takes seconds to start: for tests of anything else."""
    found = upload_check.check(staged, lambda row, done, total: say(done, total))
    if "problems" in found:
        raise BatchRefused.from_rows(found["problems"])
    checked = upload_check.read_checked(staged)
    assert isinstance(checked, Checked)
    return checked, found["shown"]


def messages(error: BatchRefused) -> str:
    return "\n".join(map(str, error.problems))
