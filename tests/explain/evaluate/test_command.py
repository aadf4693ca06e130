"""`python -m explain.evaluate` on a few phantoms, with all that may be wrong in their files."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from torch import Tensor, nn

from explain.demo.phantoms import draw
from explain.evaluate.__main__ import main
from explain.evaluate.localisation import mask_to_model_frame
from explain.evaluate.measuring import running
from explain.evaluate.measuring.plan import Found, Plan, Value
from explain.evaluate.measuring.running import _drawn, auc, load_models
from explain.evaluate.measuring.sources import Folder, XrvImages, open_folder
from explain.evaluate.measuring.tables import holm, tables
from explain.evaluate.metric import Metric, Subject
from explain.evaluate.metrics import METRICS, _fits
from explain.methods.contract import Request, Results, stills
from explain.methods.kind import Kind
from explain.methods.kinds import KINDS
from explain.models.demo_pair import CLASSIFIER_FILE, DEMO_FOLDER

TASK = "Cardiomegaly"
HEADER = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n"


class Indifferent(nn.Module):
    """A classifier that looks at nothing."""

    pathologies = (TASK,)
    weights_filename_local = str(DEMO_FOLDER / CLASSIFIER_FILE)

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.nothing * x.mean((1, 2, 3)))[:, None] + 0.3


class Doubtful(Indifferent):
    """Never over the operating point."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - 0.4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hearts with boxes and one without, wider than high; boxes.csv has a fault in each of three rows."""
    place = tmp_path_factory.mktemp("cxr")
    lines = HEADER
    for number in range(4):
        phantom = draw(5_020_311 + number, 256, (TASK,) if number < 3 else ())
        pixels = np.pad(phantom.pixels, ((0, 0), (40, 40)))
        Image.fromarray(pixels).save(place / f"case{number}.png")
        if number < 3:
            rows, columns = np.nonzero(np.pad(phantom.masks[TASK], ((0, 0), (40, 40))))
            lines += f"case{number},{TASK},3,R1,{columns.min()},{rows.min()},{columns.max()},{rows.max()}\n"
        else:
            lines += f"case{number},No finding,14,R1,,,,\n"
    lines += f"nobody,{TASK},3,R1,1,2,3,4\n"  # row 5
    lines += "case1,Mass,3,R1,2,2,30,200\n"  # row 6: in the border
    lines += "case1,Aortic enlargement,0,R1,100,100,120,120\n"  # row 7
    (place / "boxes.csv").write_text(lines)
    return place


def run(folder: Path, output: Path, *more: str) -> int:
    return main([
        "--images", str(folder), "--annotations", f"vindr:{folder / 'boxes.csv'}", "--output", str(output),
        "--kinds", "input_gradient", "guided_backprop", "--metrics", "iou_at_mask_area", "outside_at_95", "hit_rate",
        "--redrawing", "2", *more,
    ])  # fmt: skip


def rows(output: Path, name: str) -> list[dict[str, str]]:
    with (output / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_tables_curves_and_page(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(folder, out, "--models", "demo", "--randomisation", "1", "--robustness", "1") == 1
    said = capsys.readouterr().out
    assert "randomisation (1 images, 6 depths), robustness (1 images, 8 levels)" in said
    table = {row["kind"]: row for row in rows(out, "table_1")}
    assert set(table) == {"input_gradient", "guided_backprop"} and table["input_gradient"]["n"] == "3"
    values = [float(r["value"]) for r in rows(out, "values")
              if r["kind"] == "input_gradient" and r["metric"] == "iou_at_mask_area"]  # fmt: skip
    assert float(table["input_gradient"]["mean"]) == pytest.approx(np.mean(values), abs=1e-4)
    assert float(table["input_gradient"]["sd"]) == pytest.approx(np.std(values, ddof=1), abs=1e-4)
    assert (table["input_gradient"]["positives"], table["input_gradient"]["negatives"]) == ("3", "1")
    at_percentiles = [f"{what}_at_{p}" for what in ("iou", "outside") for p in (90, 95, 98)]
    assert list(rows(out, "table_percentiles")[0]) == ["model", "task", "kind", *at_percentiles]
    problems = {row["where"]: row["what"] for row in rows(out, "problems")}
    assert problems["boxes.csv, row 5"] == "no image is called nobody"
    assert "boxes.csv, row 6: the mask lies outside the crop" in problems["case1, Mass"]
    assert problems["demo, Mass"] == "empty sample: no drawn image could be used"
    assert problems["demo, Aortic enlargement"] == "the model does not predict this task"
    assert {row["label"] for row in rows(out, "table_k1")} <= {"0", "1"} and rows(out, "table_k1")
    assert len([row for row in rows(out, "curves") if row["curve"] == "randomisation"]) == 2 * 6
    assert {path.name for path in out.glob("*.svg")} == {
        f"figure_demo_{name}.svg"
        for name in ("randomisation", "noise_spearman", "noise_iou", "blur_spearman", "blur_iou")
    }
    page = (out / "index.html").read_text()
    assert "4 things were left out" in page
    captions = re.findall('<svg role="img" aria-label="([^"]+)"', page)
    assert [caption.split(",")[0] for caption in captions] == [
        "Randomised models", "Noise: Spearman", "Noise: IoU", "Blur: Spearman", "Blur: IoU",
    ]  # fmt: skip
    assert page.count("<figcaption>") == 5 and "figures 5 and H.1 of Cohen" in captions[0]
    assert set(re.findall('<li><a href="#([^"]+)"', page)) == set(re.findall('<section id="([^"]+)"', page))
    assert '<th scope="col" class="n">mean</th>' in page and '<th scope="col">kind</th>' in page
    assert [row["n"] for row in rows(out, "tests")] == ["3"] * 3


def test_no_package_adds_a_figure_to_a_published_table() -> None:
    with pytest.raises(ValueError, match="hit_rate: no package's metric is a figure of the published table overlap"):
        _fits(replace(METRICS["hit_rate"], table="overlap"), METRICS)


def test_the_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    def files(name: str) -> dict[str, bytes]:
        run(folder, tmp_path / name, "--models", "demo", "--tasks", TASK, "--sample", "2", "--kinds", "input_gradient",
            "--robustness", "1")  # fmt: skip
        return {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}

    assert files("a") == files("b")


def test_the_draw_is_of_a_seed_and_a_task_and_not_of_the_order_of_names() -> None:
    names = [f"case{number}" for number in range(20)]
    assert _drawn(names, 0, TASK) == _drawn(names[::-1], 0, TASK)
    assert len({tuple(_drawn(names, seed, task)) for seed in (0, 1) for task in (TASK, "Mass")}) == 4


def test_a_constant_map_is_named_and_nothing_measured_is_status_2(folder: Path, tmp_path: Path) -> None:
    model = f"{__name__}.Indifferent"
    assert run(folder, tmp_path, "--models", model, "--tasks", TASK, "--redrawing", "0") == 2
    said = [row for row in rows(tmp_path, "problems") if row["where"].startswith("case0, Cardiomegaly, input_gradient")]
    assert len(said) == 1 and "the map is constant" in said[0]["what"]


BATCHES: list[int] = []


def takes_one(request: Request) -> Results:
    if len(request.x) > 1:
        raise TypeError("one at a time")
    return stills(request, request.x[:, 0].abs())


def works_once(request: Request) -> Results:
    BATCHES.append(len(request.x))
    if len(BATCHES) > 1:
        raise IndexError("no more")
    return stills(request, request.x[:, 0].abs())


def divides_by_zero(subject: Subject) -> float:
    raise ZeroDivisionError("division by zero")


def test_a_kind_or_a_metric_that_fails_in_any_way_stops_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("takes_one", "works_once"):
        monkeypatch.setitem(KINDS._found[0], name, Kind(name, "Ours", "Says.", compute=f"{__name__}:{name}"))
    metric = Metric("divides_by_zero", "Ours", ("map",), "higher", "nobody", f"{__name__}:divides_by_zero")
    monkeypatch.setitem(METRICS._found[0], metric.name, metric)
    BATCHES.clear()
    kinds, metrics = ("takes_one", "works_once"), ("divides_by_zero", "hit_rate")
    plan = Plan(("demo",), kinds, (TASK,), metrics, sample=2, auc_sample=0, robustness=1)
    source, found = open_folder(folder, ("vindr", folder / "boxes.csv"), None), Found()
    running.run(source, plan, load_models(plan, found), found)
    assert {(value.kind, value.metric) for value in found.values} == {(kind, "hit_rate") for kind in kinds}
    assert len(found.values) == 4
    said = [(*problem.where.split(", ")[2:], problem.what) for problem in found.problems]
    assert sorted(problem for problem in said if len(problem) == 3) == [
        ("takes_one", "curves", "TypeError: one at a time"),
        *[("takes_one", "divides_by_zero", "ZeroDivisionError: division by zero")] * 2,
        ("works_once", "curves", "IndexError: no more"),
        *[("works_once", "divides_by_zero", "ZeroDivisionError: division by zero")] * 2,
    ]


def test_only_true_positives(folder: Path, tmp_path: Path) -> None:
    common = ["--tasks", TASK, "--redrawing", "0", "--only-true-positives"]
    run(folder, tmp_path / "sure", "--models", f"{__name__}.Indifferent", *common)
    run(folder, tmp_path / "doubtful", "--models", f"{__name__}.Doubtful", *common)
    assert any("constant" in row["what"] for row in rows(tmp_path / "sure", "problems"))
    said = {row["what"] for row in rows(tmp_path / "doubtful", "problems")}
    assert "empty sample: no drawn image could be used and is predicted positive" in said


def test_what_cannot_begin_is_said(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--models", "demo", "--output", str(tmp_path / "none")]
    assert main(["--images", str(folder / "gone"), *base]) == 2
    assert main(["--images", str(folder), *base]) == 2
    assert main(["--images", str(folder), "--annotations", "coco:x", *base]) == 2
    assert main(["--images", str(folder), "--data-set", "Nobody", *base]) == 2
    said = capsys.readouterr().err
    for words in ("there is no folder", "give masks", "no annotations are called 'coco'", "no data set 'Nobody'"):
        assert words in said
    for wrong in (["--batch-size", "0"], ["--sample", "-1"], ["--device", "gpu"], ["--models", "nobody"],
                  ["--kinds", "vagan_map"]):  # fmt: skip
        assert run(folder, tmp_path / "none", "--models", "demo", *wrong) == 2
    said = capsys.readouterr().err
    for words in ("--batch-size 0: give", "--sample -1: give", "--device gpu: give cpu", "no model is called 'nobody'"):
        assert words in said
    assert "--kinds vagan_map: give --generator FOLDER" in said
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    assert run(folder, tmp_path / "file", "--models", "demo") == 2
    assert "cannot be made a folder" in capsys.readouterr().err


def test_names_given_twice_count_once_and_a_misspelt_model_stops_no_other(folder: Path, tmp_path: Path) -> None:
    twice = ["--tasks", TASK, TASK, "--kinds", "input_gradient", "input_gradient", "--metrics", "hit_rate", "hit_rate"]
    assert run(folder, tmp_path, "--models", "demo", "demo", "nobody", *twice, "--sample", "1", "--redrawing", "0") == 1
    assert len(rows(tmp_path, "values")) == 1
    said = {row["where"]: row["what"] for row in rows(tmp_path, "problems")}
    assert "no model is called 'nobody'" in said["nobody"]


def test_two_models_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_load", lambda name, *_: SimpleNamespace(about=SimpleNamespace(name=Path(name).name)))
    assert len(load_models(Plan(("run1/ward", "run2/other"), ()), Found())) == 2
    with pytest.raises(ValueError, match="two of the models are called ward: rename a folder"):
        load_models(Plan(("run1/ward", "run2/ward"), ()), Found())


def test_images_are_named_by_their_folders_too_and_a_name_of_two_is_used_for_none(tmp_path: Path) -> None:
    place = tmp_path / "cxr"
    for name in ("patient1/study1/view1.jpg", "patient2/study1/view1.jpg", "patient3/study1/lateral.jpg"):
        (place / name).parent.mkdir(parents=True)
        (place / name).touch()
    mask = {TASK: {"size": [2, 3], "counts": "222"}}
    masks = tmp_path / "masks.json"
    masks.write_text(json.dumps(dict.fromkeys(("patient1_study1_view1", "view1", "lateral"), mask)))
    labels = tmp_path / "labels.csv"
    labels.write_text(
        f'"image","{TASK}"\n"CheXpert/patient2/study1/view1.jpg",0\nstudy1/view1.jpg,1\nstudy9/lateral.jpg,0\n'
    )
    source = open_folder(place, ("chexlocalize", masks), labels)
    assert source.images == ["lateral", "patient1_study1_view1", "patient2_study1_view1"]
    assert source.patients == dict(zip(source.images, ("patient3", "patient1", "patient2"), strict=True))
    assert source.masked == {TASK: ["patient1_study1_view1", "lateral"]}
    assert source.labels[TASK] == {"patient1_study1_view1": True, "lateral": True, "patient2_study1_view1": False}
    said = {problem.where: problem.what for problem in source.problems}
    assert set(said) == {"masks.json, row 2", "labels.csv, row 2"}
    assert said["masks.json, row 2"].startswith("2 images are called view1, as patient1/study1/view1.jpg and patient2/")


def test_labels_of_a_table(folder: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(f"image,patient,{TASK}\ncase0.png,p1,0\ncase3,p2,1\ncase1,p1,x\n")
    source = open_folder(folder, ("vindr", folder / "boxes.csv"), labels)
    assert source.labels[TASK] == {"case0": False, "case1": True, "case2": True, "case3": True}
    assert source.masked[TASK] == ["case1", "case2"]
    assert source.patients == {"case0": "p1", "case1": "p1", "case3": "p2"}
    said = {problem.where: problem.what for problem in source.problems}
    assert said["labels.csv, row 3"] == "Cardiomegaly is 'x', neither 0 nor 1"
    assert said["boxes.csv, row 1"] == "case0 is labelled as without Cardiomegaly"


def test_a_data_set_of_torchxrayvision_with_its_own_boxes(tmp_path: Path) -> None:
    """00013118_008.png is in the list of boxes that TorchXRayVision ships: Atelectasis at 225, 547, of 87 x 79."""
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512), np.uint8)
    for name in ("00013118_008.png", "00000001_000.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    entry = tmp_path / "Data_Entry.csv"
    entry.write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
        "00013118_008.png,Atelectasis|Effusion,8,13118,69,M,PA\n00000001_000.png,No Finding,0,1,57,M,PA\n"
    )
    source = XrvImages("NIH", tmp_path, entry)
    assert source.masked["Atelectasis"] == ["00013118_008.png"]
    assert source.labels["Effusion"] == {"00013118_008.png": True, "00000001_000.png": False}
    assert source.patients == {"00013118_008.png": "13118", "00000001_000.png": "1"}
    assert source.pixels("00013118_008.png").shape == (224, 224)
    rows_, columns = np.nonzero(source.mask("00013118_008.png", "Atelectasis"))
    assert rows_.min() == pytest.approx(547 * 224 / 1024, abs=1) and columns.min() == pytest.approx(49, abs=1)
    with pytest.raises(ValueError, match="no mask of Effusion"):
        source.mask("00013118_008.png", "Effusion")


def test_a_name_of_nih_tells_the_patient_below_other_folders_too(tmp_path: Path) -> None:
    for name in ("00000001_000.png", "images_002/images/00013118_008.png", "20200131_note.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    source = Folder(tmp_path)
    source.find_images()
    assert source.patients == {"00000001_000": "00000001", "00013118_008": "00013118"}


def write_dicom(path: Path, pixels: np.ndarray) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        DigitalXRayImageStorageForPresentation,
        generate_uid(),
    )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.WindowCenter, made.WindowWidth = 128, 256
    made.PixelData = pixels.tobytes()
    pydicom.dcmwrite(path, made, enforce_file_format=True)


SIIM = f"ImageId, EncodedPixels\nseen,{100 * 1024 + 300} 10\nseen,{600 * 1024 + 500} 20\nwell,-1\n"
VINDR = f"""{HEADER}seen,Pleural effusion,10,R1,100,300,200,400
seen,Pleural effusion,10,R2,600,500,700,650
well,No finding,14,R1,,,,
"""
RSNA_FILE = "00436515-870c-4b36-a041-de91049b9ab4.dcm"
# name, table, the image's file, task, regions: from row to row, from column to column of 1,024
DATA_SETS = [
    ("RSNA_Pneumonia", None, RSNA_FILE, "Lung Opacity", [(152, 531, 264, 477), (152, 605, 562, 818)]),
    ("SIIM_Pneumothorax", SIIM, "seen.dcm", "Pneumothorax", [(300, 310, 100, 101), (500, 520, 600, 601)]),
    ("VinDr", VINDR, "seen.dicom", "Effusion", [(300, 400, 100, 200), (500, 650, 600, 700)]),
]


@pytest.mark.parametrize(("name", "table", "file", "task", "regions"), DATA_SETS, ids=[row[0] for row in DATA_SETS])
def test_every_region_of_an_image_of_torchxrayvisions_data_sets_counts(
    tmp_path: Path, name: str, table: str | None, file: str, task: str, regions: list[tuple[int, ...]]
) -> None:
    """RSNA with the table that TorchXRayVision ships; SIIM and VinDr with small ones in their forms."""
    write_dicom(tmp_path / file, np.random.default_rng(0).integers(0, 255, (1024, 1024), np.uint8))
    entry = tmp_path / "table.csv"
    if table:
        entry.write_text(table)
    source = XrvImages(name, tmp_path, entry if table else None)
    image = Path(file).stem
    assert image in source.masked[task]
    assert source.pixels(image).std() > 10
    whole = np.zeros((1024, 1024), bool)
    for top, bottom, left, right in regions:
        whole[top:bottom, left:right] = True
    assert np.array_equal(source.mask(image, task), mask_to_model_frame(whole))


def value_of(image: str, kind: str, value: float) -> Value:
    return Value("demo", TASK, image, kind, "hit_rate", value)


def test_a_patient_with_several_images_is_drawn_and_tested_as_one() -> None:
    """Patient p has ten images, q one: whoever counts images would be sure of what one patient says."""
    images = [f"p{number}" for number in range(10)] + ["q0"]
    values = [value_of(image, "a", 1.0 if image[0] == "p" else 0.0) for image in images]
    found = Found(values + [value_of(image, "b", 0.5) for image in images])
    as_images = {table.name: table for table in tables(found, 0)}
    found.patients = {image: image[0] for image in images}
    as_patients = {table.name: table for table in tables(found, 0)}
    mean, low, high, n, patients = (as_patients["metrics"].rows[0][place] for place in (5, 7, 8, 9, 10))
    assert (mean, low, high, n, patients) == ("0.9091", "0.0000", "1.0000", "11", "2")
    assert as_images["metrics"].rows[0][5:] != as_patients["metrics"].rows[0][5:]
    assert float(as_images["metrics"].rows[0][7]) > 0.6
    assert as_patients["tests"].rows[0][4:8] == ("11", "2", "0.0000", "1")  # +.5 of p, -.5 of q
    assert float(as_images["tests"].rows[0][7]) < 0.05


def test_auc_and_holm_by_hand() -> None:
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == (0.75, 2, 2)
    assert auc(np.array([0.5, 0.5]), np.array([False, True])) == (0.5, 1, 1)
    assert np.isnan(auc(np.array([0.5]), np.array([True]))[0])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
