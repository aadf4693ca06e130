"""A hospital's ZIP for tests: ten synthetic chest X-rays as PNG, JPEG and 12-bit DICOM, with a manifest."""

import csv
import zipfile
from io import StringIO
from pathlib import Path

from explain.demo.phantoms import Phantom, draw
from tests.explain.image_files import dicom, encoded

PATHOLOGIES = ("Effusion", "Pneumothorax")
EACH = 4  # scored cases of each pathology, then one for practice
SIZE = 384


def write_zip(path: Path) -> dict[str, dict[str, str]]:
    """Write the ZIP; returns image name -> its row of the manifest.

    Every picture shows its pathology, so that the demo model predicts it; every other label says that it is absent.
    That makes as many false as true positives, whatever the model.
    """
    rows: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(len(PATHOLOGIES) * (EACH + 1)):
            group, place = divmod(seed, EACH + 1)
            pathology, practice = PATHOLOGIES[group], place == EACH
            phantom = draw(seed, SIZE, findings=[pathology], depth=12 if seed % 3 == 2 else 8)
            name, content = _image(seed, phantom)
            archive.writestr(name, content)
            rows[name] = {
                "image": name,
                "pathology": pathology,
                "label": str(group if practice else place % 2),
                "patient": f"P{seed:02}",
                "sex": phantom.sex,
                "age": str(phantom.age),
                "practice": str(int(practice)),
            }
        table = StringIO()
        writer = csv.DictWriter(table, list(rows["images/0.png"]))
        writer.writeheader()
        writer.writerows(rows.values())
        archive.writestr("manifest.csv", table.getvalue())
    return rows


def _image(seed: int, phantom: Phantom) -> tuple[str, bytes]:
    if phantom.depth > 8:
        return f"images/{seed}.dcm", dicom(phantom.pixels, phantom.depth)
    if seed % 3:
        return f"images/{seed}.jpg", encoded(phantom.pixels, "JPEG", quality=92)
    return f"images/{seed}.png", encoded(phantom.pixels)
