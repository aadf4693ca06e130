"""Folders and ZIPs, friendly and hostile: each hostile one is refused in a sentence, before anything is written."""

import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from readerstudy.cases.loading.checking import Checked, check_source
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.sources import open_source
from tests.cases.batches import make_batch, manifest, mask_png, messages, png, simple_rows, zipped
from tests.explain.image_files import dicom, encoded, greys


def check(path: Path, **options: bool) -> Checked:
    with open_source(path) as source:
        return check_source(source, **options)


def refusal(path: Path) -> str:
    with pytest.raises(BatchRefused) as caught:
        check(path)
    return messages(caught.value)


def test_a_folder_its_manifest_and_its_zip_are_the_same_batch(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows())
    ways = [folder, folder / "manifest.csv", zipped(folder, tmp_path / "a.zip")]
    ways.append(zipped(folder, tmp_path / "b.zip", prefix="wrapped in a folder/"))
    assert len({check(way).content_sha256 for way in ways}) == 1


def test_a_folder_without_manifest_is_cases_without_truth(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, content in {"a.png": png(1), "deep/b": png(2), ".DS_Store": b"x", "Thumbs.db": b"x"}.items():
        (tmp_path / name).write_bytes(content)
    checked = check(tmp_path)
    assert [case.image for case in checked.cases] == ["a.png", "deep/b"]
    assert checked.report.pathologies == {}


def test_names_with_accents_backslashes_and_junk_folders_are_found(tmp_path):
    rows = [{"image": "images\\café.png", "pathology": "Mass", "label": 1}]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.csv", manifest(rows))
        archive.writestr("images/cafe\u0301.png", png())  # as macOS writes it
        archive.writestr("__MACOSX/images/._café.png", b"junk")
    assert check(tmp_path / "a.zip").report.cases == 1


def lying_png(width: int, height: int) -> bytes:
    """A PNG whose header announces a size that its data do not have."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return png()[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + png()[33:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"Dear colleague,", "not PNG, JPEG or DICOM"),
        (png()[:-500], "truncated"),
        (lying_png(100_000, 100_000), "megapixels"),
        (encoded(greys(32, 32)), "each side needs at least 64"),
        (encoded((greys()[..., None] * [1, 0, 0]).astype("uint8")), "in colour"),
        (dicom(greys(64, 64), 8, BurnedInAnnotation="YES"), "text is burned into its pixels"),
        (dicom(np.stack([greys(64, 64)] * 2).reshape(128, 64), 8, Rows=64, NumberOfFrames=2), "more than one frame"),
        (dicom(greys(64, 64), 8, Modality="CT"), "modality CT"),
        (dicom(greys(64, 64), 8)[:-900], "truncated"),
    ],
    ids=["empty", "text", "truncated", "absurd", "thumbnail", "colour", "burned in", "frames", "CT", "half a DICOM"],
)
def test_a_bad_image_is_refused_with_its_row(tmp_path, content, said):
    make_batch(tmp_path / "batch", simple_rows(2), {"1.png": content})
    found = refusal(tmp_path / "batch")
    assert found.startswith("row 3, image: ")
    assert said in found


@pytest.mark.parametrize("path", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "C:\\secret.png"])
def test_paths_that_lead_outside_are_refused(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(png())
    folder = make_batch(tmp_path / "batch", simple_rows(1))
    (folder / "manifest.csv").write_text(manifest([{"image": path}]))
    assert "the path leads outside the batch" in refusal(folder)


def test_symbolic_links_are_refused(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "0.png").write_bytes(png())
    folder = make_batch(tmp_path / "batch", simple_rows(1))
    (folder / "0.png").unlink()
    (folder / "0.png").symlink_to(tmp_path / "outside" / "0.png")
    assert "goes through a symbolic link" in refusal(folder)
    (folder / "deep").symlink_to(tmp_path / "outside")
    (folder / "manifest.csv").write_text(manifest([{"image": "deep/0.png"}]))
    assert "goes through a symbolic link" in refusal(folder)


def test_things_that_are_no_files_are_refused(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows(1))
    (folder / "0.png").unlink()
    assert "no such file" in refusal(folder)
    (folder / "0.png").mkdir()
    assert "a folder or no ordinary file" in refusal(folder)
    (folder / "0.png").rmdir()
    os.mkfifo(folder / "0.png")  # opening it would wait for ever
    assert "a folder or no ordinary file" in refusal(folder)


def hostile_zip(path: Path, name: str, content: bytes = b"", link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", manifest(simple_rows(1)))
        archive.writestr("0.png", png())
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (0o120777 if link else 0o100644) << 16
        archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "link", "said"),
    [
        ("../../out.png", b"x", False, "entry 3 of the ZIP has a path that leads outside"),
        ("/out.png", b"x", False, "leads outside"),
        ("..\\out.png", b"x", False, "leads outside"),
        ("link.png", b"/etc/passwd", True, "entry 3 of the ZIP is a symbolic link"),
        ("bomb.png", bytes(20 * 2**20), False, "unpacks to over 100 times its size"),
    ],
    ids=["traversal", "absolute", "backslashes", "link", "bomb"],
)
def test_hostile_zips_are_refused(tmp_path, name, content, link, said):
    assert said in refusal(hostile_zip(tmp_path / "a.zip", name, content, link))


def test_damaged_zips_are_refused(tmp_path):
    whole = zipped(make_batch(tmp_path / "batch", simple_rows(1)), tmp_path / "a.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    assert "no ZIP, or an incomplete one" in refusal(tmp_path / "half.zip")
    at = whole.index(b"IDAT") + 40
    (tmp_path / "flipped.zip").write_bytes(whole[:at] + b"hello there" + whole[at + 11 :])
    assert "damaged inside the ZIP" in refusal(tmp_path / "flipped.zip")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = hostile_zip(tmp_path / "a.zip", "1.png", b"x")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")  # the last entry of the central directory
    content[at + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


def test_several_manifests_are_refused(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows(1))
    (folder / "manifest.csv").rename(folder / "old.csv")
    (folder / "new.csv").write_text("image\n0.png\n")
    assert "Call the right one manifest.csv" in refusal(folder)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ("m.png", "the mask is 30 x 30 pixels and its image 72 x 64"),
        ("empty.png", "the mask is empty"),
        ("good.png", ""),
        ("10,10,5,5;20,20,3,3", ""),
        ("10,10,5,5|20,20,3,3", ""),
        ("10,10,5", "neither a path nor boxes"),
        ("60,10,50,5", "outside its image of 72 x 64"),
        ("nowhere.png", "no such file"),
    ],
)
def test_masks_are_checked(tmp_path, mask, said):
    rows = [{"image": "0.png", "pathology": "Mass", "label": 1, "mask": mask}]
    files = {"m.png": mask_png(30, 30), "good.png": mask_png(), "empty.png": encoded(greys(64, 72) * 0)}
    folder = make_batch(tmp_path / "batch", rows, files)
    if said:
        found = refusal(folder)
        assert found.startswith("row 2, mask: ")
        assert said in found
    else:
        assert check(folder).report.pathologies["Mass"]["masks"] == 1


def test_the_same_pixels_twice_in_one_batch_are_refused(tmp_path):
    folder = make_batch(tmp_path / "batch", simple_rows(2), {"1.png": png(0)})
    assert "row 3, image: it shows the same pixels as row 2" in refusal(folder)
