"""Read explanations that other tools rendered: grey PNG maps and grey GIF animations. No torch.

They go through the same safety checks as radiographs; only pixels are taken.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from explain.images.checks import MAX_PIXELS, ImageError
from explain.images.radiograph import (
    MODEL_SIZE,
    Source,
    center_crop,
    grey_samples,
    opened,
    opened_picture,
    refuse_colour,
)
from explain.render.usable import map_problem

MIN_SIDE = 4
MAX_FRAMES = 200


def read_map(source: Source, name: str | None = None, radiograph_shape: tuple[int, int] | None = None) -> np.ndarray:
    """A grey PNG or JPEG of any size, 8 or 16 bit, as a map: float32 (224, 224) in 0..1.

    A square picture is taken as the model's field of view; any other as the whole radiograph, of which the centre
    square is used. radiograph_shape: (height, width); when given, a picture that is not square must have the
    radiograph's proportions. Shrinking averages areas, enlarging repeats pixels. Raises ImageError, also for a map that
    is blank.
    """
    with opened(source, name) as (file, where), opened_picture(file, where, ("PNG", "JPEG")) as picture:
        _check_picture(picture, where, most_frames=1)
        samples = grey_samples(picture, file, where)
    problem = map_problem(samples)
    if problem:
        raise ImageError(where, problem, "Render the map again")
    height, width = samples.shape
    if radiograph_shape and height != width:
        rows, columns = radiograph_shape
        if abs(width * rows / (height * columns) - 1) > 0.01:
            raise ImageError(
                where,
                f"the map is {width} x {height} pixels, neither square nor in the proportions of its radiograph",
                "Render it over the whole radiograph, or over the centre square that the model sees",
            )
    values = _center(samples).astype(np.float32) / np.iinfo(samples.dtype).max
    return np.asarray(Image.fromarray(values).resize((MODEL_SIZE, MODEL_SIZE), Image.Resampling.BOX))


def read_animation(source: Source, name: str | None = None) -> np.ndarray:
    """The frames of a grey GIF in their order: uint8 (N, side, side), 2 <= N <= 200; centre square of each.

    Durations are not kept. Raises ImageError.
    """
    with opened(source, name) as (file, where), opened_picture(file, where, ("GIF",)) as picture:
        count = _check_picture(picture, where, most_frames=MAX_FRAMES)
        if count < 2:
            raise ImageError(where, "the GIF has one frame", "Give a still map as PNG, an animation as GIF")
        frames = []
        for index in range(count):
            picture.seek(index)
            rgb = np.asarray(picture.convert("RGB"))
            refuse_colour(rgb, where)
            frames.append(_center(rgb[:, :, 0]))
    if len({frame.shape for frame in frames}) > 1:
        raise ImageError(where, "the frames of the GIF differ in size", "Render the animation again")
    animation = np.stack(frames)
    if (animation == animation[0]).all():
        raise ImageError(where, "all frames of the GIF are the same", "Render the animation again")
    return animation


def _check_picture(picture: Image.Image, where: str, most_frames: int) -> int:
    """Refuse absurd sizes and frame counts, before anything is decoded. Returns the number of frames."""
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise ImageError(where, f"the picture is {width} x {height} pixels, too small", "Render it again")
    if width * height > MAX_PIXELS:
        raise ImageError(where, f"the picture is {width} x {height} pixels, over 64 megapixels", "Render it smaller")
    count = getattr(picture, "n_frames", 1)
    if count > most_frames:
        raise ImageError(where, f"the file has {count} frames, more than {most_frames}", "Give fewer frames")
    if width * height * count > MAX_PIXELS:
        raise ImageError(where, f"{count} frames of {width} x {height} pixels are too many", "Render it smaller")
    return count


def _center(pixels: np.ndarray) -> np.ndarray:
    x, y, size = center_crop(*pixels.shape)
    return pixels[y : y + size, x : x + size]
