"""What every radiograph file must satisfy, whatever its format. Used by the readers of each format."""

from __future__ import annotations

MIN_SIDE = 64
MAX_PIXELS = 64_000_000
# What a picture may take unpacked: 64 megapixels of grey at 16 bits or of RGB at 8 bits. A 16-bit PNG with several
# channels needs several times its size while it is unpacked, and a second for every few megabytes.
MAX_BYTES = 192_000_000
MAX_DEEP_BYTES = 96_000_000


class ImageError(ValueError):
    """A file that cannot be used. `str(error)` is for people: where, what is wrong, what to do.

    No attribute, and no message, holds anything read from a file's text tags, so it may be logged. `where` is the name
    the caller gave, or the file's own name (which may identify a patient: loaders of hospital files give a row number).
    """

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(where, problem, remedy)

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}. {self.remedy}."


def check_size(where: str, width: int, height: int) -> None:
    """Refuse a picture too small to read or too large to decode safely, by its header, before decoding."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            where,
            f"the image says it is {width} x {height} pixels, over the limit of {MAX_PIXELS // 1_000_000} megapixels",
            "Check that it is one radiograph, and export it smaller",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            where,
            f"the image is {width} x {height} pixels; each side needs at least {MIN_SIDE}",
            "Use the radiograph at its full size, not a thumbnail",
        )


def check_bytes(where: str, size: tuple[int, int], channels: int, depth: int, deep: bool) -> None:
    """Refuse a picture that takes too much memory or time to decode, by its header. depth: bytes a sample; deep: a PNG
    that only our own, slower decoder reads at full depth (explain.images.png16)."""
    wanted, limit = size[0] * size[1] * channels * depth, MAX_DEEP_BYTES if deep else MAX_BYTES
    if wanted > limit:
        what = f"{size[0]} x {size[1]} pixels with {channels} channels of {8 * depth} bits"
        raise ImageError(
            where,
            f"the image unpacks to {wanted // 10**6} MB ({what}), over the limit of {limit // 10**6} MB",
            "Export it as grey, one channel, or smaller",
        )
