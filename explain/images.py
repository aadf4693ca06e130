"""Read PNG, JPEG and DICOM radiographs: display pixels at full depth, crop box, model input. NumPy only, no torch.

One image is in memory at a time, and nothing but pixels leaves a file: text, EXIF and colour profiles are dropped.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from explain import dicom, png16
from explain.dicom import DicomFacts
from explain.image_checks import MAX_PIXELS, MIN_SIDE, ImageError, check_greys, check_size

__all__ = [
    "MAX_PIXELS", "MIN_SIDE", "MODEL_SIZE", "Crop", "DicomFacts", "ImageError", "ImageHeader", "Radiograph",
    "center_crop", "check_image_header", "pixel_sha256", "read_dicom_facts", "read_radiograph", "resize",
]  # fmt: skip

logging.getLogger("PIL").setLevel(logging.WARNING)  # for good: at lower levels it quotes EXIF

MODEL_SIZE = 224
# Mean difference between an RGB picture's channels, in levels of 255, above which it is in colour and no radiograph.
MAX_COLOUR = 4
_FORMATS = ("PNG", "JPEG")
_REMEDY = "Open the file in an image viewer, and export it again as PNG or JPEG"

Source = str | Path | bytes | BinaryIO


class Crop(NamedTuple):
    """The square the model sees, in pixels of the whole radiograph: left, top, side."""

    x: int
    y: int
    size: int


class ImageHeader(NamedTuple):
    """What a file says of itself before it is decoded. format is PNG, JPEG or DICOM; width and height as stored."""

    format: str
    width: int
    height: int
    bits: int


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One radiograph as a reader sees it.

    pixels: (height, width), uint8 when bits is 8, else uint16 with values 0..2**bits - 1; 0 is black (display
    polarity). window: the grey window (low, high) in pixel values that the file asks to be shown first, or None for the
    whole range.
    """

    pixels: np.ndarray
    bits: int = 8
    window: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        wanted = np.uint8 if self.bits == 8 else np.uint16
        if not 8 <= self.bits <= 16 or self.pixels.ndim != 2 or self.pixels.dtype != wanted:
            raise ValueError(f"A Radiograph of {self.bits} bits needs a 2-D {wanted.__name__} array, 8 <= bits <= 16.")

    @property
    def crop(self) -> Crop:
        """The centre crop the model sees."""
        return center_crop(*self.pixels.shape)

    def cropped(self) -> np.ndarray:
        """The pixels inside the crop: (size, size), same dtype (a view)."""
        x, y, size = self.crop
        return self.pixels[y : y + size, x : x + size]

    def model_input(self) -> np.ndarray:
        """float32 (1, 224, 224) in [-1024, 1024], by TorchXRayVision's normalize, XRayCenterCrop, XRayResizer(224)."""
        scaled = (2 * (self.cropped().astype(np.float32) / (2**self.bits - 1)) - 1.0) * 1024
        return resize(scaled, MODEL_SIZE)[None]


def read_radiograph(source: Source, name: str | None = None) -> Radiograph:
    """Decode and check one PNG, JPEG or DICOM file: a path, its bytes, or a seekable binary file.

    name: what messages call the file (a manifest row, say); by default the file's own name.
    Grey and RGB, 8 and 16 bit; RGB must be grey, and its first channel is taken, as TorchXRayVision does. EXIF
    orientation is honoured. For DICOM see explain.dicom.read_pixels. Raises ImageError with a sentence for people when
    the file is no usable radiograph: unknown format, truncated, absurd dimensions, several frames, colour,
    transparency, blank, text burned in, no radiograph modality, no decoder.
    """
    with opened(source, name) as (file, where):
        header = _check_header(file, where)
        file.seek(0)
        if header.format == "DICOM":
            pixels, bits, window = dicom.read_pixels(file, where)
        else:
            with opened_picture(file, where, _FORMATS) as picture:
                pixels, window = grey_samples(picture, file, where), None
            bits = pixels.dtype.itemsize * 8
        check_greys(where, pixels, bits)
        return Radiograph(np.ascontiguousarray(pixels), bits, window)


def check_image_header(source: Source, name: str | None = None) -> ImageHeader:
    """Format and size of a file, without decoding it; about a millisecond. Raises ImageError for all that a header can
    tell.

    Truncated or blank pixels are only found by read_radiograph, which makes these checks too.
    """
    with opened(source, name) as (file, where):
        return _check_header(file, where)


def read_dicom_facts(source: Source, name: str | None = None) -> DicomFacts | None:
    """Patient id, sex, age, view, modality, burned-in flag of a DICOM file; None for other formats. Raises ImageError.

    The caller hashes the patient id with a key and keeps nothing else that identifies.
    """
    with opened(source, name) as (file, where):
        return dicom.read_facts(file, where) if _sniff(file, where) == "DICOM" else None


def pixel_sha256(radiograph: Radiograph) -> str:
    """Hex digest of shape, depth and pixels: the same picture in another file or format has the same digest."""
    height, width = radiograph.pixels.shape
    digest = hashlib.sha256(f"{height}x{width}x{radiograph.bits}\n".encode())
    little_endian = "<u1" if radiograph.bits == 8 else "<u2"
    digest.update(np.ascontiguousarray(radiograph.pixels, little_endian).data)
    return digest.hexdigest()


def center_crop(height: int, width: int) -> Crop:
    """The largest centred square, rounded as TorchXRayVision's XRayCenterCrop rounds."""
    size = min(height, width)
    return Crop(width // 2 - size // 2, height // 2 - size // 2, size)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Resize (H, W) float32 to (size, size) as TorchXRayVision's XRayResizer does with its default engine.

    That engine is skimage.transform.resize(mode="constant", preserve_range=True): a Gaussian of sigma (factor - 1) / 2
    against aliasing, then linear interpolation on pixel areas, both with zeros outside the picture, then a clip to the
    input's range.
    """
    factors = np.divide(image.shape, size)
    smooth = image
    if (factors > 1).any():
        smooth = ndimage.gaussian_filter(image, np.maximum(0, (factors - 1) / 2), mode="grid-constant")
    out = ndimage.zoom(smooth, 1 / factors, order=1, mode="grid-constant", grid_mode=True)
    low, high = image.min(), image.max()
    if out.min() <= 0 <= out.max():  # the zeros outside widen the range that skimage clips to
        low, high = min(low, 0), max(high, 0)
    return np.clip(out, low, high).astype(np.float32)


@contextmanager
def opened(source: Source, name: str | None) -> Iterator[tuple[BinaryIO, str]]:
    """A seekable binary file and what to call it in messages."""
    if isinstance(source, bytes):
        yield BytesIO(source), name or "image"
    elif isinstance(source, str | Path):
        where = name or Path(source).name
        try:
            file = Path(source).open("rb")  # noqa: SIM115 (the errors of opening are not those of reading)
        except OSError as error:
            raise ImageError(where, f"the file cannot be opened ({error.strerror})", "Check the path") from None
        with file:
            yield file, where
    else:
        yield source, name or "image"


def _sniff(file: BinaryIO, where: str) -> str:
    """PNG, JPEG or DICOM, by the first bytes; the file's extension is not trusted."""
    file.seek(0)
    head = file.read(132)
    file.seek(0)
    if not head:
        raise ImageError(where, "the file is empty", "Copy it again")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[128:] == b"DICM":
        return "DICOM"
    raise ImageError(where, "the file is not PNG, JPEG or DICOM", "Convert it to one of these")


def _check_header(file: BinaryIO, where: str) -> ImageHeader:
    kind = _sniff(file, where)
    if kind == "DICOM":
        header = dicom.check_header(file, where)
        return ImageHeader(kind, header.width, header.height, header.bits)
    deep = png16.is_deep_colour(file.read(26))
    file.seek(0)
    with opened_picture(file, where, _FORMATS) as picture:
        check_size(where, *picture.size)
        if getattr(picture, "n_frames", 1) > 1:
            raise ImageError(where, "the file holds more than one picture", "Load one radiograph per file")
        if picture.mode not in ("L", "LA", "I;16", "P", "PA", "RGB", "RGBA"):
            raise ImageError(
                where, f"pixels of mode {picture.mode} are not supported", "Export it as grey, 8 or 16 bit"
            )
        return ImageHeader(kind, *picture.size, 16 if deep or picture.mode == "I;16" else 8)


@contextmanager
def opened_picture(file: BinaryIO, where: str, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture opened by Pillow; whatever it, or the body, raises over damaged data becomes an ImageError."""
    try:
        with dicom.no_quotes(), Image.open(file, formats=formats) as picture:
            yield picture
    except ImageError:
        raise
    except Image.DecompressionBombError:
        limit = f"the image says it has more than the limit of {MAX_PIXELS // 1_000_000} megapixels"
        raise ImageError(where, limit, "Check that it is one radiograph, and export it smaller") from None
    except Exception:  # Pillow raises OSError, SyntaxError, ValueError, struct.error and more over damaged files
        raise ImageError(where, "the image is truncated, damaged or of an unsupported variant", _REMEDY) from None


def grey_samples(picture: Image.Image, file: BinaryIO, where: str) -> np.ndarray:
    """Grey pixels (H, W), uint8 or uint16, of an open PNG or JPEG whose header was checked, turned upright."""
    picture.load()
    orientation = picture.getexif().get(0x0112, 1)
    file.seek(0)
    if png16.is_deep_colour(file.read(26)):
        file.seek(0)
        samples = png16.decode(file.read())
    else:
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
        samples = np.asarray(picture)
    samples = np.atleast_3d(samples)
    if samples.shape[2] in (2, 4):
        _refuse_transparency(samples[:, :, -1], where)
    if samples.shape[2] >= 3:
        refuse_colour(samples[:, :, :3], where)
    return _upright(samples[:, :, 0], orientation)


def _refuse_transparency(alpha: np.ndarray, where: str) -> None:
    if alpha.min() < np.iinfo(alpha.dtype).max:
        raise ImageError(
            where, "the image has transparent pixels, which have no grey", "Export it without transparency"
        )


def refuse_colour(rgb: np.ndarray, where: str) -> None:
    """Raise ImageError unless the channels of an (H, W, 3) array are nearly the same."""
    red, green, blue = np.moveaxis(rgb, 2, 0)
    spread = float(np.mean(np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)))
    if spread > MAX_COLOUR * np.iinfo(rgb.dtype).max / 255:
        raise ImageError(where, "the image is in colour", "Load the grey picture itself, without colour marks or maps")


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (1..8; tag 0x0112 of EXIF 2.3): even ones are mirrored, from 5 on rows are columns."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
