"""Readers of published annotation files, on small files in their exact formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explain.evaluate.annotations import READERS
from explain.evaluate.annotations.runs import from_coco, from_relative


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nih_boxes(tmp_path: Path) -> None:
    text = (
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00013118_008.png,Atelectasis,225.084745762712,547.019216763771,86.7796610169491,79.1864406779661,,,\n"
        "00014716_007.png,Infiltrate,686.101694915254,131.543498111458,185.491525423729,313.491525423729,,,\n"
        "00014716_007.png,Mass,1,2,x,4,,,\n"
    )
    read = READERS["nih"](written(tmp_path, text))
    first, second = read.annotations
    assert (first.image, first.task, first.row) == ("00013118_008.png", "Atelectasis", 1)
    assert second.task == "Infiltration"
    rows, columns = np.nonzero(first.shape.draw(512, 512))  # half of 1,024
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (274, 313, 113, 156)
    assert read.problems == [(3, "1, 2, x, 4 are not all numbers")]


def test_rsna_boxes_of_one_image_are_two_rows(tmp_path: Path) -> None:
    text = (
        "patientId,x,y,width,height,Target\n"
        "0004cfab,,,,,0\n"
        "00436515,264.0,152.0,213.0,379.0,1\n"
        "00436515,562.0,152.0,256.0,453.0,1\n"
        "00569f44,1,2,0,4,1\n"
    )
    read = READERS["rsna"](written(tmp_path, text))
    assert [(each.image, each.row) for each in read.annotations] == [("00436515", 2), ("00436515", 3)]
    assert read.annotations[0].shape.draw(1024, 1024).sum() == 213 * 379
    assert read.labels == {"Lung Opacity": {"0004cfab": False, "00436515": True}}
    assert read.problems == [(4, "the box is 0 wide and 4 high")]


def test_siim_runs_are_relative_and_go_down_the_columns(tmp_path: Path) -> None:
    text = "ImageId, EncodedPixels\n1.2.276, -1\n1.2.277, 2049 3 1021 2\n1.2.277, 0 1\n1.2.278, 5 6 7\n"
    text += "1.2.279, 1 99999999999999999999\n"
    read = READERS["siim"](written(tmp_path, text))
    first, second = (each.shape.draw(1024, 1024) for each in read.annotations)
    # After 2,049 pixels (two columns and one pixel) three; 1,021 further on, at the next column's second pixel, two.
    assert np.argwhere(first).tolist() == [[1, 2], [1, 3], [2, 2], [2, 3], [3, 2]]
    assert np.argwhere(second).tolist() == [[0, 0]]
    assert read.labels == {"Pneumothorax": {"1.2.276": False, "1.2.277": True}}
    assert [row for row, _ in read.problems] == [4, 5] and "3 numbers" in read.problems[0][1]


def coco(mask: np.ndarray) -> dict[str, object]:
    """COCO's encoding, written from its description for this test."""
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    counts = counts if flat[0] == 0 else [0, *counts]
    text = ""
    for place, count in enumerate(counts):
        value, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            text += chr(48 + (group | (32 if more else 0)))
    return {"size": list(mask.shape), "counts": text}


def test_cocos_compressed_runs() -> None:
    # Of 2 x 3 pixels the second column: runs 2, 2, 2, the last written as it is
    assert from_coco({"size": [2, 3], "counts": "222"}).draw(2, 3).tolist() == [[False, True, False]] * 2
    drawn = np.random.default_rng(0).random((37, 53)) > 0.7
    drawn[:, 20:40] = True  # a long run, so that numbers take several characters and differences are negative
    assert np.array_equal(from_coco(coco(drawn)).draw(37, 53), drawn)
    with pytest.raises(ValueError, match="add up to 4"):
        from_coco({"size": [2, 3], "counts": "22"})
    with pytest.raises(ValueError, match="add up to"):
        from_coco({"size": [2, 3], "counts": "2" + "o" * 20 + "0" + "22"})  # a number of more than 64 bits
    with pytest.raises(ValueError, match="does not belong"):
        from_coco({"size": [2, 3], "counts": "2 2"})


def test_chexlocalize(tmp_path: Path) -> None:
    mask = np.zeros((320, 390), bool)
    mask[100:200, 50:80] = True
    empty = {"size": [2, 3], "counts": "6"}
    content = {
        "patient64541_study1_view1_frontal": {"Airspace Opacity": coco(mask), "Cardiomegaly": empty},
        "patient64542_study1_view1_frontal": {"Pleural Effusion": {"size": [2, 3], "counts": "zz"}},
    }
    read = READERS["chexlocalize"](written(tmp_path, json.dumps(content), "gt_segmentations_val.json"))
    (only,) = read.annotations
    assert only.task == "Lung Opacity" and np.array_equal(only.shape.draw(320, 390), mask)
    assert read.labels["Cardiomegaly"] == {"patient64541_study1_view1_frontal": False}
    assert read.problems[0][0] == 2 and "Pleural Effusion" in read.problems[0][1]
    with pytest.raises(ValueError, match="is no JSON"):
        READERS["chexlocalize"](written(tmp_path, "{"))
    for other in ("[]", '{"image": [1]}'):
        with pytest.raises(ValueError, match="is no list of CheXlocalize masks"):
            READERS["chexlocalize"](written(tmp_path, other))


def test_vindr_boxes_are_in_the_images_own_pixels(tmp_path: Path) -> None:
    text = (
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n"
        "50a418190bc3,No finding,14,R11,,,,\n"
        "9a5094b2563a,Cardiomegaly,3,R10,691.0,1375.0,1653.0,1831.0\n"
        "9a5094b2563a,Pleural effusion,10,R9,10,20,5,40\n"
    )
    read = READERS["vindr"](written(tmp_path, text))
    (only,) = read.annotations
    assert np.argwhere(only.shape.draw(2000, 2000))[[0, -1]].tolist() == [[1375, 691], [1830, 1652]]
    assert read.labels == {"Cardiomegaly": {"9a5094b2563a": True, "50a418190bc3": False}}
    assert read.problems == [(3, "the box is -5 wide and 20 high")]


def test_files_of_another_form_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,2\n")
    for name in ("rsna", "siim", "vindr"):
        with pytest.raises(ValueError, match="has no column"):
            READERS[name](path)
    with pytest.raises(ValueError, match="no list of NIH boxes"):
        READERS["nih"](path)
    with pytest.raises(ValueError, match="2 numbers that add up to 9"):
        from_relative([4, 5], 2, 2)
