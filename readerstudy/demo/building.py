"""Make fixtures/demo anew with the demo models (needs torch): draw, load, predict, render, dump.

Works in the database and media folder that the settings name, which must be empty: use temporary ones.
"""

import csv
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from explain.demo.cases import DemoCase, demo_cases
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch, Prediction
from readerstudy.demo.fixtures import BATCH, MODEL, dump_explanations
from readerstudy.demo.studies import compose, make_accounts
from readerstudy.explanations.planning import Options
from readerstudy.explanations.predicting import predict
from readerstudy.studies.precomputing import Part, precompute

COLUMNS = (
    "image", "pathology", "label", "patient", "view", "sex", "age", "dataset", "mask", "confounder", "prediction",
    "model", "practice",
)  # fmt: skip


def build(folder: Path, say: Callable[[str], None]) -> int:
    """Write everything of fixtures/demo; returns the number of explanations."""
    cases = demo_cases()
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    say(f"drawing {len(cases)} cases")
    rows = [_write_case(case, folder) for case in cases]
    _write_manifest(rows, folder)
    with open_source(folder / "manifest.csv") as source:
        batch = load_batch(source, BATCH, keep_source_ids=True, simulated=True).batch
    say("predicting")
    predict(batch, MODEL, device="cpu")
    _add_predictions(rows, batch)
    _write_manifest(rows, folder)
    study = compose("Rendering the fixtures", "demo-fixtures", make_accounts()["researcher"], batch, [])
    say("rendering")
    done = precompute(study, Part(), Options(device="cpu"), lambda finished: say(f"rendered {finished} more"))
    if done.failed:
        raise RuntimeError("; ".join(f"{p.case.source_id} {kind}: {why}" for p, kind, why in done.failed))
    return dump_explanations(batch, folder)


def _write_case(case: DemoCase, folder: Path) -> dict[str, str]:
    """8-bit cases as PNG, deeper ones as DICOM, so that the demo shows both."""
    phantom = case.draw()
    stem = f"{case.number:02d}"
    image = f"images/{stem}.png" if phantom.depth == 8 else f"images/{stem}.dcm"
    if phantom.depth == 8:
        Image.fromarray(phantom.pixels).save(folder / image, optimize=True)
    else:
        (folder / image).write_bytes(_dicom(phantom.pixels, phantom.depth, stem))
    mask = ""
    if case.pathology in phantom.masks:
        mask = f"masks/{stem}.png"
        Image.fromarray(phantom.masks[case.pathology].astype(np.uint8) * 255).save(folder / mask, optimize=True)
    confounder = ""
    for name in case.confounders:  # one at most
        confounder = f"masks/{stem}-confounder.png"
        Image.fromarray(phantom.masks[name].astype(np.uint8) * 255).save(folder / confounder, optimize=True)
    return {
        "image": image,
        "pathology": case.pathology,
        "label": "1" if case.positive else "0",
        "patient": case.patient,
        "view": phantom.view,
        "sex": phantom.sex,
        "age": str(phantom.age),
        "dataset": "synthetic",
        "mask": mask,
        "confounder": confounder,
        "prediction": "",
        "model": "",
        "practice": "1" if case.practice else "",
    }


def _dicom(pixels: np.ndarray, bits: int, stem: str) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["demo", stem])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "DX", "MONOCHROME2", 1
    dataset.PresentationIntentType, dataset.BurnedInAnnotation = "FOR PRESENTATION", "NO"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, bits, bits - 1, 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    file = BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _add_predictions(rows: list[dict[str, str]], batch: Batch) -> None:
    probability = {
        (row.case.source_id, row.pathology): row.probability
        for row in Prediction.objects.filter(case__batch=batch).select_related("case")
    }
    for row in rows:
        row["prediction"] = f"{probability[row['image'], row['pathology']]:.6f}"
        row["model"] = MODEL


def _write_manifest(rows: list[dict[str, str]], folder: Path) -> None:
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
