"""Items of a TorchXRayVision data set, by its common interface."""

from __future__ import annotations

import inspect
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explain.images.checks import ImageError
from explain.images.radiograph import center_crop, resize
from explain.training.items import DataError, Item, file_stamp


def xrv_items(name: str, images: Path | None, table: Path | None) -> list[Item]:
    """The data set whose class in torchxrayvision.datasets begins with `name`: NIH, RSNA, PC ... Raises DataError.

    images: the folder of its images. table: its csv file, where the data set takes one.
    """
    import torchxrayvision as xrv

    if images is None or not images.is_dir():
        raise DataError("A TorchXRayVision data set needs the folder of its images: give it by --images")
    made = _data_set_class(xrv.datasets, name)
    wanted: dict[str, Any] = {"unique_patients": False, "views": ["PA", "AP"]}
    if table is not None:
        wanted["csvpath"] = str(table)
    known = inspect.signature(made).parameters
    xrv.datasets._cache_dict.clear()  # it remembers the files of the folder that was opened first
    try:
        data = made(str(images), **{key: value for key, value in wanted.items() if key in known})
    except Exception as error:  # each data set reads its own tables in its own way
        raise DataError(
            f"TorchXRayVision cannot open {made.__name__} ({type(error).__name__}: {error}): check --images and --table"
        ) from error
    lock = threading.Lock()  # its data sets say nothing of threads
    stamp = f"{made.__name__} {images.resolve()} {file_stamp(table) if table else ''}"
    return [_item(data, place, lock, stamp) for place in range(len(data))]


def _data_set_class(module: Any, name: str) -> Any:
    classes = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, module.Dataset)
        and "imgpath" in inspect.signature(value).parameters
    }
    found = [key for key in classes if name and key.lower().split("_")[0] == name.lower().split("_")[0]]
    exact = [key for key in found if key.lower() in (name.lower(), f"{name.lower()}_dataset")]
    if len(exact or found) != 1:
        raise DataError(f"There is no one data set xrv:{name}; choose one of {', '.join(sorted(classes))}")
    return classes[(exact or found)[0]]


def _item(data: Any, place: int, lock: threading.Lock, stamp: str) -> Item:
    row = data.csv.iloc[place]
    labels = {
        pathology: bool(value)
        for pathology, value in zip(data.pathologies, data.labels[place])
        if value in (0, 1)  # uncertain is neither
    }
    patient = str(row.get("patientid", ""))
    return Item(
        f"row {place + 1}",
        lambda size: _read(data, place, size, lock),
        "" if patient == "nan" else patient,
        labels,
        stamp=stamp,
    )


def _read(data: Any, place: int, size: int, lock: threading.Lock) -> NDArray[np.float32]:
    where = f"row {place + 1}"
    try:
        with lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = np.asarray(data[place]["img"], dtype=np.float32)[0]
    except Exception as error:  # a missing file is a KeyError here and an OSError there
        raise ImageError(where, "TorchXRayVision cannot read the image", "Check that its file is there") from error
    left, top, side = center_crop(*image.shape)
    if side < size:
        raise ImageError(where, f"its shorter side has {side} pixels, fewer than {size}", "Train at a smaller --size")
    return resize(image[top : top + side, left : left + side], size)
