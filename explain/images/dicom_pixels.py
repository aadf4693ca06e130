"""The stored pixels of a DICOM file, by every header field that decides them (PS3.3 C.7.6.3, PS3.5 8.1-8.2). No torch.

Native pixels are unpacked here, because libraries ignore High Bit, overlays in unused bits and padding; compressed ones
are decoded by pydicom after the size in their stream was compared with the header's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_fragments, generate_frames, parse_basic_offsets
from pydicom.pixels.decoders.base import get_decoder

from explain.images.checks import ImageError
from explain.images.dicom_header import AGAIN, Header
from explain.images.jpeg import lossless_size, refuse_damaged
from explain.images.quotes import no_quotes

OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
OVERLAY_TAGS: list[str | int] = [
    group << 16 | element for group in OVERLAY_GROUPS for element in (0x0100, 0x0102, 0x3000)
]
# Compressed forms whose decoders believe the size in the stream; Pillow reads that size without decoding.
_SIZED_SYNTAXES = {
    *(uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEG2000Lossless, uid.JPEG2000),
    *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
}
# What only GDCM decodes. It would take more, but lossy pictures loaded earlier would then differ by a grey level in
# some pixels, and be other images.
_BY_GDCM = {uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless}
_DECODERS = ("pylibjpeg", "pillow", "pydicom")  # in this order, of those that know the form
_FRAME_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")


@dataclass(frozen=True)
class Layout:
    """How pixels are stored: size, bits a pixel takes, bits that count and where the highest stands, signedness."""

    width: int
    height: int
    allocated: int
    bits: int
    high_bit: int
    signed: bool

    @property
    def zero(self) -> int:
        """The pixel value, counted from 0, that stands for the stored value 0."""
        return 2 ** (self.bits - 1) if self.signed else 0


@dataclass(frozen=True)
class Stored:
    """pixels (H, W), uint8 or uint16, from 0 upwards. padding: bool (H, W), where the header says so, or None."""

    pixels: np.ndarray
    padding: np.ndarray | None


def layout(header: Header) -> Layout:
    """Refuses what cannot be honoured. Raises ImageError."""
    allocated, bits = header.integer("BitsAllocated"), header.integer("BitsStored")
    if not 8 <= bits <= 16 or allocated not in (8, 16) or bits > allocated:
        raise ImageError(
            header.where, "the DICOM file does not hold 8 to 16 bits a pixel", "Export it with 8 to 16 bits"
        )
    high_bit = header.integer("HighBit", bits - 1)
    if not bits - 1 <= high_bit < allocated or (header.compressed and high_bit != bits - 1):
        said = f"the DICOM header puts {bits} bits at High Bit {high_bit} of {allocated} bits, where they cannot stand"
        raise ImageError(header.where, said, AGAIN)
    representation = header.integer("PixelRepresentation", 0)
    if representation not in (0, 1):
        raise header.unusable("PixelRepresentation")
    width, height = header.integer("Columns"), header.integer("Rows")
    return Layout(width, height, allocated, bits, high_bit, representation == 1)


def read(header: Header, how: Layout) -> Stored:
    """Raises ImageError when pixels are missing, too many, damaged, or beyond the bits that the header says."""
    if header.compressed:
        return _compressed(header, how)
    words = _native_words(header, how)
    whole = words.view(np.int16 if how.allocated == 16 else np.int8) if how.signed else words
    shift, mask = how.high_bit + 1 - how.bits, 2**how.bits - 1
    values = (words >> shift) & mask
    if how.signed:
        values ^= how.zero  # two's complement, counted from the lowest value
    padding = _padding(header, how, whole, values)
    _refuse_outside(header, how, words, values, padding)
    if padding is not None:
        values[padding & (_foreign_bits(header, how, words, values) != 0)] = 0
    return Stored(values.astype(np.uint8 if how.bits == 8 else np.uint16), padding)


def _native_words(header: Header, how: Layout) -> np.ndarray:
    data = header.get("PixelData")
    row = how.width * how.allocated // 8
    wanted = how.height * row
    if not isinstance(data, bytes) or len(data) < wanted:
        have = len(data) if isinstance(data, bytes) else 0
        said = f"the DICOM file is truncated inside its pixels: {have} of {wanted} bytes are there"
        raise ImageError(header.where, said, AGAIN)
    if len(data) >= wanted + max(row, 64):
        said = f"the DICOM file has {len(data)} bytes of pixels where its header says {wanted}: more rows or frames"
        raise ImageError(header.where, said, "Export it again, one radiograph in a file")
    big = header.syntax == uid.ExplicitVRBigEndian
    if how.allocated == 8 and big and header.vrs.get(0x7FE00010) == "OW":  # bytes of a word change places
        pairs = np.frombuffer(data[: len(data) // 2 * 2], np.uint8).reshape(-1, 2)
        return pairs[:, ::-1].ravel()[:wanted].reshape(how.height, how.width)
    kind = np.uint8 if how.allocated == 8 else ">u2" if big else "<u2"
    words = np.frombuffer(data, kind, how.height * how.width).reshape(how.height, how.width)
    return words.astype(words.dtype.newbyteorder("="))


def _foreign_bits(header: Header, how: Layout, words: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The bits above High Bit that are neither overlays nor a sign; they should be 0."""
    above = (2**how.allocated - 1) ^ (2 ** (how.high_bit + 1) - 1)
    for position in _overlay_bits(header, how):
        above &= ~(1 << position)
    found: np.ndarray = words & above
    if how.signed:
        found[(found == above) & (values < how.zero)] = 0
    return found


def _overlay_bits(header: Header, how: Layout) -> list[int]:
    """Where overlays stand in the pixels' unused bits (retired, PS3.5 8.1.2): they are dropped."""
    found = []
    for group in OVERLAY_GROUPS:
        position = group << 16 | 0x0102
        if position in header.values and group << 16 | 0x3000 not in header.values:
            bit = header.integer(position, 0)
            if how.high_bit - how.bits < bit <= how.high_bit:
                continue  # its own data are elsewhere, or it lies: the pixels' own bits stay theirs
            found.append(bit)
    return [bit for bit in found if 0 <= bit < how.allocated]


def _refuse_outside(
    header: Header, how: Layout, words: np.ndarray, values: np.ndarray, padding: np.ndarray | None
) -> None:
    foreign = _foreign_bits(header, how, words, values)
    if padding is not None:
        foreign = foreign[~padding]
    if foreign.any():
        said = f"pixel values lie outside the {how.bits} bits the header says"
        raise ImageError(header.where, said, "Export it again")


def _padding(header: Header, how: Layout, whole: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """Where pixels have Pixel Padding Value, or lie between it and Pixel Padding Range Limit (C.7.5.1.1.2): bool
    (H, W), or None. A value is compared with the whole word and with the bits that count, as writers do either."""
    if "PixelPaddingValue" not in header:
        return None
    first = _word(header, "PixelPaddingValue", how)
    last = _word(header, "PixelPaddingRangeLimit", how) if "PixelPaddingRangeLimit" in header else first
    low, high = min(first, last), max(first, last)
    padding = (whole >= low) & (whole <= high)
    if how.bits < how.allocated:
        low, high = low + how.zero, high + how.zero
        padding |= (values >= max(low, 0)) & (values <= min(high, 2**how.bits - 1)) if high >= 0 else False
    return padding if padding.any() else None


def _word(header: Header, name: str, how: Layout) -> int:
    """A number of VR US or SS, whichever the pixels are, also where pydicom left its two bytes."""
    value = header.get(name)
    if isinstance(value, bytes) and len(value) == 2:
        number = int.from_bytes(value, "big" if header.syntax == uid.ExplicitVRBigEndian else "little")
    else:
        number = header.integer(name)
    size = 2**how.allocated
    number %= 2**16
    if how.signed:
        return number - 2**16 if number >= 2**15 else number
    return number % size if how.allocated == 16 else number


def _compressed(header: Header, how: Layout) -> Stored:
    _check_frames(header, how)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = header.syntax
    ds.Rows, ds.Columns, ds.SamplesPerPixel = how.height, how.width, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = how.allocated, how.bits, how.high_bit
    ds.PixelRepresentation = int(how.signed)
    ds.PixelData = header.get("PixelData")
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    try:
        with no_quotes():
            stored = _decoded(ds, header)
    except Exception:  # decoders raise many kinds
        raise ImageError(header.where, "its pixels cannot be decoded: damaged or truncated", AGAIN) from None
    if stored.shape != (how.height, how.width):
        said = "the decoded picture has another size than the DICOM header says"
        raise ImageError(header.where, said, AGAIN)
    shift = how.zero if stored.dtype.kind == "i" else 0
    if int(stored.min()) + shift < 0 or int(stored.max()) + shift >= 2**how.bits:
        said = f"pixel values lie outside the {how.bits} bits the header says"
        raise ImageError(header.where, said, "Export it again")
    values = (stored.astype(np.int32) + shift).astype(np.uint16)
    padding = _padding(header, how, stored, values)
    return Stored(values.astype(np.uint8 if how.bits == 8 else np.uint16), padding)


def _decoded(ds: Dataset, header: Header) -> np.ndarray:
    """By the first decoder that can; raises what the last of them raised."""
    known = get_decoder(header.syntax).available_plugins
    decoders = ["gdcm"] if header.syntax in _BY_GDCM else [name for name in _DECODERS if name in known]
    for name in decoders[:-1]:
        with suppress(Exception):  # many kinds
            ds.pixel_array_options(decoding_plugin=name)
            return ds.pixel_array
    ds.pixel_array_options(decoding_plugin=decoders[-1])
    return ds.pixel_array


def _check_frames(header: Header, how: Layout) -> None:
    """Refuse more than one frame, a stream of another size than the header's, and runs that unpack to more pixels than
    it says: each would be decoded unlimited."""
    data = header.get("PixelData")
    try:
        offsets = parse_basic_offsets(data)
        fragments = list(generate_fragments(BytesIO(data[8 + 4 * len(offsets) :])))
    except Exception:  # many kinds; damaged data, or not encapsulated at all
        raise ImageError(header.where, "its pixels cannot be decoded: damaged or truncated", AGAIN) from None
    starts = sum(fragment.startswith(_FRAME_STARTS) for fragment in fragments)
    if header.syntax == uid.RLELossless:
        starts = len(fragments)
    table = header.get("ExtendedOffsetTable")
    if max(len(offsets), starts, len(table or b"") // 8) > 1:
        raise ImageError(header.where, "the DICOM file has more than one frame", "Load one radiograph per file")
    if header.syntax == uid.RLELossless:
        _check_runs(fragments[0] if fragments else b"", header, how)
    if header.syntax in _SIZED_SYNTAXES:
        _check_stream(data, header, how)
    if header.syntax in _BY_GDCM and lossless_size(_first_frame(data)) != (how.width, how.height):
        said = "its compressed pixels are damaged, truncated, in colour, or of another size than the header says"
        raise ImageError(header.where, said, AGAIN)


def _first_frame(data: bytes) -> bytes:
    with suppress(Exception):  # many kinds
        return next(generate_frames(data, number_of_frames=1))
    return b""


def _check_stream(data: bytes, header: Header, how: Layout) -> None:
    size = None
    try:
        frame = next(generate_frames(data, number_of_frames=1))
        with no_quotes(), Image.open(BytesIO(frame), formats=("JPEG", "JPEG2000")) as picture:
            if picture.format == "JPEG":
                refuse_damaged(frame, header.where)
            size = picture.size if picture.mode in ("L", "I", "I;16") else None
    except ImageError:
        raise
    except Exception:  # many kinds; the next line says all there is to say
        size = None
    if size != (how.width, how.height):
        problem = "its compressed pixels are damaged, 12-bit JPEG, in colour, or of another size than the header says"
        raise ImageError(header.where, problem, "Export it uncompressed, or as JPEG 2000 or PNG")


def _check_runs(frame: bytes, header: Header, how: Layout) -> None:
    """Count what the runs of an RLE frame unpack to (PS3.5 G.3), without unpacking them."""
    numbers = np.frombuffer(frame[:64], "<u4")
    wanted, count = how.width * how.height, how.allocated // 8
    good = len(numbers) == 16 and numbers[0] == count
    ends = [*map(int, numbers[2 : 1 + count]), len(frame)] if good else []
    for start, end in zip(map(int, numbers[1 : 1 + count]) if good else (), ends, strict=False):
        at, made = start, 0
        while at < min(end, len(frame)) and made <= wanted + 1:
            run = frame[at]
            made += run + 1 if run < 128 else 257 - run if run > 128 else 0
            at += run + 2 if run < 128 else 2 if run > 128 else 1
        good = good and made <= wanted + 1
    if not good:
        raise ImageError(header.where, "its pixels cannot be decoded: damaged or truncated", AGAIN)


def check_decoder(header: Header) -> None:
    """Refuse a compression that cannot be decoded here. Raises ImageError."""
    if header.known_syntax and not header.compressed:
        return
    try:
        available = header.known_syntax and get_decoder(header.syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        said = header.syntax.name if header.known_syntax else "an unknown transfer syntax"
        raise ImageError(
            header.where,
            f"its pixels are compressed as {said}, which cannot be decoded here",
            "Decompress it first (gdcmconv --raw, or dcmdjpeg of DCMTK), or export JPEG 2000 or PNG",
        )
