"""Images to train on: what is read, whose they are, what is refused and in which words."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from explain.images.checks import ImageError
from explain.training.data import decoded, items_of, read_file, remove_decoded
from explain.training.items import DataError, Item, positives_and_negatives, split_by_patient


def write_image(file: Path, seed: int, side: int = 64) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pixels = np.kron(rng.integers(0, 256, (side // 16, side // 16)), np.ones((16, 16))).astype(np.uint8)
    Image.fromarray(pixels).save(file)


def write_images(folder: Path, count: int = 10, side: int = 64) -> None:
    for number in range(count):
        write_image(folder / f"{number:02}.png", number, side)


def write_manifest(folder: Path, rows: list[str], header: str = "image,patient,pathology,label,mask") -> Path:
    (folder / "manifest.csv").write_text("\n".join([header, *rows]), "utf-8")
    return folder / "manifest.csv"


def test_a_folder_is_every_image_below_it(tmp_path):
    write_images(tmp_path / "a", 5)
    write_images(tmp_path / "b", 4)
    (tmp_path / "notes.txt").write_text("no image")
    items = items_of(str(tmp_path))
    assert [item.name for item in items][:1] == ["a/00.png"] and len(items) == 9
    pixels = items[0].read(32)
    assert pixels.shape == (32, 32) and pixels.dtype == np.float32 and -1024 <= pixels.min() <= pixels.max() <= 1024


def test_a_manifest_says_patients_labels_and_masks(tmp_path):
    write_images(tmp_path)
    rows = [f"{n:02}.png,{'P' + str(n // 2) if n else 'unknown'},Effusion,{n % 2},m/{n}.png" for n in range(10)]
    items = items_of(str(write_manifest(tmp_path, [*rows, "00.png,,Mass,uncertain,"])))
    assert len(items) == 10 == len(items_of(str(tmp_path))), "a folder with a manifest is the manifest's images"
    assert (items[0].patient, items[3].patient) == ("", "P1")
    assert (items[0].labels, items[3].labels) == ({"Effusion": False}, {"Effusion": True})
    assert items[3].masks == {"Effusion": tmp_path / "m/3.png"}
    positives, negatives = positives_and_negatives(items, "Effusion")
    assert (len(positives), len(negatives)) == (5, 5)
    with pytest.raises(DataError, match=r"0 images with Mass and 0 without.*Effusion"):
        positives_and_negatives(items, "Mass")
    with pytest.raises(DataError, match="0 images with Effusion and 5 without"):
        positives_and_negatives(negatives, "Effusion")


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        ([], "picture,patient", "no column image"),
        ([",P1,Mass,1,"], "image,patient,pathology,label,mask", "row 2: the column image is empty"),
        (["a.png,P1,,,", "a.png,P2,,,"], "image,patient,pathology,label,mask", "row 3: a.png has another patient"),
        (["a.png,P1,,,"], "image,patient,pathology,label,mask", "has 1 images; at least 8"),
    ],
)
def test_a_manifest_that_cannot_be_used(tmp_path, rows, header, said):
    with pytest.raises(DataError, match=said):
        items_of(str(write_manifest(tmp_path, rows, header)))


def test_nothing_to_train_on(tmp_path):
    with pytest.raises(DataError, match="has no images"):
        items_of(str(tmp_path))
    with pytest.raises(DataError, match="is no folder, no manifest"):
        items_of(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="give it by --images"):
        items_of("xrv:NIH")


def test_patients_stay_together_and_the_split_is_the_same_again():
    items = [Item(f"{n}.png", lambda size: np.zeros((size, size)), f"P{n // 3}" if n < 30 else "") for n in range(40)]
    rest, held = split_by_patient(items, 0.25, seed=1)
    assert len(rest) + len(held) == 40
    assert not {item.patient for item in rest if item.patient} & {item.patient for item in held if item.patient}
    assert 10 <= len(held) <= 12
    assert [item.name for item in held] == [item.name for item in split_by_patient(items, 0.25, seed=1)[1]]
    assert [item.name for item in held] != [item.name for item in split_by_patient(items, 0.25, seed=2)[1]]
    two = [Item("a", items[0].read, "P1"), *(Item(f"b{n}", items[0].read, "P2") for n in range(9))]
    for seed in range(4):
        rest, held = split_by_patient(two, 0.2, seed)
        assert rest and held, "a side is never empty"
    with pytest.raises(DataError, match="of one patient"):
        split_by_patient(two[1:], 0.2, 0)


def test_images_are_decoded_once_and_what_cannot_be_is_left_out(tmp_path):
    write_images(tmp_path / "images")
    (tmp_path / "images" / "03.png").write_bytes(b"not a picture")
    items, said = items_of(str(tmp_path / "images")), []
    found = decoded(items, 32, tmp_path / "kept.npy", skipped=said.append)
    assert len(found.items) == 9 and len(said) == 1 and "03.png" in said[0]
    x = found.batch([0, 8])
    assert x.shape == (2, 1, 32, 32) and x.dtype == np.float32
    np.testing.assert_allclose(x[1, 0], read_file(tmp_path / "images" / "09.png", 32), atol=2048 / 65535)
    for file in (tmp_path / "images").iterdir():
        file.unlink()
    again = decoded(items, 32, tmp_path / "kept.npy")
    assert [item.name for item in again.items] == [item.name for item in found.items]
    assert np.array_equal(again.batch([4]), found.batch([4]))


def test_other_images_under_the_same_names_are_decoded_again(tmp_path):
    write_images(tmp_path / "a")
    for number in range(10):
        write_image(tmp_path / "b" / f"{number:02}.png", 100 + number)

    def first(ward: str) -> np.ndarray:
        return decoded(items_of(str(tmp_path / ward)), 32, tmp_path / "kept" / "training-32.npy").batch([0])

    a, b = first("a"), first("b")
    assert not np.array_equal(a, b) and np.array_equal(first("a"), a)
    write_image(tmp_path / "a" / "00.png", 200)  # exported again
    again = first("a")
    assert not np.array_equal(again, a)
    np.testing.assert_allclose(again[0, 0], read_file(tmp_path / "a" / "00.png", 32), atol=2048 / 65535)
    (tmp_path / "kept" / "curve.csv").write_text("step")
    remove_decoded(tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["curve.csv"]


def test_a_disk_without_room_is_said_before_anything_is_decoded(tmp_path, monkeypatch):
    write_images(tmp_path / "images")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2 * 10 * 32**2 - 1))
    with pytest.raises(DataError, match="decoded images need 0 MB, and the disk of"):
        decoded(items_of(str(tmp_path / "images")), 32, tmp_path / "kept" / "a.npy")
    assert not list((tmp_path / "kept").iterdir())


def test_a_source_that_is_mostly_unusable_is_refused_and_leaves_nothing(tmp_path):
    write_images(tmp_path / "images", side=64)
    with pytest.raises(ImageError, match="64 pixels, fewer than 96"):
        read_file(tmp_path / "images" / "00.png", 96)
    with pytest.raises(DataError, match=r"over a tenth\. The first: 00\.png"):
        decoded(items_of(str(tmp_path / "images")), 96, tmp_path / "kept" / "a.npy")
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.torch
def test_a_data_set_of_torchxrayvision(tmp_path):
    """NIH: its table and its images, in its own format."""
    pytest.importorskip("torchxrayvision")
    for number in range(8):
        write_image(tmp_path / f"0000000{number}_000.png", number, 64)
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
    rows = [f"0000000{n}_000.png,{'Effusion' if n % 2 else 'No Finding'},0,{n // 2},58,M,PA" for n in range(8)]
    (tmp_path / "table.csv").write_text("\n".join([header, *rows]))
    items = items_of("xrv:NIH", images=tmp_path, table=tmp_path / "table.csv")
    assert len(items) == 8 and items[1].labels["Effusion"] is True and items[0].labels["Effusion"] is False
    assert items[2].patient == items[3].patient != items[4].patient
    np.testing.assert_allclose(items[5].read(32), read_file(tmp_path / "00000005_000.png", 32), atol=1)
    with pytest.raises(DataError, match="no one data set"):
        items_of("xrv:nothing", images=tmp_path)
