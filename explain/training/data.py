"""Images to train on: from a folder, a manifest or a TorchXRayVision data set, decoded once.

Every image goes the way it goes in a study (explain.images): centre square, one size, black -1024 and white 1024.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.images.checks import ImageError
from explain.images.radiograph import read_radiograph
from explain.training.items import DataError, Item, digest_of, file_stamp
from explain.training.xrv_data import xrv_items

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
PARTS = ("training", "held-out", "positives", "negatives", "judged")  # PART-SIZE.npy in a training's folder
LEAST_IMAGES = 8  # fewer can be neither learned from nor measured on
_PRESENT, _ABSENT = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}
_NO_PATIENT = {"", "anonymous", "unknown", "na", "n/a", "nan", "none", "0"}  # nobody's id: not one patient


def read_file(path: Path, size: int) -> NDArray[np.float32]:
    """One PNG, JPEG or DICOM. ImageError, too, where it is smaller than the size: it would be blown up."""
    radiograph = read_radiograph(path)
    if radiograph.crop.size < size:
        what = f"its shorter side has {radiograph.crop.size} pixels, fewer than {size}"
        raise ImageError(path.name, what, "Leave it out, or train at a smaller --size")
    image: NDArray[np.float32] = radiograph.model_input(size)[0]
    return image


def items_of(source: str, *, images: Path | None = None, table: Path | None = None) -> list[Item]:
    """A folder of images, a manifest (.csv), or `xrv:NAME` with its images' folder and perhaps its table.

    Raises DataError where there is nothing to train on.
    """
    if source.startswith("xrv:"):
        found = xrv_items(source.removeprefix("xrv:"), images, table)
    elif Path(source).is_dir():
        manifest = Path(source) / "manifest.csv"
        found = _manifest_items(manifest) if manifest.is_file() else _folder_items(Path(source))
    elif Path(source).is_file() and Path(source).suffix.lower() == ".csv":
        found = _manifest_items(Path(source))
    else:
        raise DataError(f"{source} is no folder, no manifest (.csv) and no xrv:NAME: check the path")
    if len(found) < LEAST_IMAGES:
        raise DataError(f"{source} has {len(found)} images; at least {LEAST_IMAGES} are needed")
    return found


@dataclass(frozen=True)
class Images:
    """Decoded images on disk. pixels: (N, size, size) uint16, read as needed; 0 is black (-1024), 65535 white."""

    items: list[Item]
    pixels: NDArray[np.uint16]

    def batch(self, chosen: Sequence[int] | NDArray[Any]) -> NDArray[np.float32]:
        """float32 (n, 1, size, size) in [-1024, 1024]."""
        pixels: NDArray[np.uint16] = self.pixels[np.asarray(chosen)]
        return pixels[:, None].astype(np.float32) * np.float32(2048 / 65535) - 1024


def decoded(
    items: Sequence[Item],
    size: int,
    file: Path,
    progress: Callable[[int, int], object] = lambda done, of: None,
    skipped: Callable[[str], object] = lambda why: None,
    workers: int = 2,
) -> Images:
    """Read every image once, ahead of being written, into `file` (.npy); a finished file of the same is used again.

    skipped: is told of each image that cannot be used. Raises DataError when more than a tenth cannot (of a few images,
    more than three), or none is left; OSError. N images need 2 N size^2 bytes of disk, and no more memory than is read.
    """
    key = digest_of(items, size)
    list_file = file.with_suffix(".txt")
    if file.is_file() and list_file.is_file():
        first, *names = list_file.read_text("utf-8").split("\n")
        if first == key:
            by_name = {item.name: item for item in items}
            kept = [by_name[name] for name in names if name]
            return Images(kept, np.load(file, mmap_mode="r")[: len(kept)])
    file.parent.mkdir(parents=True, exist_ok=True)
    _require_room(file.parent, 2 * len(items) * size**2)
    kept = []
    new, new_list = file.with_suffix(".new.npy"), file.with_suffix(".new.txt")
    failures: list[str] = []
    pixels = np.lib.format.open_memmap(new, "w+", np.uint16, (len(items), size, size))
    try:
        for place, (item, found) in enumerate(_read_ahead(items, size, workers)):
            if isinstance(found, str):
                failures.append(found)
                skipped(found)
                _refuse_bad_source(failures, len(items))
            else:
                pixels[len(kept)] = found
                kept.append(item)
            progress(place + 1, len(items))
        if not kept:
            raise DataError(f"No image of a part can be used. The first: {failures[0]}")
        pixels.flush()
        list_file.unlink(missing_ok=True)  # killed from here on, neither old nor new pixels have a list
        new.replace(file)
        new_list.write_text("\n".join([key, *(item.name for item in kept)]), "utf-8")
        new_list.replace(list_file)
    finally:
        new.unlink(missing_ok=True)
        new_list.unlink(missing_ok=True)
    return Images(kept, np.load(file, mmap_mode="r")[: len(kept)])


def remove_decoded(folder: Path) -> None:
    """Delete what `decoded` left in a training's folder: the images, and lists of their names."""
    for part in PARTS:
        for pattern in (f"{part}-*.npy", f"{part}-*.txt"):
            for file in folder.glob(pattern):
                file.unlink(missing_ok=True)
    with suppress(OSError):  # a training's log and checkpoint are in it, a sweep's are not
        folder.rmdir()


def _require_room(folder: Path, need: int) -> None:
    """A memory-mapped file that meets a full disk would end the process with a signal."""
    if need > (free := shutil.disk_usage(folder).free):
        raise DataError(
            f"decoded images need {need / 1e6:,.0f} MB, and the disk of {folder} has {free / 1e6:,.0f} MB: make room, "
            "or take fewer images (--limit)"
        )


def _refuse_bad_source(failures: Sequence[str], count: int) -> None:
    if len(failures) > max(3, count / 10):
        raise DataError(f"{len(failures)} images cannot be used, over a tenth. The first: {failures[0]}")


def _read_ahead(items: Sequence[Item], size: int, workers: int) -> Iterator[tuple[Item, NDArray[np.uint16] | str]]:
    """Images in their order, decoded in threads a few dozen ahead; a sentence for one that cannot be read."""

    def read(item: Item) -> NDArray[np.uint16] | str:
        try:
            found = (item.read(size) + 1024) * (65535 / 2048)
            return np.round(found).clip(0, 65535).astype(np.uint16)
        except (ImageError, OSError, ValueError) as error:
            return str(error)

    with ThreadPoolExecutor(workers, "read") as pool:
        rest = iter(items)
        waiting = [(item, pool.submit(read, item)) for item in islice(rest, 16 * workers)]
        while waiting:
            item, future = waiting.pop(0)
            waiting += [(more, pool.submit(read, more)) for more in islice(rest, 1)]
            yield item, future.result()


def _folder_items(folder: Path) -> list[Item]:
    """Every image below a folder; nobody says whose they are."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise DataError(f"{folder} has no images ({', '.join(SUFFIXES)}), nor have folders in it")
    return [Item(path.relative_to(folder).as_posix(), _reader(path), stamp=file_stamp(path)) for path in paths]


def _reader(path: Path) -> Callable[[int], NDArray[np.float32]]:
    return lambda size: read_file(path, size)


def _manifest_items(manifest: Path) -> list[Item]:
    """docs/manifest.md: a row for each image and pathology. What this does not need is not looked at."""
    rows = _rows(manifest)
    found: dict[str, Item] = {}
    for number, row in rows:
        image = row.get("image", "").replace("\\", "/")
        if not image:
            raise DataError(f"{manifest.name}, row {number}: the column image is empty: write the image's path")
        path = manifest.parent / image
        before = found.get(image) or Item(image, _reader(path), stamp=file_stamp(path))
        patient = row.get("patient", "")
        patient = "" if patient.lower() in _NO_PATIENT else patient
        if before.patient and patient and patient != before.patient:
            raise DataError(f"{manifest.name}, row {number}: {image} has another patient in an earlier row")
        name, label = row.get("pathology", ""), row.get("label", "").lower()
        labels, masks = dict(before.labels), dict(before.masks)
        if name and label in _PRESENT | _ABSENT:
            labels[name] = label in _PRESENT
        mask = row.get("mask", "").replace("\\", "/")
        if name and mask.lower().endswith(".png"):
            masks[name] = manifest.parent / mask
        found[image] = Item(image, before.read, before.patient or patient, labels, masks, before.stamp)
    return list(found.values())


def _rows(manifest: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows with their numbers in a spreadsheet. Comma, semicolon or tab, UTF-8."""
    try:
        text = manifest.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{manifest} is not UTF-8: save it as “CSV UTF-8”") from error
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    if "image" not in (reader.fieldnames or ()):
        raise DataError(f"{manifest} has no column image: its first row must name the columns (docs/manifest.md)")
    rows = []
    for number, row in enumerate(reader, start=2):
        rows.append((number, {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}))
    return rows
