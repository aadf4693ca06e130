"""Files of boxes: NIH ChestX-ray14, RSNA Pneumonia, VinDr-CXR (VinBigData)."""

from __future__ import annotations

import csv
from pathlib import Path

from explain.evaluate.annotations.read import Annotations, Box, numbers, rows_of

SIDE = (1024, 1024)  # pixels in which NIH's and RSNA's boxes are given
# What data sets call by another name than TorchXRayVision.
_NIH = {"Infiltrate": "Infiltration"}
_VINDR = {"Pleural effusion": "Effusion", "Pleural thickening": "Pleural_Thickening"}


def read_nih(path: Path) -> Annotations:
    """BBox_List_2017.csv: `Image Index,Finding Label,Bbox [x,y,w,h],,,`: four numbers in columns 3 to 6."""
    found = Annotations()
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        if header[:2] != ["Image Index", "Finding Label"]:
            raise ValueError(f"{path.name} is no list of NIH boxes: its header begins {', '.join(header[:3])}")
        for row, line in enumerate(lines, 1):
            if not any(line):
                continue
            try:
                x, y, width, height = numbers(line[2:6])
                found.add(line[0], _NIH.get(line[1], line[1]), row, _box(x, y, width, height, SIDE))
            except ValueError as error:
                found.problems.append((row, str(error)))
    return found


def read_rsna(path: Path) -> Annotations:
    """stage_2_train_labels.csv: `patientId,x,y,width,height,Target`, a row a box, no numbers where Target is 0.

    The task is Lung Opacity: boxes were drawn around opacities, whatever their cause.
    """
    found = Annotations()
    for row, (image, *box, target) in rows_of(path, ("patientId", "x", "y", "width", "height", "Target")):
        try:
            if target not in ("0", "1"):
                raise ValueError(f"Target is {target!r}, neither 0 nor 1")
            if target == "0":
                found.without(image, "Lung Opacity")
            else:
                x, y, width, height = numbers(box)
                found.add(image, "Lung Opacity", row, _box(x, y, width, height, SIDE))
        except ValueError as error:
            found.problems.append((row, str(error)))
    return found


def read_vindr(path: Path) -> Annotations:
    """train.csv: `image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max`, a row a box and radiologist.

    Boxes are in pixels of the original DICOM. Those of all radiologists are united. An image that no radiologist marked
    with a task counts as without it.
    """
    found, images = Annotations(), set()
    columns = ("image_id", "class_name", "x_min", "y_min", "x_max", "y_max")
    for row, (image, task, *corners) in rows_of(path, columns):
        images.add(image)
        if task == "No finding":
            continue
        try:
            left, top, right, bottom = numbers(corners)
            found.add(image, _VINDR.get(task, task), row, _box(left, top, right - left, bottom - top, None))
        except ValueError as error:
            found.problems.append((row, str(error)))
    for task in list(found.labels):
        for image in sorted(images):
            found.without(image, task)
    return found


def _box(x: float, y: float, width: float, height: float, size: tuple[int, int] | None) -> Box:
    if width <= 0 or height <= 0:
        raise ValueError(f"the box is {width:g} wide and {height:g} high")
    return Box(x, y, width, height, size)
