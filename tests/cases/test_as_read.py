"""What was done to a file's pixels is stored with its case, listed in the batch's report and warned of."""

from pathlib import Path

import numpy as np
import pytest

from explain.render.pictures import read_display_image
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch, Case
from tests.cases.batches import make_batch, mask_png
from tests.explain.image_files import dicom, encoded, greys

pytestmark = pytest.mark.django_db
CHEST = greys(bits=12)


def load(folder: Path) -> Batch:
    with open_source(folder) as source:
        return load_batch(source, "ward", keep_source_ids=True).batch


def test_a_replaced_range_is_stored_listed_and_warned_of(tmp_path):
    marked = CHEST.copy()
    marked[5:8, 5:8] = 65535
    rows = [{"image": "a.dcm"}, {"image": "b.png"}]
    batch = load(make_batch(tmp_path / "b", rows, {"a.dcm": dicom(marked, 16), "b.png": encoded(greys())}))
    case, other = batch.cases.all()
    assert (case.range_rule, case.range_low, case.range_high, case.range_replaced) == (1, 0, 4095, True)
    assert (other.range_rule, other.range_low, other.range_high, other.range_replaced) == (1, 0, 255, False)
    assert batch.report["ranges"] == [{"row": 2, "declared": [0, 65535], "used": [0, 4095], "rule": 1}]
    (warning,) = batch.report["warnings"]
    assert warning.startswith("row 2: ") and "0 to 4095 is taken as their range" in warning
    stored = read_display_image(case.pixels.read(), case.bits).pixels
    assert case.bits == 12 and np.array_equal(stored, np.minimum(marked, 4095))


def test_many_replaced_ranges_are_one_warning_with_their_rows(tmp_path):
    images = {f"{n}.png": encoded(greys(bits=12, seed=n)) for n in range(14)}
    batch = load(make_batch(tmp_path / "b", [{"image": name} for name in images], images))
    assert len(batch.report["ranges"]) == 14 and len(batch.report["warnings"]) == 11
    assert batch.report["warnings"][-1].startswith("4 more rows like these")


def test_masks_and_crop_follow_pixels_that_are_not_square(tmp_path):
    data = dicom(greys(64, 72), 8, PixelSpacing=["0.2", "0.1"])
    rows = [
        {"image": "a.dcm", "pathology": "Mass", "label": 1, "mask": "mask.png"},
        {"image": "a.dcm", "pathology": "Nodule", "label": 1, "mask": "30,10,20,10"},
    ]
    batch = load(make_batch(tmp_path / "b", rows, {"a.dcm": data, "mask.png": mask_png(64, 72)}))
    case = batch.cases.get()
    assert (case.width, case.height, case.file_width, case.file_height) == (72, 128, 72, 64)
    assert (case.crop_x, case.crop_y, case.crop_size) == (0, 28, 72)
    for truth in case.truths.all():
        mask = read_display_image(truth.mask.read(), 8).pixels == 255
        expected = np.zeros((128, 72), bool)
        expected[20:40, 30:50] = True
        assert np.array_equal(mask, expected)
    assert "72 x 64 pixels became 72 x 128" in batch.report["warnings"][0]


def test_a_curve_is_in_the_picture_that_is_shown_and_not_in_the_pixels(tmp_path):
    data = dicom(CHEST, 12, WindowCenter=2048, WindowWidth=1000, VOILUTFunction="SIGMOID")
    case = load(make_batch(tmp_path / "b", [{"image": "a.dcm"}], {"a.dcm": data})).cases.get()
    assert case.shown_by == "sigmoid" and case.window_low is None and case.display.name != case.pixels.name
    assert np.array_equal(read_display_image(case.pixels.read(), 12).pixels, CHEST)
    shown = read_display_image(case.display.read(), 12).pixels.astype(float)
    np.testing.assert_allclose(shown, 4095 / (1 + np.exp(-4 * (CHEST.astype(float) - 2048) / 1000)), atol=0.51)


def test_cases_from_before_have_no_rule():
    case = Case()
    assert (case.range_rule, case.range_low, case.range_replaced, case.file_width) == (0, None, False, 0)
