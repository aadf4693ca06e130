"""xrv: sources, on small folders in the layouts of NIH, RSNA and SIIM-ACR with tables of a few rows."""

from pathlib import Path

import numpy as np
import pytest

from explain.render.pictures import read_display_image
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.problems import BatchRefused, Problems
from readerstudy.cases.loading.xrv import open_data_set
from readerstudy.cases.models import Case
from readerstudy.common.identity import patient_key
from tests.explain.image_files import dicom, encoded, greys

pytestmark = [pytest.mark.django_db, pytest.mark.torch]
SIDE = 128  # the tables' boxes and run lengths are in 1024 x 1024 pixels


def load(name: str, imgpath: Path, csvpath: Path | None = None, views: tuple[str, ...] = ("PA", "AP")) -> list[Case]:
    source = open_data_set(name, imgpath, csvpath, list(views))
    return list(load_batch(source, "public", keep_source_ids=True).batch.cases.all())


def mask_of(case: Case, pathology: str) -> np.ndarray:
    return read_display_image(case.truths.get(pathology=pathology).mask.read(), 8).pixels


def test_nih(tmp_path):
    # the first image has one box, of Infiltrate, in TorchXRayVision's own list
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
    rows = "00000032_037.png,Infiltration|Effusion,37,32,95,F,AP\n00000040_003.png,No Finding,3,40,63,M,PA\n"
    table = tmp_path / "entries.csv"
    table.write_text(header + rows + "00000041_000.png,No Finding,0,41,63,M,LL\n")
    images = tmp_path / "images"
    images.mkdir()
    pixels = greys(SIDE, SIDE, seed=1)
    (images / "00000032_037.png").write_bytes(encoded(pixels))
    (images / "00000040_003.png").write_bytes(encoded(greys(SIDE, SIDE, seed=2)))
    case, other = load("NIH", images, table)
    assert (case.source_id, case.patient_key, case.view) == ("00000032_037.png", patient_key("32"), "AP")
    assert (case.sex, case.age, other.sex, other.age, case.dataset) == ("F", 90, "M", 63, "NIH")
    assert set(case.truths.filter(label=True).values_list("pathology", flat=True)) == {"Effusion", "Infiltration"}
    assert case.truths.count() == 14
    assert np.array_equal(read_display_image(case.pixels.read(), case.bits).pixels, pixels)
    assert int((mask_of(case, "Infiltration") == 255).sum()) == 21 * 43  # of 172 x 351 in 1024 x 1024
    assert not case.truths.get(pathology="Effusion").mask


def test_rsna(tmp_path):
    header = "patientId,x,y,width,height,Target\n"
    known = "0004cfab-14fd-4e49-80ba-63a80b6bddd6"  # negative; its view and age are in TorchXRayVision's own table
    boxed = "00436515-870c-4b36-a041-de91049b9ab4"
    (tmp_path / "labels.csv").write_text(
        f"{header}{known},,,,,0\n{boxed},256,128,256,512,1\n{boxed},640,128,128,128,1\n"
    )
    images = tmp_path / "images"
    images.mkdir()
    for seed, name in enumerate((known, boxed)):
        (images / f"{name}.dcm").write_bytes(dicom(greys(SIDE, SIDE, seed=seed), 8))
    negative, positive = load("RSNA", images, tmp_path / "labels.csv", views=("*",))
    assert (negative.source_id, negative.sex, negative.age) == (known, "F", 51)
    assert not negative.truths.filter(label=True).exists()
    mask = mask_of(positive, "Lung Opacity")
    assert int((mask == 255).sum()) == (256 * 512 + 128 * 128) // 64
    assert mask[16, 32] == 255


def test_siim(tmp_path):
    header = "ImageId, EncodedPixels\n"
    # two annotations of one image: column 8 and column 80 of 1024, from the top, 1024 pixels each
    lines = [f"one,{8 * 8 * 1024} {8 * 1024}", f"one,{80 * 8 * 1024} {8 * 1024}", "two,-1"]
    (tmp_path / "rle.csv").write_text(header + "\n".join(lines) + "\n")
    deep = tmp_path / "dicom-images-train" / "1.2.3" / "4.5.6"
    deep.mkdir(parents=True)
    for seed, name in enumerate(("one", "two")):
        (deep / f"{name}.dcm").write_bytes(dicom(greys(SIDE, SIDE, seed=seed), 8))
    positive, negative = load("SIIM-ACR", tmp_path / "dicom-images-train", tmp_path / "rle.csv")
    assert negative.truths.get().label is False
    mask = mask_of(positive, "Pneumothorax")
    assert sorted(set(np.nonzero(mask)[1])) == [8, 80]
    assert (positive.patient_key, positive.view) == ("", "")


def test_only_the_images_that_are_there(tmp_path):
    images, deep = tmp_path / "images", tmp_path / "images" / "a" / "b"  # the folders that SIIM-ACR's files lie in
    deep.mkdir(parents=True)
    table = tmp_path / "rle.csv"
    table.write_text(
        "ImageId, EncodedPixels\n" + "".join(f"1.2.{number},{'-1' if number else '8 8'}\n" for number in range(30))
    )
    with pytest.raises(BatchRefused, match="none of the 30 images of the table is in the folder"):
        open_data_set("SIIM", images, table, ["PA"], only_present=True)
    for seed, name in enumerate(("1.2.4", "1.2.17")):
        (deep / f"{name}.dcm").write_bytes(dicom(greys(SIDE, SIDE, seed=seed), 8))
    source = open_data_set("SIIM", images, table, ["PA"], only_present=True)
    assert [case.image for case in source.cases(Problems())] == ["1.2.4", "1.2.17"]
    with pytest.raises(BatchRefused, match="--only-present") as refused:
        load("SIIM", images, table)
    assert len(refused.value.problems) == 28


def test_missing_images_and_unknown_data_sets_are_refused(tmp_path):
    with pytest.raises(BatchRefused, match=r"there is no data set xrv:nowhere\. Choose one of .*NIH_Dataset"):
        open_data_set("nowhere", tmp_path, None, ["PA"])
    with pytest.raises(BatchRefused, match="Give it by --imgpath"):
        open_data_set("NIH", None, None, ["PA"])
    (tmp_path / "rle.csv").write_text("ImageId, EncodedPixels\none,-1\n")
    with pytest.raises(BatchRefused, match="row 1, image “one”: TorchXRayVision cannot read the image"):
        load("SIIM", tmp_path, tmp_path / "rle.csv")
