"""Files whose pixels use next to nothing of the range they declare: the model must see what the reader sees."""

from __future__ import annotations

import numpy as np
import pytest

from explain.images.radiograph import ImageError, Radiograph, pixel_sha256, read_radiograph
from tests.explain.image_files import dicom, encoded, greys

CHEST = greys(200, 240, bits=12)


def marked(picture: np.ndarray, value: int, side: int = 3) -> np.ndarray:
    out = picture.copy()
    out[10 : 10 + side, 20 : 20 + side] = value
    return out


def padded(picture: np.ndarray, value: int, margin: int = 30) -> np.ndarray:
    return np.pad(picture, ((0, 0), (margin, margin)), constant_values=value)


@pytest.mark.parametrize("side", [3, 12, 28])
def test_one_marker_at_65535_among_12_bit_values(side: int) -> None:
    data = dicom(marked(CHEST, 65535, side), 16)
    radiograph = read_radiograph(data)
    rightly_declared = Radiograph(marked(CHEST, 4095, side), 12)
    assert pixel_sha256(radiograph) == pixel_sha256(rightly_declared)
    assert np.array_equal(radiograph.model_input(), rightly_declared.model_input())
    done = radiograph.as_read
    assert done is not None and (done.declared, done.used, done.replaced, done.rule) == ((0, 65535), (0, 4095), True, 1)
    assert "0 to 65535" in done.notes()[0] and "0 to 4095" in done.notes()[0]


def test_a_marker_whose_edges_blend_with_the_picture() -> None:
    picture = marked(CHEST, 65535, 20)
    picture[9, 20:40] = np.linspace(5000, 60000, 20)
    picture[30, 20:40] = np.linspace(60000, 5000, 20)
    assert read_radiograph(dicom(picture, 16)).bits == 12


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("declared", [True, False])
def test_padding_at_minus_32768(photometric: str, declared: bool) -> None:
    stored = padded(CHEST.astype(np.int16), -32768)
    tags: dict[str, object] = {"PixelPaddingValue": -32768} if declared else {}
    radiograph = read_radiograph(dicom(stored, 16, PhotometricInterpretation=photometric, **tags))
    assert radiograph.bits == 12
    expected = 4095 - CHEST if photometric == "MONOCHROME1" else CHEST
    assert np.array_equal(radiograph.pixels[:, 30:-30], expected)
    assert not radiograph.pixels[:, :30].any()  # black, not a white frame
    assert radiograph.as_read is not None and radiograph.as_read.used == (0, 4095)


@pytest.mark.parametrize("values", [(-32768, -32767), (-32768, -32760, -32600)])
def test_undeclared_padding_of_neighbouring_values_as_compression_leaves_it(values: tuple[int, ...]) -> None:
    stored = padded(CHEST.astype(np.int16), -32768)
    stored[:, :30] = np.random.default_rng(0).choice(values, stored[:, :30].shape)
    radiograph = read_radiograph(dicom(stored, 16, PhotometricInterpretation="MONOCHROME1"))
    assert radiograph.bits == 12 and np.array_equal(radiograph.pixels[:, 30:-30], 4095 - CHEST)
    assert not radiograph.pixels[:, :30].any()


def test_markers_of_neighbouring_values() -> None:
    picture = marked(CHEST, 65535, 12)
    picture[40:48, 60:68] = 65500
    assert read_radiograph(dicom(picture, 16)).bits == 12


def test_padding_that_names_every_pixel_is_refused_for_that() -> None:
    data = dicom(CHEST, 12, PixelPaddingValue=0, PixelPaddingRangeLimit=4095)
    with pytest.raises(ImageError, match="name every pixel of the picture as padding"):
        read_radiograph(data)


def test_the_padding_range_limit_is_honoured() -> None:
    stored = padded(CHEST.astype(np.int16), -32768)
    stored[::2, :30] = -32000
    tags = {"PixelPaddingValue": -32768, "PixelPaddingRangeLimit": -32000, "PhotometricInterpretation": "MONOCHROME1"}
    radiograph = read_radiograph(dicom(stored, 16, **tags))
    assert radiograph.bits == 12 and not radiograph.pixels[:, :30].any()


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_than_declared_are_read_as_what_they_are(bits: int) -> None:
    picture = greys(200, 240, bits=bits)
    for data in (dicom(picture, 16), encoded(picture)):
        assert pixel_sha256(read_radiograph(data)) == pixel_sha256(Radiograph(picture, bits))


def test_a_monochrome1_file_of_14_bits_declared_as_16() -> None:
    picture = greys(bits=14)
    radiograph = read_radiograph(dicom(picture, 16, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(radiograph.pixels, 16383 - picture)


def test_the_window_moves_with_the_range() -> None:
    stored = (CHEST.astype(np.int32) + 20000).astype(np.uint16)  # no depth holds it: its percentiles do
    radiograph = read_radiograph(dicom(stored, 16, WindowCenter=22000, WindowWidth=2000, VOILUTFunction="LINEAR_EXACT"))
    assert radiograph.as_read is not None and radiograph.window is not None
    low, high = radiograph.as_read.used
    assert 20000 <= low < high <= 24095
    shown = np.clip((stored.astype(float) - 21000) / 2000, 0, 1)
    first, last = radiograph.window
    np.testing.assert_allclose(np.clip((radiograph.pixels - first) / (last - first), 0, 1), shown, atol=0.001)


def test_a_picture_that_uses_enough_of_its_range_keeps_it() -> None:
    for used in (0.3, 0.5, 1.0):
        picture = (greys(bits=16) * used).astype(np.uint16)
        radiograph = read_radiograph(encoded(picture))
        assert radiograph.bits == 16 and np.array_equal(radiograph.pixels, picture)


def test_two_flat_areas_are_taken_as_they_are() -> None:
    picture = np.zeros((80, 80), np.uint8)
    picture[20:50, 20:50] = 255
    assert np.array_equal(read_radiograph(encoded(picture)).pixels, picture)


def test_letters_in_the_colour_of_the_padding_stay_inside_the_picture() -> None:
    stored = padded(CHEST, 0)
    stored[100:104, 100:104] = 0
    tags = {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"}
    pixels = read_radiograph(dicom(stored, 12, **tags)).pixels
    assert not pixels[:, :30].any() and (pixels[100:104, 100:104] == 4095).all()
