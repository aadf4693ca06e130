"""Where images, labels and masks come from: a folder with an annotation file, or a TorchXRayVision data set."""

from __future__ import annotations

import csv
import inspect
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import eq
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from explain.evaluate.annotations import READERS, Annotation
from explain.evaluate.annotations.read import rows_of
from explain.evaluate.annotations.runs import SIIM_SIDE, from_relative
from explain.evaluate.localisation import mask_to_model_frame
from explain.images.checks import ImageError
from explain.images.radiograph import MODEL_SIZE, center_crop, read_radiograph, resize

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm")
_IDS = ("Image Index", "ImageId", "ImageID", "dicom_id", "image_id", "patientId", "filename", "Path", "image")
_PATIENT = re.compile(r"patient\d+(?=_)|(?<!\d)\d{8}(?=_\d{3}$)")  # in names of CheXpert's files, and of NIH's
_SIIM = " EncodedPixels"


@dataclass(frozen=True)
class Problem:
    """What was left out. where: the file and row, or the image; what: a sentence."""

    where: str
    what: str


class Source(Protocol):
    """images: their names, sorted. labels: task -> image -> whether it is there, as far as it is known. masked: task ->
    images with a mask. patients: image -> patient, where known. problems: what could not be used when the source was
    opened."""

    images: list[str]
    labels: dict[str, dict[str, bool]]
    masked: dict[str, list[str]]
    patients: dict[str, str]
    problems: list[Problem]

    def pixels(self, image: str) -> np.ndarray:
        """float32 (224, 224) in [-1024, 1024], as the model sees it. ImageError if it cannot be read."""

    def mask(self, image: str, task: str) -> np.ndarray:
        """bool (224, 224) in the model's field of view. ValueError if nothing of it is inside."""


@dataclass
class Folder:
    """PNG, JPEG or DICOM files below a folder. An annotation names an image by its file name, suffix or not, with or
    without all folders before it, joined by / or _. A name that several files have is used for none of them."""

    folder: Path
    images: list[str] = field(default_factory=list)
    labels: dict[str, dict[str, bool]] = field(default_factory=dict)
    masked: dict[str, list[str]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _paths: dict[str, Path] = field(default_factory=dict)
    _called: dict[str, list[Path]] = field(default_factory=dict)
    _names: dict[Path, str] = field(default_factory=dict)
    _regions: dict[tuple[str, str], list[Annotation]] = field(default_factory=dict)
    _file: str = ""

    def find_images(self) -> None:
        """Each file is called by its stem and by the folders with it; its name in `images` is the first that is its
        alone. Raises ValueError where there is no image."""
        names: dict[Path, tuple[str, str]] = {}
        for file in sorted(self.folder.rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                parts = file.relative_to(self.folder).with_suffix("").parts
                names[file] = parts[-1], "_".join(parts)
                for name in set(names[file]):
                    self._called.setdefault(name, []).append(file)
        if not names:
            raise ValueError(f"there is no image ({', '.join(SUFFIXES)}) in {self.folder}")
        for file, both in names.items():
            if own := next((name for name in both if len(self._called[name]) == 1), None):
                self._paths[own], self._names[file] = file, own
        self.images = sorted(self._paths)
        named = {own: _PATIENT.search(names[file][1]) for own, file in self._paths.items()}
        self.patients = {own: found[0] for own, found in named.items() if found}

    def named(self, image: str) -> str | None:
        """The name in `images` of what a table calls so; None where no file or several are called so."""
        files = self._files(image)
        return self._names.get(files[0]) if len(files) == 1 else None

    def why_not(self, image: str) -> str:
        """Why `named` gives None, in words."""
        files = self._files(image)
        if not files:
            return f"no image is called {image}"
        some = " and ".join(file.relative_to(self.folder).as_posix() for file in files[:2])
        return f"{len(files)} images are called {image}, as {some}: none is used"

    def _files(self, image: str) -> list[Path]:
        """Those called so; where both name folders, they are the same."""
        path = Path(image)
        parts = (path.with_suffix("") if path.suffix.lower() in SUFFIXES else path).parts
        name = next((name for n in range(len(parts)) if (name := "_".join(parts[n:])) in self._called), "")

        def alike(file: Path) -> bool:
            own = file.relative_to(self.folder).with_suffix("").parts
            return "_".join(own) == name or all(map(eq, reversed(parts), reversed(own)))

        return [file for file in self._called.get(name, []) if alike(file)]

    def pixels(self, image: str) -> np.ndarray:
        found: np.ndarray = read_radiograph(self._paths[image]).model_input()[0]
        return found

    def mask(self, image: str, task: str) -> np.ndarray:
        radiograph = read_radiograph(self._paths[image])
        height, width = radiograph.pixels.shape
        regions = self._regions[image, task]
        whole = np.zeros((height, width), bool)
        for region in regions:
            whole |= region.shape.draw(height, width)
        inside = mask_to_model_frame(whole, radiograph.crop)
        if not inside.any():
            rows = ", ".join(str(region.row) for region in regions)
            raise ValueError(f"{self._file}, row {rows}: the mask lies outside the crop that the model sees")
        return inside


def open_folder(folder: Path, annotations: tuple[str, Path], labels: Path | None = None) -> Folder:
    """The images below a folder with an annotation file (name of its reader, path) and a table of labels, if any.

    labels: CSV with a column `image`, one `patient` if wanted, and one a task, 1 there, 0 not, empty unknown. Raises
    ValueError in words for a folder without images and files of another form.
    """
    name, path = annotations
    if name not in READERS:
        raise ValueError(f"no annotations are called {name!r}; there are {', '.join(READERS)}")
    source = Folder(folder, _file=path.name)
    source.find_images()
    read = READERS[name](path)
    source.problems += [Problem(f"{path.name}, row {row}", what) for row, what in read.problems]
    for task, known in read.labels.items():
        source.labels[task] = {own: there for image, there in known.items() if (own := source.named(image))}
    if labels is not None:
        _add_labels(source, labels)
    for each in read.annotations:
        image = source.named(each.image)
        if image is None:
            source.problems.append(Problem(f"{path.name}, row {each.row}", source.why_not(each.image)))
        elif source.labels[each.task].get(image) is False:
            source.problems.append(
                Problem(f"{path.name}, row {each.row}", f"{each.image} is labelled as without {each.task}")
            )
        else:
            source._regions.setdefault((image, each.task), []).append(each)
    for image, task in source._regions:
        source.masked.setdefault(task, []).append(image)
    return source


def _add_labels(source: Folder, path: Path) -> None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    tasks = [name for name in header if name not in ("image", "patient", "")]
    if "patient" in header:
        told = {source.named(image): patient for _, (image, patient) in rows_of(path, ("image", "patient")) if patient}
        source.patients |= {name: patient for name, patient in told.items() if name}
    for row, (image, *values) in rows_of(path, ("image", *tasks)):
        name = source.named(image)
        if name is None and source._files(image):
            source.problems.append(Problem(f"{path.name}, row {row}", source.why_not(image)))
        for task, value in zip(tasks, values, strict=True):
            if value not in ("0", "1", "0.0", "1.0", ""):
                source.problems.append(Problem(f"{path.name}, row {row}", f"{task} is {value!r}, neither 0 nor 1"))
            elif value and name:
                source.labels.setdefault(task, {})[name] = float(value) == 1


class XrvImages:
    """A TorchXRayVision data set, opened with its masks."""

    def __init__(self, name: str, folder: Path, csv: Path | None = None, views: Sequence[str] = ("PA", "AP")) -> None:
        self.data_set = _open(name, folder, csv, views)
        table = self.data_set.csv
        column = next((each for each in _IDS if each in table), None)
        names = [str(place) for place in range(len(table))] if column is None else [str(each) for each in table[column]]
        self._places: dict[str, list[int]] = {}
        for place, image in enumerate(names):
            self._places.setdefault(image, []).append(place)
        self.images, self.problems = sorted(self._places), list[Problem]()
        patients = map(str, table["patientid"]) if "patientid" in table else names
        self.patients = dict(zip(names, patients, strict=True))
        self.labels: dict[str, dict[str, bool]] = {}
        self.masked: dict[str, list[str]] = {}
        marked = table["has_masks"].to_numpy() if "has_masks" in table else np.ones(len(table), bool)
        for column_number, task in enumerate(self.data_set.pathologies):
            for image, places in self._places.items():
                values = [self.data_set.labels[place][column_number] for place in places]
                if not all(value in (0, 1) for value in values):
                    continue
                self.labels.setdefault(task, {})[image] = any(values)
                if any(values) and any(marked[place] for place in places):
                    self.masked.setdefault(task, []).append(image)
        self._kept: tuple[str, list[dict[str, Any]]] | None = None

    def pixels(self, image: str) -> np.ndarray:
        whole = np.asarray(self._samples(image)[0]["img"], np.float32)[0]
        x, y, size = center_crop(*whole.shape)
        return resize(np.ascontiguousarray(whole[y : y + size, x : x + size]), MODEL_SIZE)

    def mask(self, image: str, task: str) -> np.ndarray:
        index, whole = list(self.data_set.pathologies).index(task), None
        for place, sample in zip(self._places[image], self._samples(image), strict=True):
            found = sample.get("pathology_masks", {}).get(index)
            if found is not None:
                drawn = self._region(place, np.asarray(sample["img"]).shape[1:], np.asarray(found)[0] > 0)
                whole = drawn if whole is None else whole | drawn
        if whole is None or not whole.any():
            raise ValueError(f"{image}: the data set has no mask of {task}")
        inside = mask_to_model_frame(whole, center_crop(*whole.shape))
        if not inside.any():
            raise ValueError(f"{image}: the mask of {task} lies outside the crop that the model sees")
        return inside

    def _region(self, place: int, shape: tuple[int, ...], drawn: np.ndarray) -> np.ndarray:
        """What the table's row marks. Of SIIM's rows of one image, TorchXRayVision (1.5.7) draws the last for each."""
        encoded = self.data_set.csv[_SIIM].iloc[place] if _SIIM in self.data_set.csv else "-1"
        if encoded == "-1":
            return drawn
        height, width = shape
        return from_relative([int(word) for word in encoded.split()], SIIM_SIDE, SIIM_SIDE).draw(height, width)

    def _samples(self, image: str) -> list[dict[str, Any]]:
        """The image's items; of a table with a row for each annotation there may be several."""
        if self._kept is None or self._kept[0] != image:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._kept = (image, [self.data_set[place] for place in self._places[image]])
            except Exception as error:  # a missing file is a KeyError here and an OSError there
                raise ImageError(
                    image, "TorchXRayVision cannot read the image", "Check that the file is there"
                ) from error
        return self._kept[1]


def _open(name: str, folder: Path, csv: Path | None, views: Sequence[str]) -> Any:
    import torchxrayvision as xrv

    xrv.datasets._cache_dict.clear()  # it remembers the files of the folder that was opened first
    classes: dict[str, Any] = {
        key.removesuffix("_Dataset"): value
        for key, value in vars(xrv.datasets).items()
        if inspect.isclass(value)
        and issubclass(value, xrv.datasets.Dataset)
        and "imgpath" in inspect.signature(value).parameters
    }
    if name not in classes:
        raise ValueError(f"TorchXRayVision has no data set {name!r}; there are {', '.join(sorted(classes))}")
    wanted = {"unique_patients": False, "pathology_masks": True, "views": list(views), "csvpath": csv and str(csv)}
    if next(folder.glob("*.dcm"), None):
        wanted["extension"] = ".dcm"
    known = inspect.signature(classes[name]).parameters
    try:
        return classes[name](
            str(folder), **{key: value for key, value in wanted.items() if key in known and value is not None}
        )
    except Exception as error:  # each data set reads its own tables in its own way
        raise ValueError(f"TorchXRayVision cannot open {name} in {folder}: {error}") from error
