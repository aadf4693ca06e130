"""Read one radiograph from a DICOM file by allow-list: the pixels, and the few facts a case needs. No torch.

Nothing else is parsed into memory, and pydicom's log messages and warnings, which quote values, are kept silent: no
message or exception from here can name a patient. Sources: DICOM PS3.3 C.7.6.3, C.11.1-2; PS3.5 8.1-8.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from pydicom import uid
from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

from explain.images import dicom_pixels, dicom_tones, facts, grey_range
from explain.images.as_read import MAX_RATIO, AsRead, Shown
from explain.images.checks import ImageError, check_size
from explain.images.dicom_header import AGAIN, Header, is_dicom, parse
from explain.images.tones import Shares, Tone, is_visible

__all__ = ["DicomFacts", "DicomHeader", "check_header", "is_dicom", "read_facts", "read_pixels"]

RADIOGRAPH_CLASSES = {
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
}
# "DR" is not in the standard but common; "OT" and nothing at all are usual in secondary captures of public data sets.
RADIOGRAPH_MODALITIES = {"CR", "DX", "DR", "RG", "OT", ""}
# With one of these a file needs no image class: some writers leave it out.
_SURELY_RADIOGRAPHS = {"CR", "DX", "DR", "RG"}
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

_FACT_TAGS: list[str | int] = [
    *("SpecificCharacterSet", "PatientID", "PatientSex", "PatientAge", "ViewPosition", "Modality"),
    "BurnedInAnnotation",
]
_PIXEL_TAGS: list[str | int] = [
    *("SOPClassUID", "PresentationIntentType", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "PresentationLUTShape"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *dicom_pixels.OVERLAY_TAGS,
]


@dataclass(frozen=True)
class DicomFacts:
    """All that is ever taken from a DICOM header beside the pixels. Unknown or unexpected values are None or "".

    patient_id is the only identifying field: the caller hashes it with a key and drops it. It never shows in a repr.
    age, sex and view are those of explain.images.facts, None or "" where unknown; modality as in RADIOGRAPH_MODALITIES.
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
    header = parse(source, where, _FACT_TAGS, stop_before_pixels=True)
    modality = header.text("Modality").upper()
    return DicomFacts(
        patient_id=header.text("PatientID"),
        sex=facts.or_unknown(facts.sex, header.text("PatientSex"), ""),
        age=facts.or_unknown(facts.age_years, header.text("PatientAge"), None),
        view=facts.or_unknown(facts.view, header.text("ViewPosition"), ""),
        modality=modality if modality in RADIOGRAPH_MODALITIES else "",
        burned_in={"YES": True, "NO": False}.get(header.text("BurnedInAnnotation").upper()),
    )


def check_header(source: BinaryIO, where: str) -> DicomHeader:
    """Refuse, without decoding, a DICOM file that is not one plain radiograph. Raises ImageError."""
    how = _check(parse(source, where, [*_FACT_TAGS, *_PIXEL_TAGS], stop_before_pixels=True))
    return DicomHeader(how.width, how.height, how.bits)


def read_pixels(source: BinaryIO, where: str) -> tuple[np.ndarray, int, Shown, AsRead]:
    """Pixels (H, W) in display polarity, bits, how they are first shown, and what was done to them.

    The stored values are kept as they are, as TorchXRayVision keeps them, but that MONOCHROME1, a negative rescale
    slope and a falling look-up table are inverted, signed values are shifted to start at 0, and a range of which they
    use next to nothing is replaced (grey_range). A positive slope and the intercept only change the unit, so they act
    on the way of showing and not on the pixels. Padding that lies around the picture is black.
    """
    header = parse(source, where, [*_FACT_TAGS, *_PIXEL_TAGS])
    how = _check(header)
    slope, intercept = _rescale(header)
    stored = dicom_pixels.read(header, how)
    counts = grey_range.histogram(stored.pixels, how.bits, stored.padding)
    grey = grey_range.choose(where, counts, how.bits, how.zero)

    def value_of(pixel: np.ndarray) -> np.ndarray:
        return slope * (pixel - how.zero) + intercept

    tone = _tone(header, counts, value_of)
    inverted = (_photometric(header) == "MONOCHROME1") ^ (slope < 0) ^ bool(tone and tone.falls)
    most = 2**grey.bits - 1
    pixels = grey.apply(stored.pixels)
    if inverted:
        pixels = pixels.dtype.type(most) - pixels
    pixels = grey_range.with_black_surround(pixels, stored.pixels, stored.padding, counts, grey)
    shown = Shown()
    if tone:
        shown = Shown.of(tone.of(lambda x: value_of(grey.low + (most - x if inverted else x) / grey.scale)), grey.bits)
    as_read = AsRead(
        shape=(how.height, how.width),
        declared=(-how.zero, 2**how.bits - 1 - how.zero),
        used=(grey.low - how.zero, grey.high - how.zero),
        replaced=grey.replaced,
        pixel_ratio=_pixel_ratio(header),
        shown_by=shown.by,
        not_shown=tone is None and dicom_tones.asked(header),
    )
    return pixels, grey.bits, shown, as_read


def _tone(header: Header, counts: np.ndarray, value_of: Shares) -> Tone | None:
    """The first way of showing the header asks for that shows something of pixels with this histogram."""
    values = value_of(np.arange(len(counts), dtype=float))
    for tone in dicom_tones.tones(header, float(values.min()), float(values.max())):
        if is_visible(tone.share(values), counts):
            return tone
    return None


def _rescale(header: Header) -> tuple[float, float]:
    try:
        slope, intercept = header.number("RescaleSlope", 1), header.number("RescaleIntercept", 0)
    except ImageError:
        slope = intercept = 0
    if slope == 0:
        said = "the DICOM file's rescale slope or intercept is no usable number"
        raise ImageError(header.where, said, "Export it again")
    return slope, intercept


def _pixel_ratio(header: Header) -> float:
    """A pixel's height over its width, by the spacing between pixels or else their aspect ratio (C.7.6.3.1.7)."""
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        sides = header.numbers(name)
        if not any(sides):
            continue  # zeros say nothing, as absence does
        if len(sides) != 2 or (sides[0] != sides[1] and min(sides) <= 0):
            raise header.unusable(name)
        ratio = sides[0] / sides[1]
        if not 1 / MAX_RATIO <= ratio <= MAX_RATIO:
            raise header.unusable(name)
        return ratio
    return 1.0


def _photometric(header: Header) -> str:
    return header.text("PhotometricInterpretation").upper()


def _check(header: Header) -> dicom_pixels.Layout:
    _check_kind(header)
    where = header.where
    if "PixelData" not in header.pictures:
        raise ImageError(where, "the DICOM file's pixels are floating-point numbers", "Export 8 to 16 bits a pixel")
    if header.text("PresentationIntentType").upper() == "FOR PROCESSING":
        raise ImageError(where, "the DICOM file holds unprocessed detector data", "Export the image for presentation")
    if header.text("BurnedInAnnotation").upper() == "YES":
        raise ImageError(
            where,
            "the DICOM file says that text is burned into its pixels (Burned In Annotation = YES)",
            "Remove the text from the picture, or leave this case out",
        )
    frames = header.integer("NumberOfFrames", 1)
    if frames > 1:
        raise ImageError(where, "the DICOM file has more than one frame", "Load one radiograph per file")
    if frames < 0:
        raise header.unusable("NumberOfFrames")
    _check_grey(header)
    how = dicom_pixels.layout(header)
    if header.get("ModalityLUTSequence"):
        raise ImageError(where, "the DICOM file needs a modality look-up table", "Export it with that table applied")
    check_size(where, how.width, how.height)
    _rescale(header)
    _pixel_ratio(header)
    dicom_pixels.check_decoder(header)
    return how


def _check_kind(header: Header) -> None:
    """Refuse another kind of file, then a file that ends before its picture, then one that does not say its kind."""
    where, modality = header.where, header.text("Modality").upper()
    if modality not in RADIOGRAPH_MODALITIES:
        said = f"modality {modality}" if modality in OTHER_MODALITIES else "a modality that is no radiograph"
        raise ImageError(where, f"the DICOM file has {said}", "Load CR, DX or secondary captures of radiographs only")
    sop_class = header.text("SOPClassUID") or header.meta_class
    stated = bool(sop_class) or "SOPClassUID" in header
    remedy = "Load CR, DX (for presentation) or secondary captures only"
    if stated and sop_class not in RADIOGRAPH_CLASSES:
        said = UID_dictionary[sop_class][0] if sop_class in UID_dictionary else "no known image class"
        raise ImageError(where, f"the DICOM file is: {said}", remedy)
    if not header.pictures:
        said = "the DICOM file is incomplete: it ends inside its header, before its picture"
        raise ImageError(where, said, AGAIN)
    if not stated and modality not in _SURELY_RADIOGRAPHS:
        raise ImageError(where, "the DICOM file says neither its image class nor a modality of radiographs", remedy)


def _check_grey(header: Header) -> None:
    photometric, shape = _photometric(header), header.text("PresentationLUTShape").upper()
    if header.integer("SamplesPerPixel", 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError(
            header.where, "the DICOM file is not a grey picture (MONOCHROME1 or MONOCHROME2)", "Export it as grey"
        )
    # INVERSE goes with MONOCHROME1 and says the same once more (C.11.6.1.2); IDENTITY, and a word that is no shape,
    # add nothing; LIN OD is for film printers
    if shape == "LIN OD" or (shape == "INVERSE" and photometric == "MONOCHROME2"):
        said = "the DICOM header's Presentation LUT Shape contradicts its Photometric Interpretation"
        raise ImageError(header.where, said, "Export it again, as MONOCHROME2 with the shape IDENTITY")
