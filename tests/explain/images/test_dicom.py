"""Reading DICOM radiographs: polarity, depth, windows, compression, refusals, and that nothing identifying leaks."""

from __future__ import annotations

import logging
import traceback
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import Dataset, Sequence, uid
from pydicom.encaps import generate_frames

from explain.images.radiograph import DicomFacts, ImageError, check_image_header, read_dicom_facts, read_radiograph
from tests.explain.image_files import dicom, encoded, greys


def refused(data: bytes, words: str) -> ImageError:
    with pytest.raises(ImageError, match=words) as caught:
        read_radiograph(data, "row 7")
    return caught.value


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(
    "syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.JPEG2000Lossless, uid.RLELossless]
)
def test_it_reads_every_depth_lossless(bits: int, syntax: str) -> None:
    stored = greys(bits=bits)
    data = dicom(stored, bits, syntax)
    radiograph = read_radiograph(data)
    assert radiograph.bits == bits and radiograph.pixels.dtype == stored.dtype and radiograph.window is None
    assert np.array_equal(radiograph.pixels, stored)
    assert check_image_header(data) == ("DICOM", 120, 96, bits)


def test_it_reads_jpeg_baseline_and_lossy_jpeg_2000() -> None:
    jpeg = encoded(greys(), "JPEG", quality=95)
    baseline = read_radiograph(dicom(greys(), 8, uid.JPEGBaseline8Bit, jpeg=jpeg))
    assert np.array_equal(baseline.pixels, np.asarray(Image.open(BytesIO(jpeg))))
    stored = greys(bits=12)
    lossy = BytesIO()
    Image.fromarray(stored).save(
        lossy, "JPEG2000", irreversible=True, quality_mode="dB", quality_layers=[60], no_jp2=True
    )
    pixels = read_radiograph(dicom(stored, 12, uid.JPEG2000, jpeg=lossy.getvalue())).pixels.astype(int)
    assert 0 < np.abs(pixels - stored).max() < 400


def test_monochrome1_and_a_negative_slope_invert_and_together_do_not() -> None:
    stored = greys(bits=12)
    one = {"PhotometricInterpretation": "MONOCHROME1"}
    negative = {"RescaleSlope": -1, "RescaleIntercept": 4095}
    assert np.array_equal(read_radiograph(dicom(stored, 12, **one)).pixels, 4095 - stored)
    assert np.array_equal(read_radiograph(dicom(stored, 12, **negative)).pixels, 4095 - stored)
    assert np.array_equal(read_radiograph(dicom(stored, 12, **one, **negative)).pixels, stored)
    assert np.array_equal(read_radiograph(dicom(greys(), 8, **one)).pixels, 255 - greys())


def test_a_positive_slope_changes_the_unit_and_not_the_pixels() -> None:
    stored = greys(bits=12)
    radiograph = read_radiograph(
        dicom(stored, 12, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=1000, WindowWidth=2001)
    )
    assert np.array_equal(radiograph.pixels, stored)
    assert radiograph.window == (499.75, 1499.75)  # (1000 - 0.5 -+ 1000 + 1000) / 2


def test_signed_pixels_are_shifted_to_start_at_zero() -> None:
    stored = (greys(bits=12).astype(np.int32) - 2048).astype(np.int16)
    radiograph = read_radiograph(dicom(stored, 12, WindowCenter=0, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT"))
    assert np.array_equal(radiograph.pixels, greys(bits=12))
    assert radiograph.window == (1548, 2548)


def test_the_window_follows_the_polarity_and_the_first_of_several_counts() -> None:
    tags = {"WindowCenter": [1000, 7], "WindowWidth": [401, 9], "PhotometricInterpretation": "MONOCHROME1"}
    assert read_radiograph(dicom(greys(bits=12), 12, **tags)).window == (4095 - 1199.5, 4095 - 799.5)


def test_a_voi_lookup_table_becomes_the_straight_window_along_it() -> None:
    item = Dataset()
    item.LUTDescriptor = [1001, 1000, 16]
    item.LUTData = np.linspace(0, 60000, 1001).astype("<u2").tobytes()
    radiograph = read_radiograph(dicom(greys(bits=12), 12, VOILUTSequence=Sequence([item])))
    assert radiograph.window == pytest.approx((1000, 2000), abs=2)
    assert np.array_equal(radiograph.pixels, greys(bits=12))


def test_a_senseless_window_is_no_window() -> None:
    for center, width in [("1000", "0"), (["5", "6"], ""), ("", "")]:
        assert read_radiograph(dicom(greys(bits=12), 12, WindowCenter=center, WindowWidth=width)).window is None


@pytest.mark.torch
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_model_input_is_that_of_torchxrayvisions_dicom_reader(photometric: str, tmp_path: Path) -> None:
    xrv = pytest.importorskip("torchxrayvision")
    path = tmp_path / "case.dcm"
    path.write_bytes(
        dicom(greys(300, 400, bits=12), 12, PhotometricInterpretation=photometric, WindowCenter=9, WindowWidth=9)
    )
    with warnings.catch_warnings(action="ignore"):
        image = xrv.utils.read_xray_dcm(path)[None]
    expected = xrv.datasets.XRayResizer(224)(xrv.datasets.XRayCenterCrop()(image))
    np.testing.assert_allclose(read_radiograph(path).model_input(), expected, rtol=0, atol=1e-3)


# --- facts ------------------------------------------------------------------------------------------------------


def test_the_facts_are_an_allow_list() -> None:
    tags = {
        "PatientID": "HOSP-1",
        "PatientName": "Roentgen^Anna",
        "PatientSex": "F",
        "PatientAge": "067Y",
        "ViewPosition": "PA",
    }
    facts = read_dicom_facts(dicom(greys(), 8, **tags, BurnedInAnnotation="NO"))
    assert facts == DicomFacts("HOSP-1", "F", 67, "PA", "CR", False)
    assert "HOSP-1" not in repr(facts)
    assert read_dicom_facts(dicom(greys(), 8)) == DicomFacts(modality="CR")
    assert read_dicom_facts(encoded(greys())) is None


@pytest.mark.parametrize(
    "text, years", [("018M", 1), ("400D", 1), ("051W", 0), ("102Y", 102), ("67", 67), ("414Y", None), ("old", None)]
)
def test_ages_are_whole_years(text: str, years: int | None) -> None:
    with warnings.catch_warnings(action="ignore"):
        data = dicom(greys(), 8, PatientAge=text)
    facts = read_dicom_facts(data)
    assert facts is not None and facts.age == years


def test_free_text_in_a_coded_tag_is_dropped() -> None:
    with warnings.catch_warnings(action="ignore"):
        data = dicom(greys(), 8, PatientSex="Anna", ViewPosition="ask Anna")
    assert read_dicom_facts(data) == DicomFacts(modality="CR")


# --- refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags, words",
    [
        ({"BurnedInAnnotation": "YES"}, "text is burned into its pixels"),
        ({"Modality": "CT"}, "modality CT"),
        ({"Modality": "MG"}, "modality MG"),
        ({"SOPClassUID": uid.CTImageStorage}, "the DICOM file is: CT Image Storage"),
        ({"SOPClassUID": uid.UID("1.2.3")}, "no known image class"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "unprocessed detector data"),
        ({"NumberOfFrames": 2}, "more than one frame"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not a grey picture"),
        ({"BitsStored": 4}, "8 to 16 bits"),
        ({"Rows": 40_000, "Columns": 40_000}, "64 megapixels"),
        ({"Rows": 20}, "at least 64"),
        ({"ModalityLUTSequence": Sequence([Dataset()])}, "modality look-up table"),
    ],
)
def test_what_is_no_plain_radiograph_is_refused_by_its_header(tags: dict[str, object], words: str) -> None:
    data = dicom(greys(), 8, **tags)
    refused(data, words)
    with pytest.raises(ImageError, match=words):
        check_image_header(data)


def test_secondary_captures_and_dx_are_accepted() -> None:
    for sop_class, modality in [
        (uid.SecondaryCaptureImageStorage, "OT"),
        (uid.SecondaryCaptureImageStorage, ""),
        (uid.DigitalXRayImageStorageForPresentation, "DX"),
    ]:
        assert read_radiograph(dicom(greys(), 8, sop_class=sop_class, Modality=modality)).bits == 8


def test_a_form_without_a_decoder_says_what_to_do() -> None:
    data = dicom(greys(bits=12), 12, uid.MPEG4HP41, jpeg=b"\xff\xd8\xff\xc3" + bytes(100))
    error = refused(data, "compressed as MPEG-4")
    assert "gdcmconv --raw" in error.remedy
    with pytest.raises(ImageError, match="MPEG-4"):
        check_image_header(data)


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_jpeg_lossless_and_jpeg_ls_give_the_pixels_back(syntax: uid.UID, bits: int, tmp_path: Path) -> None:
    pixels = greys(bits=bits)
    radiograph = read_radiograph(compressed_by_gdcm(dicom(pixels, bits), syntax, tmp_path))
    assert radiograph.bits == bits and np.array_equal(radiograph.pixels, pixels)


@pytest.mark.parametrize("syntax", [uid.JPEGLosslessSV1, uid.JPEGLSLossless])
def test_a_damaged_lossless_stream_is_refused(syntax: uid.UID, tmp_path: Path) -> None:
    """One of another size, in colour, cut off, with a header that says nothing, or without its data."""
    whole = pydicom.dcmread(BytesIO(compressed_by_gdcm(dicom(greys(bits=12), 12), syntax, tmp_path))).PixelData
    frame = next(generate_frames(whole, number_of_frames=1)).rstrip(b"\0")
    at = frame.index(b"\xff\xc3" if syntax == uid.JPEGLosslessSV1 else b"\xff\xf7")
    broken = {
        "size": frame[: at + 5] + b"\0\x61" + frame[at + 7 :],
        "colour": frame[: at + 9] + b"\3" + frame[at + 10 :],
        "cut": frame[: len(frame) // 2],
        "no header": frame[:2] + frame[-2:],
        "no start": frame[2:],
        "header cut": frame[: at + 4],
    }
    for stream in broken.values():
        refused(dicom(greys(bits=12), 12, syntax, jpeg=stream), "another size than the header")
    empty = frame[: frame.index(b"\xff\xda") + 4] + frame[-2:]
    refused(dicom(greys(bits=12), 12, syntax, jpeg=empty), "damaged or truncated|outside the 12 bits")


def compressed_by_gdcm(data: bytes, syntax: uid.UID, folder: Path) -> bytes:
    """The DICOM file with its pixels compressed."""
    import gdcm

    before, after = folder / "before.dcm", folder / "after.dcm"
    before.write_bytes(data)
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(before))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(after))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return after.read_bytes()


def test_a_compressed_stream_of_another_size_than_the_header_is_refused() -> None:
    big = BytesIO()
    Image.fromarray(greys(200, 300)).save(big, "JPEG2000", no_jp2=True)
    refused(dicom(greys(), 8, uid.JPEG2000Lossless, jpeg=big.getvalue()), "another size than the header")
    refused(dicom(greys(), 8, uid.HTJ2KLossless, jpeg=big.getvalue()), "another size than the header")
    refused(dicom(greys(), 8, uid.JPEGBaseline8Bit, jpeg=encoded(greys(200, 300), "JPEG")), "another size")


def test_a_deflated_file_is_refused_before_it_is_inflated() -> None:
    refused(dicom(greys(), 8, uid.DeflatedExplicitVRLittleEndian), "deflated")


def test_truncated_files_are_refused() -> None:
    for syntax in (uid.ExplicitVRLittleEndian, uid.JPEG2000Lossless, uid.RLELossless):
        data = dicom(greys(bits=12), 12, syntax)
        for share in (0.05, 0.5, 0.9):
            refused(data[: int(len(data) * share)], "damaged|truncated|decoded|look|another size|incomplete|class")


@pytest.mark.parametrize("damage", [b"0.0 ", b"1.A ", b"nan ", b"1\\2 "])
def test_a_slope_that_is_no_number_is_refused_without_quoting_it(damage: bytes) -> None:
    data = dicom(greys(bits=12), 12, RescaleSlope="1.25", RescaleIntercept=0)
    error = refused(data.replace(b"1.25", damage), "rescale slope or intercept|cannot be read as DICOM")
    assert damage.decode().strip() not in str(error)


def test_pixels_beyond_the_stated_bits_are_refused() -> None:
    deep = BytesIO()
    Image.fromarray(greys(bits=16)).save(deep, "JPEG2000", no_jp2=True)
    refused(dicom(greys(bits=12), 12, uid.JPEG2000Lossless, jpeg=deep.getvalue()), "outside the 12 bits")


def test_nothing_identifying_is_logged_warned_or_raised(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """Names and dates in text tags, also private ones and where they do not belong, and in files damaged afterwards."""
    secret, date = "ROENTGEN^ANNA", "18950228"
    with warnings.catch_warnings(action="ignore"):
        tags: dict[str, object] = dict.fromkeys(
            ["PatientName", "PatientID", "AccessionNumber", "StudyDescription", "ImageComments", "PatientComments"],
            secret,
        )
        tags |= dict.fromkeys(
            ["ViewPosition", "PatientSex", "PatientAge", "BurnedInAnnotation", "VOILUTFunction"], secret
        )
        tags |= {"StudyDate": date, "PatientBirthDate": date, "PatientTelephoneNumbers": secret}
        data = dicom(greys(bits=12), 12, **tags)
        wrong = dicom(greys(bits=12), 12, **tags, Modality=secret)
        wrong_class = dicom(greys(bits=12), 12, **tags, PresentationIntentType=secret, PhotometricInterpretation=secret)
        wrong_syntax = data.replace(b"1.2.840.10008.1.2.1\0", secret.ljust(20, "\0").encode())
        unknown = dicom(greys(bits=12), 12, **tags, SOPClassUID=uid.UID(secret))
    caplog.set_level(logging.DEBUG)
    recwarn.clear()
    caplog.clear()  # what was said while these files were made
    said = [repr(read_radiograph(data)), repr(read_dicom_facts(data))]
    bad_number = data.replace(b"US\x02\x00\x0c\x00", b"DS\x02\x00AB")
    for broken in (
        wrong,
        wrong_class,
        wrong_syntax,
        unknown,
        data[:700],
        data[:-500],
        data.replace(b"CS", b"US"),
        bad_number,
    ):
        for call in (read_radiograph, check_image_header, read_dicom_facts):
            try:
                call(broken, "row 7")
            except ImageError as error:
                said.append(str(error) + "".join(traceback.format_exception(error)))
    assert len(said) > 8
    out = capfd.readouterr()
    everything = " ".join([*said, caplog.text, out.out, out.err, *(str(w.message) for w in recwarn)])
    for word in ("ROENTGEN", "ANNA", date):
        assert word not in everything
