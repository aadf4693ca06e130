"""What JPEG data say of themselves before they are decoded, and whether some are lost: decoders draw something over a
gap, and only warn."""

import simplejpeg

from explain.images.checks import ImageError

_LOSSLESS_FRAMES = (0xC3, 0xF7)  # SOF3, SOF55


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


def lossless_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) that the frame header of JPEG Lossless (ISO/IEC 10918-1, process 14) or JPEG-LS (14495-1) grey
    data gives; None for any other data, and for data that do not go on to their end marker."""
    if not content.startswith(b"\xff\xd8") or not content.rstrip(b"\0").endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in _LOSSLESS_FRAMES:
            height, width = (int.from_bytes(content[at + 5 + 2 * i : at + 7 + 2 * i], "big") for i in range(2))
            return (width, height) if content[at + 9 : at + 10] == b"\1" else None
        at += 2 + length
    return None


def _decode(content: bytes, strict: bool) -> None:
    simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1, strict=strict)
