"""Every header field of a DICOM file that decides pixels is honoured or refused; absent, empty and wrong are three
things. Right values by PS3.3 C.7.6.3 and C.11.1-2, PS3.5 8.1-8.2, worked out by hand."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, Sequence, dcmread, uid
from pydicom.encaps import encapsulate

from explain.images.radiograph import ImageError, check_image_header, read_dicom_facts, read_radiograph
from explain.render.pictures import grey8
from tests.explain.image_files import ABSENT, dicom, encoded, greys

CHEST = greys(bits=12)
TWELVE_IN_16 = {"BitsStored": 12, "HighBit": 11}


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read_radiograph(data, "row 7")
    return str(caught.value)


def with_tag(tag: int, vr: str, value: object, stored: np.ndarray = CHEST, bits: int = 12, **tags: object) -> bytes:
    ds = dcmread(BytesIO(dicom(stored, bits, **tags)))
    ds.add_new(tag, vr, value)
    file = BytesIO()
    ds.save_as(file)
    return file.getvalue()


def shown(data: bytes) -> np.ndarray:
    return grey8(read_radiograph(data)).astype(int)


# --- bits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("high_bit", [11, 12, 15])
@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
def test_the_high_bit_says_where_the_pixel_stands(high_bit: int, syntax: str) -> None:
    stored = (CHEST << (high_bit - 11)).astype(np.uint16)
    radiograph = read_radiograph(dicom(stored, 12, syntax, HighBit=high_bit))
    assert radiograph.bits == 12 and np.array_equal(radiograph.pixels, CHEST)


def test_signed_pixels_at_a_high_bit_of_15() -> None:
    signed = (CHEST.astype(np.int32) - 2048).astype(np.int16)
    assert np.array_equal(read_radiograph(dicom((signed << 4).astype(np.int16), 12, HighBit=15)).pixels, CHEST)


@pytest.mark.parametrize("high_bit", [ABSENT, None])
def test_without_a_high_bit_pixels_stand_at_the_lowest_bits(high_bit: object) -> None:
    assert np.array_equal(read_radiograph(dicom(CHEST, 12, HighBit=high_bit)).pixels, CHEST)


@pytest.mark.parametrize("high_bit", [3, 16])
def test_a_high_bit_where_pixels_cannot_stand_is_refused(high_bit: int) -> None:
    assert "High Bit" in refusal(dicom(CHEST, 12, HighBit=high_bit))


def test_overlays_in_unused_bits_are_dropped_and_other_bits_refused() -> None:
    stored = CHEST | (np.uint16(1) << 12)
    assert "outside the 12 bits" in refusal(dicom(stored, 12))
    data = with_tag(0x60000102, "US", 12, stored)
    assert np.array_equal(read_radiograph(data).pixels, CHEST)


@pytest.mark.parametrize("value", [ABSENT, None])
def test_pixels_are_unsigned_grey_and_one_frame_unless_the_header_says_otherwise(value: object) -> None:
    names = ("PixelRepresentation", "SamplesPerPixel", "NumberOfFrames", "PresentationLUTShape")
    data = dicom(CHEST, 12, **dict.fromkeys(names, value))
    assert np.array_equal(read_radiograph(data).pixels, CHEST)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"BitsStored": ABSENT}, "lacks Bits Stored"),
        ({"BitsAllocated": None}, "lacks Bits Allocated"),
        ({"Rows": ABSENT}, "lacks Rows"),
        ({"PixelRepresentation": 2}, "Pixel Representation has no usable value"),
        ({"BitsAllocated": 12}, "8 to 16 bits"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not a grey picture"),
        ({"PhotometricInterpretation": ABSENT}, "not a grey picture"),
        ({"PresentationLUTShape": "INVERSE"}, "Presentation LUT Shape"),
        ({"Rows": 80}, "more rows or frames"),
        ({"Rows": 200}, "truncated inside its pixels: 23040 of 48000 bytes"),
        ({"PixelPaddingValue": [1, 2]}, "Pixel Padding Value has no usable value"),
        ({"PixelAspectRatio": ["0", "1"]}, "Pixel Aspect Ratio has no usable value"),
        ({"PixelSpacing": ["0.1", "9"]}, "Pixel Spacing has no usable value"),
    ],
)
def test_what_cannot_be_honoured_is_refused_and_named(tags: dict[str, object], said: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        assert said in refusal(dicom(CHEST, 12, **tags))


def test_monochrome1_with_the_shape_inverse_is_inverted_once() -> None:
    data = dicom(CHEST, 12, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE")
    assert np.array_equal(read_radiograph(data).pixels, 4095 - CHEST)


def test_floating_point_pixels_are_refused() -> None:
    data = with_tag(0x7FE00008, "OF", CHEST.astype("<f4").tobytes(), PixelData=ABSENT)
    assert "floating-point" in refusal(data)


def test_two_frames_in_a_file_that_says_one_are_refused() -> None:
    jpeg = encoded(greys(), "JPEG")
    ds = dcmread(BytesIO(dicom(greys(), 8, uid.JPEGBaseline8Bit, jpeg=jpeg)))
    for has_table in (True, False):
        ds.PixelData = encapsulate([jpeg, jpeg], has_bot=has_table)
        file = BytesIO()
        ds.save_as(file)
        assert "more than one frame" in refusal(file.getvalue())


def test_runs_that_unpack_to_more_than_the_picture_are_refused() -> None:
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + bytes([129, 7]) * 200_000
    assert "cannot be decoded" in refusal(dicom(greys(), 8, uid.RLELossless, jpeg=frame))


# --- absent, empty, wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [ABSENT, None, ""])
def test_an_empty_rescale_says_nothing(value: object) -> None:
    data = dicom(CHEST, 12, RescaleSlope=value, RescaleIntercept=value)
    assert np.array_equal(read_radiograph(data).pixels, CHEST)


def test_a_modality_table_without_items_says_nothing() -> None:
    assert np.array_equal(read_radiograph(dicom(CHEST, 12, ModalityLUTSequence=Sequence([]))).pixels, CHEST)


def test_the_image_class_may_stand_in_the_file_meta_only() -> None:
    for value in (ABSENT, None):
        ds = dcmread(BytesIO(dicom(CHEST, 12)))
        if value is ABSENT:
            del ds.SOPClassUID
        else:
            ds.SOPClassUID = None
        file = BytesIO()
        ds.save_as(file)
        assert np.array_equal(read_radiograph(file.getvalue()).pixels, CHEST)
        assert check_image_header(file.getvalue()).format == "DICOM"


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
def test_a_file_without_preamble_and_one_without_file_meta_are_read(syntax: str) -> None:
    data = dicom(CHEST, 12, syntax, PatientAge="058Y")
    bare = data[132:]
    assert np.array_equal(read_radiograph(bare).pixels, CHEST)
    length = struct.unpack("<I", bare[8:12])[0]
    without_meta = bare[12 + length :]
    assert np.array_equal(read_radiograph(without_meta).pixels, CHEST)
    facts = read_dicom_facts(without_meta)
    assert facts is not None and facts.age == 58


def test_a_file_cut_inside_its_header_says_so() -> None:
    data = dicom(CHEST, 12, PatientComments="x" * 200)
    whole_header = data.index(struct.pack("<HH", 0x7FE0, 0x0010))
    for length in range(400, whole_header, 37):
        said = refusal(data[:length])
        assert "incomplete" in said and "Copy it again" in said


def test_a_late_transfer_syntax_is_found_before_anything_is_inflated() -> None:
    """The syntax stands behind 64 kB of other file meta, the way a bomb hides it."""
    data = dicom(CHEST, 12, uid.DeflatedExplicitVRLittleEndian)
    at = data.index(struct.pack("<HH", 0x0002, 0x0010))
    filler = struct.pack("<HH2sHI", 0x0002, 0x0001, b"OB", 0, 65536) + bytes(65536)
    late = data[:at] + filler + data[at:]
    for read in (read_radiograph, check_image_header, read_dicom_facts):
        with pytest.raises(ImageError, match="deflated"):
            read(late, "row 7")


# --- proportions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "shape"),
    [
        ({"PixelSpacing": ["0.2", "0.1"]}, (192, 120)),
        ({"ImagerPixelSpacing": ["0.1", "0.2"]}, (96, 240)),
        ({"PixelAspectRatio": ["2", "1"]}, (192, 120)),
        ({"PixelSpacing": ["0.1", "0.1"], "PixelAspectRatio": ["2", "1"]}, (96, 120)),
        ({"PixelSpacing": None, "ImagerPixelSpacing": ["0.143", "0.143"]}, (96, 120)),
        ({"PixelSpacing": ["0", "0"]}, (96, 120)),
    ],
)
def test_pixels_that_are_not_square_are_resampled_to_true_proportions(
    tags: dict[str, object], shape: tuple[int, int]
) -> None:
    radiograph = read_radiograph(dicom(CHEST, 12, **tags))
    assert radiograph.pixels.shape == shape and radiograph.as_read is not None
    assert radiograph.as_read.shape == (96, 120)
    assert bool(radiograph.as_read.notes()) == (shape != (96, 120))
    back = np.asarray(Image.fromarray(radiograph.pixels.astype(np.float32)).resize((120, 96), Image.Resampling.BOX))
    assert np.abs(back - CHEST).mean() < 80  # the same picture, only longer


# --- how it is shown --------------------------------------------------------------------------------------------


def table_item(outputs: np.ndarray, first: int = 0, **tags: object) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(outputs) % 65536, first, 16]
    item.add_new("LUTData", "OW", outputs.astype("<u2").tobytes())
    for name, value in tags.items():
        if value is ABSENT:
            delattr(item, name)
        else:
            setattr(item, name, value)
    return item


GOOD_WINDOW = {"WindowCenter": 2048, "WindowWidth": 2000, "VOILUTFunction": "LINEAR_EXACT"}
CURVE = np.round(65535 * (np.arange(4096) / 4095) ** 3)


def test_a_curved_table_is_shown_as_it_is_and_the_model_sees_linear_pixels() -> None:
    data = dicom(CHEST, 12, VOILUTSequence=Sequence([table_item(CURVE)]), **GOOD_WINDOW)
    radiograph = read_radiograph(data)
    assert np.array_equal(radiograph.pixels, CHEST) and radiograph.window is None
    assert np.abs(shown(data) - CURVE[CHEST] / 257).max() <= 1


def test_a_sigmoid_is_shown_as_it_is() -> None:
    data = dicom(CHEST, 12, WindowCenter=2048, WindowWidth=1000, VOILUTFunction="SIGMOID")
    radiograph = read_radiograph(data)
    assert np.array_equal(radiograph.pixels, CHEST) and radiograph.as_read is not None
    assert radiograph.as_read.shown_by == "sigmoid"
    assert np.abs(shown(data) - 255 / (1 + np.exp(-4 * (CHEST.astype(float) - 2048) / 1000))).max() <= 1


def test_a_sigmoid_of_monochrome1_and_of_another_unit() -> None:
    tags = {"WindowCenter": 100, "WindowWidth": 500, "VOILUTFunction": "SIGMOID"}
    data = dicom(CHEST, 12, PhotometricInterpretation="MONOCHROME1", RescaleSlope=0.5, RescaleIntercept=-900, **tags)
    value = CHEST * 0.5 - 900
    assert np.abs(shown(data) - (255 - 255 / (1 + np.exp(-4 * (value - 100) / 500)))).max() <= 1


def test_a_falling_table_inverts_what_reader_and_model_see() -> None:
    data = dicom(CHEST, 12, VOILUTSequence=Sequence([table_item(CURVE[::-1])]))
    assert np.abs(shown(data) - CURVE[4095 - CHEST] / 257).max() <= 1
    assert np.array_equal(read_radiograph(data).pixels, 4095 - CHEST)


def test_the_first_value_of_a_table_may_be_signed() -> None:
    signed = (CHEST.astype(np.int32) - 2048).astype(np.int16)
    item = table_item(CURVE)
    item.add_new("LUTDescriptor", "SS", [4096, -2048, 16])
    assert np.abs(shown(dicom(signed, 12, VOILUTSequence=Sequence([item]))) - CURVE[CHEST] / 257).max() <= 1
    rescaled = dicom(CHEST, 12, RescaleSlope=1, RescaleIntercept=-2048, VOILUTSequence=Sequence([item]))
    assert np.abs(shown(rescaled) - CURVE[CHEST] / 257).max() <= 1


@pytest.mark.parametrize(
    "item",
    [
        table_item(CURVE, LUTDescriptor=[100, 0, 16]),
        table_item(CURVE, LUTData=b""),
        table_item(CURVE, LUTDescriptor=ABSENT),
        table_item(np.full(4096, 9)),
        table_item(CURVE, first=60000),
        table_item(CURVE, LUTDescriptor=[4096, 0, 40]),
        Dataset(),
        None,
    ],
    ids=["length", "no data", "no descriptor", "flat", "elsewhere", "bits", "empty item", "no item"],
)
def test_a_broken_table_gives_way_to_a_good_window_and_then_to_the_whole_range(item: Dataset | None) -> None:
    tables = Sequence([item] if item is not None else [])
    radiograph = read_radiograph(dicom(CHEST, 12, VOILUTSequence=tables, **GOOD_WINDOW))
    assert radiograph.window == (1048, 3048) and radiograph.curve is None
    alone = read_radiograph(dicom(CHEST, 12, VOILUTSequence=tables))
    assert alone.window is None and alone.curve is None
    assert alone.as_read is not None and bool(alone.as_read.notes()) == (item is not None)


@pytest.mark.parametrize(("center", "width"), [(60000, 100), (-5000, 200), (2048, 1), (2048, 2), (9e9, 1)])
def test_a_window_that_leaves_nothing_visible_is_the_whole_range(center: float, width: float) -> None:
    radiograph = read_radiograph(dicom(CHEST, 12, WindowCenter=center, WindowWidth=width))
    assert radiograph.window is None and radiograph.as_read is not None
    assert "shows nothing" in radiograph.as_read.notes()[0]


@pytest.mark.parametrize("centers", [["2000", ""], ["", "2000"], ["2000", "1e999"]])
def test_a_window_counts_where_the_one_beside_it_has_no_value(centers: list[str]) -> None:
    radiograph = read_radiograph(dicom(greys(bits=12), 12, WindowCenter=centers, WindowWidth=["1000", "1000"]))
    assert radiograph.window == (1500.0, 2499.0)


def test_a_spacing_of_zeros_says_nothing() -> None:
    stored = greys(96, 120, bits=12)
    radiograph = read_radiograph(dicom(stored, 12, PixelSpacing=["0", "0"], PixelAspectRatio=["4", "3"]))
    assert radiograph.pixels.shape == (128, 120)


def test_the_second_window_counts_where_the_first_shows_nothing() -> None:
    tags = {"WindowCenter": [60000, 2048], "WindowWidth": [100, 2000], "VOILUTFunction": "LINEAR_EXACT"}
    assert read_radiograph(dicom(CHEST, 12, **tags)).window == (1048, 3048)
