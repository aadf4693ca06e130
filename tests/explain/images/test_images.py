"""Reading PNG and JPEG radiographs, the crop, the model input, and what is refused."""

from __future__ import annotations

import hashlib
import pickle
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from explain.images.png16 import decode
from explain.images.radiograph import (
    Crop,
    ImageError,
    Radiograph,
    check_image_header,
    pixel_sha256,
    read_radiograph,
    resize,
)
from tests.explain.image_files import encoded, greys, png16
from tests.outside_data import folder_of


def refused(data: bytes, words: str) -> ImageError:
    with pytest.raises(ImageError, match=words) as caught:
        read_radiograph(data, "row 7")
    assert str(caught.value).startswith("row 7: ")
    return caught.value


def test_it_reads_a_grey_png_of_8_and_of_16_bits_exactly(tmp_path: Path) -> None:
    for bits in (8, 16):
        pixels = greys(bits=bits)
        (tmp_path / "case.png").write_bytes(encoded(pixels))
        radiograph = read_radiograph(tmp_path / "case.png")
        assert radiograph.bits == bits and radiograph.pixels.dtype == pixels.dtype
        assert np.array_equal(radiograph.pixels, pixels)
        assert check_image_header(tmp_path / "case.png") == ("PNG", 120, 96, bits)


def test_it_reads_grey_and_rgb_jpeg_as_pillow_decodes_them() -> None:
    for pixels in (greys(), np.dstack([greys()] * 3)):
        data = encoded(pixels, "JPEG", quality=90)
        expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))[:, :, 0]
        assert np.array_equal(read_radiograph(BytesIO(data)).pixels, expected)
        assert check_image_header(data).format == "JPEG"


def test_rgb_palette_and_opaque_alpha_give_the_same_pixels_as_grey() -> None:
    grey = greys()
    palette = BytesIO()
    Image.fromarray(grey).convert("P").save(palette, "PNG")
    opaque = np.full_like(grey, 255)
    files = [
        encoded(np.dstack([grey] * 3)),
        encoded(np.dstack([grey] * 3 + [opaque])),
        encoded(np.dstack([grey, opaque])),
        palette.getvalue(),
    ]
    for data in files:
        assert np.array_equal(read_radiograph(data).pixels, grey)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_png_with_several_channels_keeps_all_16_bits(channels: int) -> None:
    grey = greys(bits=16)
    samples = np.dstack([grey] * (1 if channels == 2 else 3) + [np.full_like(grey, 65535)] * (channels != 3))
    radiograph = read_radiograph(png16(samples, filters=[4, 3, 2, 1, 0, 4, 4, 3]))
    assert radiograph.bits == 16 and np.array_equal(radiograph.pixels, grey)


@pytest.mark.parametrize("shape", [(64, 64), (67, 65), (64, 71)])
def test_an_interlaced_16_bit_png_with_several_channels_is_read(shape: tuple[int, int]) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (*shape, 3), np.uint16)
    data = png16(samples, filters=[0, 1, 2, 3, 4], interlaced=True)
    assert np.array_equal(decode(data), samples)
    assert np.array_equal(decode(data) >> 8, np.asarray(Image.open(BytesIO(data))))
    grey = greys(*shape, bits=16)
    radiograph = read_radiograph(png16(np.dstack([grey] * 3), [4, 2], interlaced=True))
    assert radiograph.bits == 16 and np.array_equal(radiograph.pixels, grey)


@pytest.mark.parametrize(("width", "height"), [(1, 64), (4, 3), (5, 9)])
def test_passes_of_an_interlaced_png_without_pixels_are_skipped(width: int, height: int) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (height, width, 4), np.uint16)
    assert np.array_equal(decode(png16(samples, [4, 1], interlaced=True)), samples)


def test_what_unpacks_to_too_many_bytes_is_refused_by_its_header() -> None:
    def header(width: int, height: int, depth: int, colour: int) -> bytes:
        return b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)

    def png(*how: int) -> bytes:
        chunks = [header(*how), b"IDAT" + zlib.compress(bytes(999)), b"IEND"]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
        )

    for data in (png(8000, 8000, 8, 6), png(6000, 6000, 16, 6), png(4500, 4500, 16, 2)):
        for read in (read_radiograph, check_image_header):
            with pytest.raises(ImageError, match=r"unpacks to \d+ MB .* channels .* over the limit of \d+ MB"):
                read(data, "row 7")
    for depth, colour in ((8, 2), (16, 0), (8, 0)):  # 64 megapixels of RGB and of grey stay within it
        assert check_image_header(png(8000, 8000, depth, colour)).width == 8000


def test_our_16_bit_decoder_agrees_with_pillow_on_the_high_bytes() -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (70, 90, 3), np.uint16)
    data = png16(samples, filters=[0, 1, 2, 3, 4])
    assert np.array_equal(decode(data), samples)
    assert np.array_equal(decode(data) >> 8, np.asarray(Image.open(BytesIO(data))))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for data in (encoded(greys(), "JPEG", exif=exif), encoded(greys(), "PNG", exif=exif)):
        expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
        assert np.array_equal(read_radiograph(data).pixels, expected)


def test_the_crop_is_the_centre_square_in_original_pixels() -> None:
    assert Radiograph(greys(96, 121)).crop == Crop(12, 0, 96)
    assert Radiograph(greys(121, 96)).crop == Crop(0, 12, 96)
    tall = Radiograph(greys(121, 96))
    assert np.array_equal(tall.cropped(), tall.pixels[12:108])


def test_the_digest_is_of_shape_depth_and_pixels_not_of_the_file() -> None:
    pixels = greys()
    same = [read_radiograph(encoded(pixels)), read_radiograph(encoded(np.dstack([pixels] * 3), compress_level=1))]
    assert len({pixel_sha256(r) for r in same}) == 1
    assert pixel_sha256(same[0]) == hashlib.sha256(b"96x120x8\n" + pixels.tobytes()).hexdigest()
    other = pixels.copy()
    other[5, 5] ^= 1
    different = [
        Radiograph(pixels),
        Radiograph(other),
        Radiograph(pixels.reshape(120, 96)),
        Radiograph(pixels.astype("u2"), 9),
    ]
    assert len({pixel_sha256(r) for r in different}) == 4


# --- model input ------------------------------------------------------------------------------------------------


def xrv_input(data: Path) -> np.ndarray:
    """What TorchXRayVision's own reader and transforms make of a file."""
    xrv = pytest.importorskip("torchxrayvision")
    image = xrv.utils.load_image(str(data))
    return xrv.datasets.XRayResizer(224)(xrv.datasets.XRayCenterCrop()(image))


@pytest.mark.torch
@pytest.mark.parametrize("size", [(96, 120), (224, 224), (300, 517), (1030, 700)])
def test_the_model_input_is_that_of_torchxrayvision(size: tuple[int, int], tmp_path: Path) -> None:
    files = {"a.png": encoded(greys(*size)), "b.jpg": encoded(np.dstack([greys(*size)] * 3), "JPEG")}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        ours = read_radiograph(tmp_path / name).model_input()
        assert ours.shape == (1, 224, 224) and ours.dtype == np.float32 and -1024 <= ours.min() < ours.max() <= 1024
        np.testing.assert_allclose(ours, xrv_input(tmp_path / name), rtol=0, atol=1e-3)


@pytest.mark.torch
@pytest.mark.shared
@pytest.mark.parametrize("name", ["00000001_000.png", "16747_3_1.jpg", "rsna_sample.dcm"])
def test_the_model_input_of_real_radiographs_is_that_of_torchxrayvision(name: str) -> None:
    path = folder_of("RADIOGRAPHS") / name
    np.testing.assert_allclose(read_radiograph(path).model_input(), xrv_input(path), rtol=0, atol=1e-3)


@pytest.mark.torch
def test_the_resize_is_that_of_skimage_also_where_zero_lies_outside_the_range() -> None:
    transform = pytest.importorskip("skimage.transform")
    rng = np.random.default_rng(0)
    for low, high, side in [(-1024, 1024, 500), (200, 1000, 500), (-1000, -200, 300), (5, 6, 100), (-3, 4, 224)]:
        image = rng.uniform(low, high, (side, side)).astype(np.float32)
        expected = transform.resize(image, (224, 224), mode="constant", preserve_range=True)
        np.testing.assert_allclose(resize(image, 224), expected, rtol=0, atol=1e-3)


def test_a_16_bit_picture_is_scaled_by_its_own_depth() -> None:
    deep = Radiograph(greys(300, 300, bits=12), 12).model_input()
    shallow = Radiograph((greys(300, 300, bits=12) >> 4).astype(np.uint8)).model_input()
    assert np.abs(deep - shallow).max() < 2 * 1024 * 2 / 255


def test_reading_needs_neither_torch_nor_skimage(tmp_path: Path) -> None:
    (tmp_path / "case.png").write_bytes(encoded(greys(300, 300)))
    code = (
        "import sys\n"
        "absent = ['torch', 'skimage', 'torchvision', 'torchxrayvision', 'matplotlib']\n"
        "sys.modules.update(dict.fromkeys(absent))\n"
        "from explain.images import radiograph\nfrom explain.render import curve, pictures, made_elsewhere\n"
        f"print(radiograph.read_radiograph({str(tmp_path / 'case.png')!r}).model_input().shape)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 224, 224)"


# --- refused ----------------------------------------------------------------------------------------------------


def test_every_truncation_of_a_file_is_refused(tmp_path: Path) -> None:
    rgb16 = np.dstack([greys(bits=16)] * 3)
    for data in (encoded(greys()), encoded(greys(bits=16)), encoded(greys(), "JPEG"), png16(rgb16, [4])):
        for length in (3, 20, len(data) // 50, len(data) // 3, len(data) - len(data) // 10):
            error = refused(data[:length], "truncated|not PNG, JPEG")
            assert error.remedy


def test_a_damaged_checksum_is_refused() -> None:
    for data in (encoded(greys()), png16(np.dstack([greys(bits=16)] * 3))):
        at = data.index(b"IDAT") + 200
        refused(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :], "truncated, damaged")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header promises width x height grey pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(999)))]
    parts = [
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in [*chunks, (b"IEND", b"")]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_absurd_dimensions_are_refused_by_the_header_alone() -> None:
    for width, height in [(8001, 8000), (10_000, 10_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)]:
        refused(bomb(width, height), "64 megapixels")
        with pytest.raises(ImageError, match="64 megapixels"):
            check_image_header(bomb(width, height))
    refused(encoded(greys(63, 200)), "200 x 63 pixels; each side needs at least 64")


def test_pictures_that_are_no_grey_radiograph_are_refused() -> None:
    grey = greys()
    hole = np.full_like(grey, 255)
    hole[3, 4] = 254
    refused(encoded(np.dstack([grey, grey // 2, grey // 3])), "in colour")
    refused(png16(np.dstack([greys(bits=16), greys(bits=16) // 2, greys(bits=16)])), "in colour")
    refused(encoded(np.dstack([grey, hole])), "transparent")
    refused(encoded(np.dstack([grey] * 3 + [hole])), "transparent")
    refused(encoded(grey > 100), "mode 1 are not supported")
    cmyk = BytesIO()
    Image.fromarray(grey).convert("CMYK").save(cmyk, "JPEG")
    refused(cmyk.getvalue(), "mode CMYK are not supported")


def test_blank_pictures_are_refused() -> None:
    refused(encoded(np.full((80, 80), 77, np.uint8)), "span 77 to 77 of 0 to 255: blank")
    speckled = np.full((80, 80), 77, np.uint8)
    speckled[5, 5] = 255  # one bright pixel is no picture
    refused(encoded(speckled), "span 77 to 77 of 0 to 255: blank")
    refused(encoded((greys(bits=16) >> 11).astype(np.uint16)), "blank")


def test_several_pictures_in_one_file_are_refused() -> None:
    pair = [Image.fromarray(greys(seed=n)) for n in (0, 1)]
    apng, mpo = BytesIO(), BytesIO()
    pair[0].save(apng, "PNG", save_all=True, append_images=pair[1:])
    pair[0].save(mpo, "MPO", save_all=True, append_images=pair[1:])
    refused(apng.getvalue(), "more than one picture")
    refused(mpo.getvalue(), "more than one picture")


def test_other_formats_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    tiff = BytesIO()
    Image.fromarray(greys()).save(tiff, "TIFF")
    for data, words in [
        (tiff.getvalue(), "not PNG, JPEG or DICOM"),
        (b"hello", "not PNG, JPEG or DICOM"),
        (b"", "empty"),
    ]:
        refused(data, words)
    with pytest.raises(ImageError, match=r"gone\.png: the file cannot be opened"):
        read_radiograph(tmp_path / "gone.png")


def test_an_error_survives_the_way_back_from_a_worker_process() -> None:
    error = refused(b"", "empty")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.remedy == error.remedy


def test_no_text_of_the_file_is_carried_or_quoted(caplog: pytest.LogCaptureFixture) -> None:
    info = PngInfo()
    info.add_text("Patient", "ROENTGEN^ANNA")
    data = encoded(greys(), pnginfo=info)
    assert "ROENTGEN" not in repr(vars(read_radiograph(data)))
    error = refused(data[:-300], "truncated")
    assert "ROENTGEN" not in str(error) + caplog.text
