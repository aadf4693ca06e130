"""JPEG data that were overwritten or lost in the middle: decoders draw something over the gap, and only warn."""

import simplejpeg

from explain.images.checks import ImageError


def refuse_damaged(content: bytes, where: str) -> None:
    """Raise ImageError for a JPEG that can be decoded only by passing over damage in its data.

    All of the data are read, but pixels are made at an eighth of the size. What cannot be decoded at all, or is of a
    variant this decoder does not know, is left to the caller's own decoder to refuse.
    """
    try:
        _decode(content, strict=True)
    except ValueError:
        try:
            _decode(content, strict=False)
        except ValueError:
            return
        raise ImageError(
            where, "the JPEG's data are damaged in the middle", "Copy the file again, or export it again"
        ) from None


def _decode(content: bytes, strict: bool) -> None:
    simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1, strict=strict)
