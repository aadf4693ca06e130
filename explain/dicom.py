"""Read one radiograph from a DICOM file by allow-list: the pixels, and the few facts a case needs. No torch.

Nothing else is parsed into memory, and pydicom's log messages and warnings, which quote values, are kept silent: no
message or exception from here can name a patient.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

import numpy as np
import pydicom
from PIL import Image
from pydicom import uid
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

from explain import facts
from explain.image_checks import ImageError, check_size

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # for good: its loggers quote values at every level

RADIOGRAPH_CLASSES = {
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
}
# "DR" is not in the standard but common; "OT" and nothing at all are usual in secondary captures of public data sets.
RADIOGRAPH_MODALITIES = {"CR", "DX", "DR", "RG", "OT", ""}
# Named in messages; anything else could be free text typed into the wrong tag.
OTHER_MODALITIES = {
    "CT",
    "MR",
    "US",
    "NM",
    "PT",
    "MG",
    "XA",
    "RF",
    "IO",
    "PX",
    "BMD",
    "ES",
    "SR",
    "PR",
    "SEG",
    "DOC",
    "OP",
    "SM",
}

_FACT_TAGS = [
    "SpecificCharacterSet",
    "PatientID",
    "PatientSex",
    "PatientAge",
    "ViewPosition",
    "Modality",
    "BurnedInAnnotation",
]
_PIXEL_TAGS = [
    *("SOPClassUID", "PresentationIntentType", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PlanarConfiguration"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
]
# Compressed forms whose decoders believe the size in the stream; Pillow reads that size without decoding.
_SIZED_SYNTAXES = {
    *(uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEG2000Lossless, uid.JPEG2000),
    *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
}


@dataclass(frozen=True)
class DicomFacts:
    """All that is ever taken from a DICOM header beside the pixels. Unknown or unexpected values are None or "".

    patient_id is the only identifying field: the caller hashes it with a key and drops it. It never shows in a repr.
    age, sex and view are those of explain.facts, None or "" where unknown; modality as in RADIOGRAPH_MODALITIES.
    """

    patient_id: str = field(default="", repr=False)
    sex: str = ""
    age: int | None = None
    view: str = ""
    modality: str = ""
    burned_in: bool | None = None


@dataclass(frozen=True)
class DicomHeader:
    """What is known before decoding: size in pixels, bits per pixel."""

    width: int
    height: int
    bits: int


def read_facts(source: BinaryIO, where: str) -> DicomFacts:
    """The facts of an open DICOM file. Raises ImageError."""
    ds = _parse(source, where, _FACT_TAGS)
    return DicomFacts(
        patient_id=_text(ds, "PatientID"),
        sex=facts.or_unknown(facts.sex, _text(ds, "PatientSex"), ""),
        age=facts.or_unknown(facts.age_years, _text(ds, "PatientAge"), None),
        view=facts.or_unknown(facts.view, _text(ds, "ViewPosition"), ""),
        modality=_one_of(ds, "Modality", RADIOGRAPH_MODALITIES),
        burned_in={"YES": True, "NO": False}.get(_text(ds, "BurnedInAnnotation").upper()),
    )


def check_header(source: BinaryIO, where: str) -> DicomHeader:
    """Refuse, without decoding, a DICOM file that is not one plain radiograph. Raises ImageError."""
    ds = _parse(source, where, [*_FACT_TAGS, *_PIXEL_TAGS], stop_before_pixels=True)
    return _check(ds, where)


def read_pixels(source: BinaryIO, where: str) -> tuple[np.ndarray, int, tuple[float, float] | None]:
    """Pixels (H, W) at full depth in display polarity, bits, and the window (low, high) the file asks for, or None.

    The stored values are kept as they are, as TorchXRayVision keeps them, but that MONOCHROME1 and a negative rescale
    slope are inverted and signed values are shifted to start at 0. A positive slope and the intercept only change the
    unit, so they act on the window and not on the pixels. A VOI look-up table or a sigmoid becomes the straight window
    that follows its slope: burning it into the pixels would cost grey levels and change what the model sees.
    """
    ds = _parse(source, where, [*_FACT_TAGS, *_PIXEL_TAGS])
    header = _check(ds, where)
    _check_codestream(ds, header, where)
    stored = _decode(ds, where)
    if stored.shape != (header.height, header.width):
        raise ImageError(where, "the decoded picture has another size than the DICOM header says", "Export it again")
    offset = 2 ** (header.bits - 1) if ds.get("PixelRepresentation", 0) == 1 else 0
    most = 2**header.bits - 1
    pixels = stored.astype(np.int32) + offset if stored.dtype.kind == "i" else stored
    if pixels.min() < 0 or pixels.max() > most:
        raise ImageError(where, f"pixel values lie outside the {header.bits} bits the header says", "Export it again")
    slope, intercept = _rescale(ds, where)
    inverted = (ds.PhotometricInterpretation == "MONOCHROME1") != (slope < 0)
    window = _window(ds, lambda value: (value - intercept) / slope + offset)
    pixels = pixels.astype(np.uint8 if header.bits == 8 else np.uint16)
    if inverted:
        pixels = pixels.dtype.type(most) - pixels
        window = window and (most - window[1], most - window[0])
    return pixels, header.bits, window


def _rescale(ds: pydicom.Dataset, where: str) -> tuple[float, float]:
    try:
        slope, intercept = (
            float(ds.get(name, missing)) for name, missing in (("RescaleSlope", 1), ("RescaleIntercept", 0))
        )
        if slope and np.isfinite([slope, intercept]).all():
            return slope, intercept
    except (TypeError, ValueError):  # its message quotes the value
        pass
    raise ImageError(where, "the DICOM file's rescale slope or intercept is no usable number", "Export it again")


@contextmanager
def no_quotes() -> Iterator[None]:
    """Keep warnings, which may quote what a file says, from being shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _parse(source: BinaryIO, where: str, tags: list[str], stop_before_pixels: bool = False) -> pydicom.Dataset:
    """Parse only `tags`. A deflated file is refused first: parsing it would inflate it, however large, into memory."""
    damaged = ImageError(where, "the file cannot be read as DICOM: damaged or incomplete", "Export it again")
    source.seek(0)
    if uid.DeflatedExplicitVRLittleEndian.encode() in source.read(4096):
        raise ImageError(where, "the whole DICOM file is deflated", "Export it uncompressed, or as JPEG 2000")
    source.seek(0)
    try:
        with no_quotes():
            ds = pydicom.dcmread(source, stop_before_pixels=stop_before_pixels, specific_tags=list(tags))
            for element in ds:  # pydicom converts lazily; do it here, where nothing can leak
                _ = element.value
    except Exception:  # pydicom raises many kinds, quoting what it read
        raise damaged from None
    return ds


def _check(ds: pydicom.Dataset, where: str) -> DicomHeader:
    modality = _text(ds, "Modality").upper()
    if modality not in RADIOGRAPH_MODALITIES:
        said = f"modality {modality}" if modality in OTHER_MODALITIES else "a modality that is no radiograph"
        raise ImageError(where, f"the DICOM file has {said}", "Load CR, DX or secondary captures of radiographs only")
    sop_class = _text(ds, "SOPClassUID")
    if sop_class not in RADIOGRAPH_CLASSES:
        said = uid.UID_dictionary[sop_class][0] if sop_class in uid.UID_dictionary else "no known image class"
        raise ImageError(
            where, f"the DICOM file is: {said}", "Load CR, DX (for presentation) or secondary captures only"
        )
    if _text(ds, "PresentationIntentType").upper() == "FOR PROCESSING":
        raise ImageError(where, "the DICOM file holds unprocessed detector data", "Export the image for presentation")
    if _text(ds, "BurnedInAnnotation").upper() == "YES":
        raise ImageError(
            where,
            "the DICOM file says that text is burned into its pixels (Burned In Annotation = YES)",
            "Remove the text from the picture, or leave this case out",
        )
    if _number(ds, "NumberOfFrames", 1) > 1:
        raise ImageError(where, "the DICOM file has more than one frame", "Load one radiograph per file")
    photometric = _text(ds, "PhotometricInterpretation")
    if _number(ds, "SamplesPerPixel", 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError(
            where, "the DICOM file is not a grey picture (MONOCHROME1 or MONOCHROME2)", "Export it as grey"
        )
    bits, allocated = _number(ds, "BitsStored", 0), _number(ds, "BitsAllocated", 0)
    if not 8 <= bits <= 16 or allocated not in (8, 16) or bits > allocated:
        raise ImageError(where, "the DICOM file does not hold 8 to 16 bits a pixel", "Export it with 8 to 16 bits")
    if "ModalityLUTSequence" in ds:
        raise ImageError(where, "the DICOM file needs a modality look-up table", "Export it with that table applied")
    width, height = _number(ds, "Columns", 0), _number(ds, "Rows", 0)
    check_size(where, width, height)
    _check_decoder(ds, where)
    return DicomHeader(width, height, bits)


def _check_decoder(ds: pydicom.Dataset, where: str) -> None:
    syntax = getattr(ds.file_meta, "TransferSyntaxUID", uid.ImplicitVRLittleEndian)
    known = syntax in uid.UID_dictionary and syntax.is_transfer_syntax
    if known and not syntax.is_compressed:
        return
    try:
        available = known and get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        said = syntax.name if known else "an unknown transfer syntax"
        raise ImageError(
            where,
            f"its pixels are compressed as {said}, which cannot be decoded here",
            "Decompress it first (JPEG Lossless: dcmdjpeg of DCMTK, or gdcmconv --raw), or export JPEG 2000 or PNG",
        )


def _check_codestream(ds: pydicom.Dataset, header: DicomHeader, where: str) -> None:
    """Refuse a JPEG or JPEG 2000 stream that announces another size than the header: it would be decoded unlimited."""
    syntax = getattr(ds.file_meta, "TransferSyntaxUID", uid.ImplicitVRLittleEndian)
    if syntax not in _SIZED_SYNTAXES:
        return
    size = None
    try:
        frame = next(generate_frames(ds.PixelData, number_of_frames=1))
        with no_quotes(), Image.open(BytesIO(frame), formats=("JPEG", "JPEG2000")) as picture:
            size = picture.size
    except Exception:  # many kinds; the next line says all there is to say
        size = None
    if size != (header.width, header.height):
        problem = "its compressed pixels are damaged, 12-bit JPEG, or of another size than the header says"
        raise ImageError(where, problem, "Export it uncompressed, or as JPEG 2000 or PNG")


def _decode(ds: pydicom.Dataset, where: str) -> np.ndarray:
    try:
        with no_quotes():
            return ds.pixel_array
    except Exception:  # decoders raise many kinds
        raise ImageError(where, "its pixels cannot be decoded: damaged or truncated", "Export it again") from None


def _window(ds: pydicom.Dataset, to_pixel: Callable[[float], float]) -> tuple[float, float] | None:
    """The window the file asks for, as (low, high) in pixel values; the first when there are several (PS3.3 C.11.2)."""
    try:
        if "VOILUTSequence" in ds:
            low, high = _lut_window(ds.VOILUTSequence[0])
        else:
            center, width = (float(np.atleast_1d(ds[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
            if _text(ds, "VOILUTFunction") in ("LINEAR_EXACT", "SIGMOID"):
                low, high = center - width / 2, center + width / 2
            elif width < 1:
                return None
            else:
                low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        ends = sorted((to_pixel(low), to_pixel(high)))
    except Exception:  # no window, or one that makes no sense: the whole range is shown
        return None
    return (ends[0], ends[1]) if np.isfinite(ends).all() and ends[0] < ends[1] else None


def _lut_window(item: pydicom.Dataset) -> tuple[float, float]:
    """The straight window near a VOI look-up table: the line through where it passes 10 and 90 % of its output."""
    entries, first, bits = (int(value) for value in item.LUTDescriptor)
    data = item.LUTData
    table = (
        np.frombuffer(data, np.uint8 if bits <= 8 and len(data) == entries else "<u2")
        if isinstance(data, bytes)
        else data
    )
    table = np.asarray(table, float)
    share = (table - table.min()) / (table.max() - table.min())
    low, high = (first + int(np.argmax(share >= level)) for level in (0.1, 0.9))
    return low - (high - low) / 8, high + (high - low) / 8


def _text(ds: pydicom.Dataset, name: str) -> str:
    value = ds.get(name)
    return value.strip() if isinstance(value, str) else ""


def _one_of(ds: pydicom.Dataset, name: str, allowed: set[str]) -> str:
    value = _text(ds, name).upper()
    return value if value in allowed else ""


def _number(ds: pydicom.Dataset, name: str, default: int) -> int:
    try:
        return int(ds.get(name) or default)
    except (TypeError, ValueError):
        return 0
