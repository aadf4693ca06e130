"""What fixtures/demo holds, written by `build` (needs torch) and read by `restore` (does not).

manifest.csv, images/, masks/    a batch in load_cases' own format, predictions of the demo classifier included
explanations.json                how each explanation was made
measurements.json                what each was measured to be (measured.py)
maps/*.npz.gz, strips/*.png      float16 maps (224 x 224) and animation frames; all other files derive from them
"""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from PIL import Image

from explain.methods.kinds import KINDS
from readerstudy.cases.models import Batch, Prediction
from readerstudy.explanations.encoding import EncodedFile, encode_frames, encode_map, map_bytes
from readerstudy.explanations.inputs import radiograph
from readerstudy.explanations.keeping import Provenance, store
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.explanations.parameters import explanation_key

FOLDER = Path(settings.SHIPPED) / "fixtures" / "demo"
BATCH = "demo"
MODEL = "demo"
_PROVENANCE = (
    "parameters",
    "algorithm_version",
    "model",
    "weights_sha256",
    "autoencoder",
    "autoencoder_sha256",
    "device",
    "libraries",
)


def restore_explanations(batch: Batch, folder: Path = FOLDER) -> list[Explanation]:
    """Store the fixtures' explanations for the loaded batch; GIFs, layers, overlays and curves are derived here."""
    described = json.loads((folder / "explanations.json").read_text(encoding="utf-8"))
    predictions = {
        (row.case.source_id, row.pathology): row
        for row in Prediction.objects.filter(case__batch=batch, model=MODEL).select_related("case")
    }
    weights = {entry["weights_sha256"] for entry in described}
    for prediction in predictions.values():
        (prediction.weights_sha256,) = weights
    Prediction.objects.bulk_update(predictions.values(), ["weights_sha256"])
    owners = [predictions[entry["image"], entry["pathology"]] for entry in described]
    with ThreadPoolExecutor() as threads:  # deriving the pictures takes the time; Pillow and NumPy let go of the lock
        derived = threads.map(lambda owner, entry: _derive(owner, entry, folder), owners, described)
        return [_store(owner, entry, *parts) for owner, entry, parts in zip(owners, described, derived, strict=True)]


def _derive(prediction: Prediction, entry: dict[str, Any], folder: Path) -> tuple[np.ndarray, list[EncodedFile]]:
    """The float map, and all files made from it or from the strip."""
    values = read_map(folder / entry["map"])
    if KINDS[entry["kind"]].shows == "animation":
        frames = read_strip(folder / entry["strip"], entry["record"]["frames"])
        return values, encode_frames(frames, entry["record"])
    return values, encode_map(values, radiograph(prediction.case))


def _store(prediction: Prediction, entry: dict[str, Any], values: np.ndarray, files: list[EncodedFile]) -> Explanation:
    kind = KINDS[entry["kind"]]
    provenance = Provenance(**{name: entry[name] for name in _PROVENANCE})
    key = explanation_key(
        prediction.case.pixel_sha256,
        prediction.pathology,
        provenance.weights_sha256,
        provenance.autoencoder_sha256,
        kind,
        provenance.parameters,
    )
    return store(
        prediction,
        kind.name,
        key,
        provenance,
        files=files,
        map_npy=map_bytes(values),
        record=entry["record"],
        seconds=entry["seconds"],
    )


def dump_explanations(batch: Batch, folder: Path = FOLDER) -> int:
    """Write maps, strips and explanations.json of a batch rendered by precompute; returns how many there are."""
    for name in ("maps", "strips"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    described = []
    rows = Explanation.objects.filter(prediction__case__batch=batch, status=Explanation.Status.DONE)
    for row in rows.select_related("prediction__case").order_by("prediction__case_id", "prediction__pathology", "kind"):
        stem = Path(row.prediction.case.source_id).stem
        map_name = f"maps/{stem}-{KINDS[row.kind].scope}.npz.gz"
        with row.map.open("rb") as file:
            write_map(folder / map_name, np.load(BytesIO(file.read())))
        entry = {
            "image": row.prediction.case.source_id,
            "pathology": row.prediction.pathology,
            "kind": row.kind,
            "map": map_name,
            "record": row.record,
            "seconds": row.seconds,
            **{name: getattr(row, name) for name in _PROVENANCE},
        }
        if KINDS[row.kind].shows == "animation":
            entry["strip"] = f"strips/{stem}.png"
            with row.files.get(role=ExplanationFile.Role.STRIP).file.open("rb") as file:
                (folder / entry["strip"]).write_bytes(file.read())
        described.append(entry)
    text = json.dumps(described, indent=1)
    (folder / "explanations.json").write_text(text + "\n", encoding="utf-8")
    return len(described)


def write_map(path: Path, values: np.ndarray) -> None:
    """Float16 after division by the largest value (gradients can be too small for float16), which is kept beside."""
    scale = np.float32(np.abs(values).max() or 1)
    content = BytesIO()
    np.savez(content, scale=scale, values=(values / scale).astype(np.float16))
    path.write_bytes(gzip.compress(content.getvalue(), mtime=0))


def read_map(path: Path) -> np.ndarray:
    """The inverse: float32 (224, 224)."""
    stored = np.load(BytesIO(gzip.decompress(path.read_bytes())))
    values: np.ndarray = stored["values"].astype(np.float32) * stored["scale"]
    return values


def read_strip(path: Path, frames: int) -> np.ndarray:
    """uint8 (frames, H, W)."""
    with Image.open(path) as picture:
        stacked = np.asarray(picture)
    return stacked.reshape(frames, -1, stacked.shape[1])
