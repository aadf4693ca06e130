"""Read PNG, JPEG and DICOM radiographs: display pixels at full depth, crop box, model input. NumPy only, no torch.

One image is in memory at a time, and nothing but pixels leaves a file: text, EXIF and colour profiles are dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from explain.images import dicom, grey_range, png16
from explain.images.as_read import MAX_RATIO, AsRead, Shown, resampled, true_shape
from explain.images.checks import MAX_PIXELS, MIN_SIDE, ImageError, check_bytes, check_size
from explain.images.colour_marks import refuse_colour
from explain.images.dicom import DicomFacts
from explain.images.jpeg import refuse_damaged
from explain.images.quotes import no_quotes

__all__ = [
    "MAX_PIXELS", "MIN_SIDE", "MODEL_SIZE", "Crop", "DicomFacts", "ImageError", "ImageHeader", "Radiograph",
    "center_crop", "check_image_header", "pixel_sha256", "ranged", "read_dicom_facts", "read_radiograph",
    "refuse_colour", "resize",
]  # fmt: skip

MODEL_SIZE = 224
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
    whole range. curve: where the file asks for a curve instead, the grey value shown for each pixel value, (2**bits,)
    of the pixels' dtype. as_read: what was done to the pixels of its file, None for one that comes from no file.
    """

    pixels: np.ndarray
    bits: int = 8
    window: tuple[float, float] | None = None
    curve: np.ndarray | None = None
    as_read: AsRead | None = None

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

    def as_shown(self) -> Radiograph:
        """The radiograph as a viewer starts from it: a curve is applied to its pixels, a window is not."""
        if self.curve is None:
            return self
        return Radiograph(self.curve[self.pixels], self.bits, None, None, self.as_read)

    def model_input(self, size: int = MODEL_SIZE) -> np.ndarray:
        """float32 (1, size, size) in [-1024, 1024], by TorchXRayVision's normalize, XRayCenterCrop, XRayResizer."""
        scaled = (2 * (self.cropped().astype(np.float32) / (2**self.bits - 1)) - 1.0) * 1024
        return resize(scaled, size)[None]


def read_radiograph(source: Source, name: str | None = None) -> Radiograph:
    """Decode and check one PNG, JPEG or DICOM file: a path, its bytes, or a seekable binary file.

    name: what messages call the file (a manifest row, say); by default the file's own name.
    Grey and RGB, 8 and 16 bit; RGB must be grey, and its first channel is taken, as TorchXRayVision does. EXIF
    orientation is honoured, and pixels that are not square are resampled to the picture's true proportions. A grey
    range of which the pixels use next to nothing is replaced (grey_range). For DICOM see
    dicom.read_pixels. Raises ImageError with a sentence for people when the file is no usable radiograph:
    unknown format, truncated, absurd dimensions, several frames, colour, transparency, blank, text burned in, no
    radiograph modality, no decoder.
    """
    with opened(source, name) as (file, where):
        header = _check_header(file, where)
        file.seek(0)
        if header.format == "DICOM":
            pixels, bits, shown, as_read = dicom.read_pixels(file, where)
            return _squared(pixels, bits, shown, as_read)
        with opened_picture(file, where, _FORMATS) as picture:
            pixels, ratio = grey_samples(picture, file, where), _pixel_ratio(picture)
        return ranged(pixels, where, ratio)


def ranged(pixels: np.ndarray, where: str, pixel_ratio: float = 1.0) -> Radiograph:
    """The radiograph of grey pixels (H, W), uint8 or uint16, that no header describes. Raises ImageError when blank."""
    bits = pixels.dtype.itemsize * 8
    counts = grey_range.histogram(pixels, bits)
    grey = grey_range.choose(where, counts, bits)
    as_read = AsRead(pixels.shape, (0, 2**bits - 1), (grey.low, grey.high), grey.replaced, pixel_ratio=pixel_ratio)
    black = grey_range.with_black_surround(grey.apply(pixels), pixels, None, counts, grey)
    return _squared(black, grey.bits, Shown(), as_read)


def _squared(pixels: np.ndarray, bits: int, shown: Shown, as_read: AsRead) -> Radiograph:
    """With square pixels: crop, masks and maps need no other rule then."""
    pixels = resampled(pixels, true_shape(as_read.shape, as_read.pixel_ratio))
    return Radiograph(np.ascontiguousarray(pixels), bits, shown.window, shown.curve, as_read)


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
    clipped: np.ndarray = np.clip(out, low, high)
    return clipped.astype(np.float32)


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
    if dicom.is_dicom(head):
        return "DICOM"
    if head.startswith(b"PK\x03\x04"):
        raise ImageError(where, "the file is a ZIP, not an image", "Unpack it, and load its images themselves")
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
        check_bytes(where, picture.size, len(picture.getbands()), 2 if deep or picture.mode == "I;16" else 1, deep)
        return ImageHeader(kind, *picture.size, 16 if deep or picture.mode == "I;16" else 8)


@contextmanager
def opened_picture(file: BinaryIO, where: str, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture opened by Pillow; whatever it, or the body, raises over damaged data becomes an ImageError."""
    try:
        with no_quotes(), Image.open(file, formats=formats) as picture:
            yield picture
    except (ImageError, MemoryError):
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
    if picture.format == "JPEG":
        file.seek(0)
        refuse_damaged(file.read(), where)
    file.seek(0)
    if png16.is_deep_colour(file.read(26)):
        file.seek(0)
        samples = png16.decode(file.read())
    else:
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
        samples = np.asarray(picture)
    samples = _upright(np.atleast_3d(samples), orientation)
    if samples.shape[2] in (2, 4):
        _refuse_transparency(samples[:, :, -1], where)
    if samples.shape[2] >= 3:
        refuse_colour(samples[:, :, :3], where)
    return samples[:, :, 0]


def _pixel_ratio(picture: Image.Image) -> float:
    """A pixel's height over its width, by PNG's pHYs or JPEG's JFIF density, which count pixels per unit; 1 when they
    say nothing, or nothing plausible: unlike a modality, programs write them without thought."""
    density = picture.info.get("aspect") or picture.info.get("jfif_density") or picture.info.get("dpi") or (1, 1)
    across, down = (float(value) for value in density)
    ratio = across / down if across > 0 and down > 0 else 1.0
    if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8):
        ratio = 1 / ratio
    return ratio if 1 / MAX_RATIO <= ratio <= MAX_RATIO else 1.0


def _refuse_transparency(alpha: np.ndarray, where: str) -> None:
    if alpha.min() < np.iinfo(alpha.dtype).max:
        raise ImageError(
            where, "the image has transparent pixels, which have no grey", "Export it without transparency"
        )


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (1..8; tag 0x0112 of EXIF 2.3): even ones are mirrored, from 5 on rows are columns."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
