"""Ordinary files keep their pixels: what was loaded, predicted and explained before must come out of them again.

The digests were computed by the code of November 2026 before any rule looked at the range that pixels use. They name
the pixels under which explanations are stored, so a change here would render every explanation again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import uid

from explain.images.radiograph import pixel_sha256, read_radiograph
from tests.explain.image_files import dicom, encoded, greys, png16
from tests.outside_data import folder_of

Make = Callable[[], bytes]


def framed(bits: int) -> np.ndarray:
    """A radiograph with a black collimator frame, a small white marker and a bright burnt-out corner."""
    picture = greys(200, 240, bits)
    picture[:20], picture[:, :12] = 0, 0
    picture[30:36, 200:204] = 2**bits - 1
    return picture


def dim(bits: int) -> np.ndarray:
    """A low-contrast film: it uses two fifths of its range."""
    return (greys(160, 160, bits) * 0.4 + 0.3 * 2**bits).astype(np.uint8 if bits == 8 else np.uint16)


SIGNED = {"WindowCenter": 0, "WindowWidth": 1000}
ORDINARY: dict[str, Make] = {
    "grey png": lambda: encoded(greys()),
    "grey 16-bit png": lambda: encoded(greys(bits=16)),
    "rgb png": lambda: encoded(np.dstack([greys()] * 3)),
    "rgb 16-bit png": lambda: png16(np.dstack([greys(bits=16)] * 3), [4, 3, 2, 1]),
    "framed png": lambda: encoded(framed(8)),
    "dim png": lambda: encoded(dim(8)),
    "dim 16-bit png": lambda: encoded(dim(16)),
    "8-bit dicom": lambda: dicom(greys(), 8),
    "12-bit dicom": lambda: dicom(framed(12), 12, WindowCenter=2000, WindowWidth=3000),
    "dim 12-bit dicom": lambda: dicom(dim(12), 12),
    "14-bit dicom": lambda: dicom(framed(14), 14, uid.ImplicitVRLittleEndian, RescaleSlope=2, RescaleIntercept=-1000),
    "monochrome1": lambda: dicom(framed(12), 12, PhotometricInterpretation="MONOCHROME1"),
    "signed dicom": lambda: dicom((framed(12).astype(np.int32) - 2048).astype(np.int16), 12, **SIGNED),
    "jpeg 2000 dicom": lambda: dicom(framed(12), 12, uid.JPEG2000Lossless),
}
PINNED = {
    "grey png": ("640c9edf45cc50d1", 8, None),
    "grey 16-bit png": ("2fa8bb4eb0c7ae89", 16, None),
    "rgb png": ("640c9edf45cc50d1", 8, None),
    "rgb 16-bit png": ("2fa8bb4eb0c7ae89", 16, None),
    "framed png": ("7f4e7a38f6d43a22", 8, None),
    "dim png": ("65c0e2ef41b70e90", 8, None),
    "dim 16-bit png": ("e0cbe0066b35afd1", 16, None),
    "8-bit dicom": ("640c9edf45cc50d1", 8, None),
    "12-bit dicom": ("dd12d2a1d09a02e6", 12, (500.0, 3499.0)),
    "dim 12-bit dicom": ("fbfb8b3c9c3fa6ce", 12, None),
    "14-bit dicom": ("8205f88c035510f3", 14, None),
    "monochrome1": ("8733d0a93df09b7e", 12, None),
    "signed dicom": ("dd12d2a1d09a02e6", 12, (1548.0, 2547.0)),
    "jpeg 2000 dicom": ("dd12d2a1d09a02e6", 12, None),
}
REAL = {
    "00000001_000.png": ("b288f4958684fa58", 8, None),
    "16747_3_1.jpg": ("843416232bdb7e41", 8, None),
    "rsna_sample.dcm": ("4bf8ccf25b69f2ee", 8, None),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_file_keeps_its_pixels_depth_and_window(name: str) -> None:
    radiograph = read_radiograph(ORDINARY[name]())
    assert (pixel_sha256(radiograph)[:16], radiograph.bits, radiograph.window) == PINNED[name]
    assert radiograph.curve is None and radiograph.as_read is not None and not radiograph.as_read.notes()


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_a_real_radiograph_keeps_its_pixels_depth_and_window(name: str) -> None:
    radiograph = read_radiograph(folder_of("RADIOGRAPHS") / name)
    assert (pixel_sha256(radiograph)[:16], radiograph.bits, radiograph.window) == REAL[name]
    assert radiograph.as_read is not None and not radiograph.as_read.notes()
