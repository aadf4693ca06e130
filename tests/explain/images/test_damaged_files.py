"""Files with random damage: every reader copes or raises ImageError; never anything else, and never a warning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydicom import uid

from explain.images.radiograph import ImageError, check_image_header, read_dicom_facts, read_radiograph
from explain.render import pictures as render
from explain.render.made_elsewhere import read_animation, read_map
from tests.explain.image_files import dicom, encoded, greys, png16

SMALL = greys(64, 64)
DEEP = greys(64, 64, bits=12)
TAGS = {"WindowCenter": "5", "WindowWidth": "9", "RescaleSlope": "1.0", "RescaleIntercept": "2", "PatientAge": "067Y"}
FILES = {
    "png": encoded(SMALL),
    "jpeg": encoded(SMALL, "JPEG"),
    "deep png": png16(np.dstack([greys(64, 64, bits=16)] * 3), [4, 3, 2, 1]),
    "dicom": dicom(DEEP, 12, **TAGS),
    "implicit dicom": dicom(DEEP, 12, uid.ImplicitVRLittleEndian, **TAGS),
    "jpeg dicom": dicom(SMALL, 8, uid.JPEGBaseline8Bit, jpeg=encoded(SMALL, "JPEG")),
    "jpeg 2000 dicom": dicom(DEEP, 12, uid.JPEG2000Lossless),
    "gif": render.animation_gif(np.stack([greys(16, 16, seed=n) for n in range(3)])),
}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes replaced, mostly in the header; sometimes cut short."""
    broken = bytearray(data)
    reach = min(len(data), 1200) if rng.random() < 0.8 else len(data)
    for at in rng.integers(0, reach, rng.integers(1, 6)):
        broken[at] = rng.integers(0, 256)
    return bytes(broken[: rng.integers(1, len(data))] if rng.random() < 0.1 else broken)


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_raises_image_error_or_nothing(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    readers = [read_animation] if kind == "gif" else [read_radiograph, check_image_header, read_dicom_facts, read_map]
    refused = 0
    for _ in range(80):
        data = damaged(FILES[kind], rng)
        for reader in readers:
            with warnings.catch_warnings(action="error"):
                try:
                    reader(data, "row 7")
                except ImageError as error:
                    refused += 1
                    assert str(error).startswith("row 7: ")
    assert refused


LARGE = np.clip(greys(512, 512) // 4 + np.linspace(20, 180, 512)[None], 0, 255).astype(np.uint8)
JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "small tables": {"optimize": True, "quality": 60},
    "restart markers": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("how", ["zeros", "other data", "a piece of itself"])
@pytest.mark.parametrize("form", ["jpeg", "dicom"])
def test_a_jpeg_overwritten_in_the_middle_is_refused(form: str, how: str, options: dict[str, object]) -> None:
    whole = encoded(LARGE, "JPEG", **options)
    at, size = len(whole) // 2, 3000
    instead = {
        "zeros": bytes(size),
        "other data": np.random.default_rng(3).integers(0, 254, size, np.uint8).tobytes(),
        "a piece of itself": whole[at - 2 * size : at - size],
    }
    broken = whole[:at] + instead[how] + whole[at + size :]

    def file(content: bytes) -> bytes:
        return content if form == "jpeg" else dicom(LARGE, 8, uid.JPEGBaseline8Bit, jpeg=content)

    if not (form == "dicom" and "progressive" in options):  # not a baseline frame
        assert read_radiograph(file(whole), "row 7").pixels.shape == (512, 512)
    with pytest.raises(ImageError, match="damaged"):
        read_radiograph(file(broken), "row 7")
