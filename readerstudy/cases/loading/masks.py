"""Masks of findings, from a picture or from boxes, to what is stored: grey PNG, 255 inside, at full resolution."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from explain.images.as_read import resampled
from explain.images.checks import MAX_PIXELS, ImageError
from explain.images.radiograph import Radiograph, grey_samples, opened_picture
from explain.render.pictures import display_image

_BOXES = re.compile(r"[\d.,;|\s-]+")
_HOW = "Write x,y,w,h in pixels of the whole image, several boxes separated by ; or |"


def read_mask(
    spec: str,
    shape: tuple[int, int],
    open_file: Callable[[str], BinaryIO],
    file_shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """bool (H, W) of a manifest's mask cell: boxes, or the path of a PNG. Raises ImageError.

    file_shape: rows and columns of the image's file, where they are not `shape` because its pixels are not square:
    boxes and pictures are drawn on the file, and are resampled like it. A picture may have either size. Its pixels at
    half of its brightest or more are inside, so that 0/1, 0/255 and smoothed edges all work.
    """
    drawn = file_shape or shape
    if is_boxes(spec):
        return resampled(boxes(spec, drawn), shape)
    with open_file(spec) as file, opened_picture(file, "mask", ("PNG",)) as picture:
        if picture.size not in {drawn[::-1], shape[::-1]} or picture.width * picture.height > MAX_PIXELS:
            width, height = picture.size
            said = f"the mask is {width} x {height} pixels and its image {drawn[1]} x {drawn[0]}"
            raise ImageError("mask", said, "Draw the mask at the full size of the image")
        samples = np.asarray(grey_samples(picture, file, "mask"))
    inside = samples.astype(int) * 2 >= max(1, int(samples.max()))
    if not inside.any() or inside.all():
        said = "marks the whole image" if inside.any() else "is empty"
        raise ImageError("mask", f"the mask {said}", "Draw the finding, or remove the mask")
    return resampled(inside, shape)


def is_boxes(spec: str) -> bool:
    """Whether a manifest's mask cell has boxes, and not the path of a picture."""
    return bool(_BOXES.fullmatch(spec))


def boxes(spec: str, shape: tuple[int, int]) -> np.ndarray:
    """bool (H, W) from x,y,w,h in pixels, boxes separated by ; or |. A box may pass an edge by a pixel of rounding."""
    inside = np.zeros(shape, bool)
    for text in filter(str.strip, re.split(r"[;|]", spec)):
        try:
            x, y, width, height = (float(number) for number in text.split(","))
        except ValueError:
            raise ImageError("mask", "the mask is neither a path nor boxes x,y,w,h", _HOW) from None
        if min(width, height) < 1 or x < -1 or y < -1 or x + width > shape[1] + 1 or y + height > shape[0] + 1:
            said = f"a box of the mask is empty or outside its image of {shape[1]} x {shape[0]} pixels"
            raise ImageError("mask", said, _HOW)
        left, top = max(0, round(x)), max(0, round(y))
        inside[top : round(y + height), left : round(x + width)] = True
    if not inside.any():
        raise ImageError("mask", "the mask has no box", _HOW)
    return inside


def mask_png(inside: np.ndarray) -> bytes:
    """The stored file of a mask."""
    return display_image(Radiograph(np.where(inside, 255, 0).astype(np.uint8))).png
