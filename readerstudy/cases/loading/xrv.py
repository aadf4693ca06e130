"""Cases of any TorchXRayVision data set, by its common interface: labels, views, patients, masks where it has them.

Needs torch, which is imported inside functions only: the command line uses this, web pages never do.
"""

from __future__ import annotations

import inspect
import warnings
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from explain.images.checks import ImageError, check_size
from explain.images.facts import age_years, or_unknown, sex, view
from explain.images.radiograph import Radiograph, ranged
from readerstudy.cases.loading.keeping import Kept, Mask, Picture
from readerstudy.cases.loading.problems import Problems, refuse
from readerstudy.cases.loading.records import OLDEST, CaseRecord, FindingRecord
from readerstudy.common.extras import how_to_install

# Where data sets keep the same fact: TorchXRayVision's common columns first, then those of single data sets.
_IDS = ("Image Index", "ImageId", "ImageID", "dicom_id", "image_id", "patientId", "filename", "Path", "image", "imgid")
_AGES = ("age_years", "PatientAge")
_SEXES = ("sex", "PatientSex")
_READ_REMEDY = "Check that the file is there, and whole; --only-present leaves out images that are not in the folder"
_MASK = "from the data set"  # any non-empty text: the finding may have a mask


def open_data_set(
    name: str,
    imgpath: Path | None,
    csvpath: Path | None,
    views: list[str],
    limit: int | None = None,
    *,
    only_present: bool = False,
) -> XrvSource:
    """The data set whose class in torchxrayvision.datasets is called `name` or starts with it: NIH, RSNA, SIIM ...

    only_present: of the table's images, those that are in the folder or below.
    Raises BatchRefused when there is no such class, or its files are not where it looks for them.
    """
    try:
        import torchxrayvision as xrv
    except ImportError:
        raise refuse("xrv: sources need torch and torchxrayvision", how_to_install("explain")) from None
    if imgpath is None or not imgpath.is_dir():
        raise refuse("the folder of the data set's images is missing", "Give it by --imgpath")
    cls = _data_set_class(xrv.datasets, name)
    wanted: dict[str, Any] = {"unique_patients": False, "pathology_masks": True, "views": views}
    if csvpath is not None:
        wanted["csvpath"] = str(csvpath)
    if next(imgpath.glob("*.dcm"), None):
        wanted["extension"] = ".dcm"
    known = inspect.signature(cls).parameters
    xrv.datasets._cache_dict.clear()  # it remembers the files of the folder that was opened first
    try:
        data_set = cls(str(imgpath), **{key: value for key, value in wanted.items() if key in known})
    except Exception as error:  # each data set reads its own tables in its own way
        text = f"TorchXRayVision cannot open {cls.__name__} ({type(error).__name__})"
        raise refuse(text, "Check --imgpath and --csvpath against its documentation") from error
    source = XrvSource(name, data_set, limit)
    if only_present:
        source.keep_present(imgpath)
    return source


def _data_set_class(module: Any, name: str) -> Any:
    classes = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, module.Dataset)
        and "imgpath" in inspect.signature(value).parameters
    }
    wanted = name.lower().replace("-", "_")
    found = [key for key in classes if key.lower() in (wanted, f"{wanted}_dataset")]
    found = found or [key for key in classes if key.lower().startswith(wanted.split("_")[0] + "_")]
    if len(found) != 1 or not name:
        raise refuse(f"there is no data set xrv:{name}", f"Choose one of {', '.join(sorted(classes))}")
    return classes[found[0]]


class XrvSource:
    """One open data set. One sample is kept, so that an image and its masks are read once."""

    def __init__(self, name: str, data_set: Any, limit: int | None = None) -> None:
        self.name = self.public_name = f"xrv:{name}"
        self.data_set, self.limit = data_set, limit
        self.table = data_set.csv
        self.places: dict[str, list[int]] = {}  # an image may have a row for each annotation
        self.id_column = column = next((name for name in _IDS if name in self.table), None)
        for place in range(len(data_set)):
            image = str(place + 1) if column is None else str(self.table[column].iloc[place])
            self.places.setdefault(image, []).append(place)
        self._kept: tuple[int, dict[str, Any]] | None = None

    def keep_present(self, imgpath: Path) -> None:
        """Leave out images without a file. BatchRefused when none is left, or the table does not name its images."""
        if self.id_column is None:
            raise refuse(f"the table of {self.name} does not name its images", "Load it without --only-present")
        files = [path.relative_to(imgpath) for path in imgpath.rglob("*")]
        names = {name for path in files for name in (path.as_posix(), path.name, path.stem)}
        present = {image: places for image, places in self.places.items() if _is_among(image, names)}
        if self.places and not present:
            text = f"none of the {len(self.places)} images of the table is in the folder"
            raise refuse(text, "Check --imgpath and --views")
        self.places = present

    def cases(self, problems: Problems) -> list[CaseRecord]:
        if not self.places:
            raise refuse("the data set has no images of these views", "Try --views '*'")
        return [self._case(image, places[0]) for image, places in list(self.places.items())[: self.limit]]

    def picture(self, case: CaseRecord, kept: Kept) -> Picture:
        where = f"row {case.row}"

        def decode() -> tuple[Radiograph, None]:
            values = np.asarray(self._sample(self.places[case.image][0], where)["img"])[0]
            check_size(where, values.shape[1], values.shape[0])
            return ranged(_from_model_range(values), where), None

        return kept.picture("", decode)

    def confounder(self, finding: FindingRecord, picture: Picture, kept: Kept) -> None:
        """No data set says where one lies."""

    def mask(self, case: CaseRecord, finding: FindingRecord, picture: Picture, kept: Kept) -> Mask | None:
        return kept.mask("", lambda: self._inside(case, finding, picture.shape))

    def _inside(self, case: CaseRecord, finding: FindingRecord, shape: tuple[int, int]) -> np.ndarray | None:
        """All annotations of the image together, bool (H, W); None when the data set has none of this pathology."""
        index = list(self.data_set.pathologies).index(finding.pathology)
        places, inside = self.places[case.image], np.zeros(shape, bool)
        for place in places:
            sample = self._sample(place, f"row {case.row}", alone=len(places) > 1)
            mask = sample.get("pathology_masks", {}).get(index)
            if mask is not None and mask.shape[-2:] != shape:
                raise ImageError("mask", "the data set's mask has another size than its image", "Leave this image out")
            if mask is not None:
                inside |= mask.reshape(shape) > 0
        return inside if inside.any() else None

    def open(self, path: str) -> BinaryIO:
        return BytesIO()  # data sets name no extra files

    def _sample(self, place: int, where: str, alone: bool = False) -> dict[str, Any]:
        """One item. alone: with the table cut down to its row, as some data sets keep only an image's last mask."""
        if self._kept is None or self._kept[0] != place or alone:
            labels = self.data_set.labels
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if alone:
                        self.data_set.csv, self.data_set.labels = self.table.iloc[[place]], labels[[place]]
                    self._kept = (place, self.data_set[0 if alone else place])
            except Exception:  # a missing file is a KeyError here and an OSError there
                text = "TorchXRayVision cannot read the image"
                raise ImageError(where, text, _READ_REMEDY) from None
            finally:
                self.data_set.csv, self.data_set.labels = self.table, labels
        return self._kept[1]

    def _case(self, image: str, place: int) -> CaseRecord:
        row = self.table.iloc[place]
        case = CaseRecord(
            row=place + 1,
            image=image,
            patient=_text(row.get("patientid", "")),
            dataset=type(self.data_set).__name__.removesuffix("_Dataset"),
            view=or_unknown(view, _text(row.get("view", "")), ""),
            sex=_sex(row),
            age=_age(next((row[name] for name in _AGES if name in row), None)),
        )
        for pathology, label in zip(self.data_set.pathologies, self.data_set.labels[place], strict=True):
            if label in (0, 1):
                mask = _MASK if label == 1 and row.get("has_masks", True) else ""
                case.findings.append(FindingRecord(case.row, pathology, bool(label), mask))
        return case


def _is_among(image: str, names: set[str]) -> bool:
    """Whether a file has this name; some tables give a path that begins above the folder of the images."""
    parts = PurePosixPath(image).parts
    if len(parts) == 1:
        return image in names
    return any("/".join(parts[start:]) in names for start in range(len(parts) - 1))


def _from_model_range(values: np.ndarray) -> np.ndarray:
    """Undo TorchXRayVision's normalize, (H, W) in [-1024, 1024]: 8 bits where all values are of 8 bits, else 16."""
    share = np.clip((values.astype(np.float64) / 1024 + 1) / 2, 0, 1)
    if np.abs(share * 255 - np.round(share * 255)).max() < 0.01:
        return np.round(share * 255).astype(np.uint8)
    return np.round(share * 65535).astype(np.uint16)


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _sex(row: Any) -> str:
    if row.get("sex_male") is not None and bool(row.get("sex_male")) != bool(row.get("sex_female")):
        return "M" if bool(row["sex_male"]) else "F"
    return or_unknown(sex, next((_text(row[name]) for name in _SEXES if name in row), ""), "")


def _age(value: Any) -> int | None:
    """Whole years; what is no age, as some data sets have it, is unknown. Tables with gaps hold 58.3 as well."""
    years = str(int(value)) if isinstance(value, float) and np.isfinite(value) and value >= 0 else _text(value)
    age = or_unknown(age_years, years, None)
    return None if age is None else min(age, OLDEST)
