"""Coloured marks on a grey picture give the finding away; noise of JPEG, scanners and a slight tint do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from explain.images.radiograph import ImageError, read_radiograph
from tests.explain.image_files import encoded, greys, png16

CHEST = np.dstack([greys(1024, 1024)] * 3)


def drawn(kind: str, colour: tuple[int, int, int], width: int = 2) -> np.ndarray:
    picture = Image.fromarray(CHEST)
    pen = ImageDraw.Draw(picture)
    if kind == "box":
        pen.rectangle((300, 400, 600, 700), outline=colour, width=width)
    elif kind == "arrow":
        pen.line((300, 400, 380, 460), fill=colour, width=width)
    else:
        pen.text((300, 400), "nodule?", fill=colour)
    return np.asarray(picture)


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
@pytest.mark.parametrize("kind", ["box", "arrow", "text"])
@pytest.mark.parametrize("colour", [(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255)])
def test_a_mark_is_found_and_its_place_is_said(format: str, kind: str, colour: tuple[int, int, int]) -> None:
    options = {"quality": 75, "subsampling": 2} if format == "JPEG" else {}
    with pytest.raises(ImageError, match="coloured marks") as caught:
        read_radiograph(encoded(drawn(kind, colour), format, **options), "row 7")
    words = str(caught.value).split("within x ")[1].replace(",", "").replace(".", "").split()
    left, right, top, bottom = (int(words[at]) for at in (0, 2, 4, 6))
    assert 290 <= left <= 305 and 390 <= top <= 412 and right <= 612 and bottom <= 712


def test_a_thin_line_and_a_faint_overlay_are_found() -> None:
    faint = CHEST.copy()
    faint[400:500, 400:500, 0] = np.minimum(255, faint[400:500, 400:500, 0].astype(int) + 50)
    for picture in (drawn("box", (255, 0, 0), width=1), faint):
        with pytest.raises(ImageError, match="coloured marks"):
            read_radiograph(encoded(picture))
    deep = np.dstack([greys(200, 200, bits=16)] * 3)
    deep[20:24, 20:60] = (65535, 0, 0)
    with pytest.raises(ImageError, match=r"coloured marks: \d+ pixels in colour, within x 19 to 60, y 19 to 24"):
        read_radiograph(png16(deep))


def test_pale_marks_are_found_where_the_picture_has_no_noise_in_its_colours() -> None:
    tinted = CHEST.copy()
    tinted[400:600, 400:600, 0] = np.minimum(255, tinted[400:600, 400:600, 0].astype(int) + 20)
    for picture in (drawn("arrow", (255, 200, 200), width=1), drawn("text", (200, 255, 200)), tinted):
        with pytest.raises(ImageError, match="coloured marks"):
            read_radiograph(encoded(picture))
    for picture in (drawn("arrow", (255, 200, 200), width=3), tinted):  # a JPEG blurs colour
        with pytest.raises(ImageError, match="coloured marks"):
            read_radiograph(encoded(picture, "JPEG"))


def test_the_place_is_that_of_the_upright_picture() -> None:
    picture = np.dstack([greys(100, 200)] * 3)
    picture[10:14, 150:170] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    with pytest.raises(ImageError, match="within x 29 to 50, y 85 to 90"):
        read_radiograph(encoded(picture, exif=exif))


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_jpeg_noise_a_slight_tint_and_a_colour_scanners_noise_are_no_marks(quality: int) -> None:
    rng = np.random.default_rng(0)
    tinted = np.clip(CHEST + np.array([2, 1, 0]), 0, 255).astype(np.uint8)
    noisy = np.clip(CHEST + rng.normal(0, 1.5, CHEST.shape), 0, 255).astype(np.uint8)
    warm = np.clip(CHEST * np.array([1, 0.985, 0.97]), 0, 255).astype(np.uint8)  # a tint that grows with the grey
    for picture in (CHEST, tinted, noisy, warm):
        assert read_radiograph(encoded(picture, "JPEG", quality=quality)).pixels.shape == (1024, 1024)
        assert read_radiograph(encoded(picture)).pixels.shape == (1024, 1024)


def test_a_picture_tinted_all_over_is_in_colour() -> None:
    sepia = np.clip(CHEST * np.array([1, 0.9, 0.75]), 0, 255).astype(np.uint8)
    with pytest.raises(ImageError, match="the image is in colour"):
        read_radiograph(encoded(sepia))
