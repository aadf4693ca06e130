"""Write phantoms as a folder of images with its manifest: what a user's own data look like, to try things out on.

    python -m explain.demo.folder phantoms --count 1500 --size 224

One image a patient; half are healthy, the others have one pathology. Tubes, wires and marks are in many, whatever the
finding. The manifest (docs/manifest.md) has a row for each image and pathology, with the masks. The same numbers give
the same files.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from explain.demo.data import recipe
from explain.demo.phantom_anatomy import stream
from explain.demo.phantoms import PATHOLOGIES, draw

FIRST_SEED = 6_000_000  # other patients than any the demo's models learned from or were measured on
COLUMNS = ("image", "patient", "pathology", "label", "mask")


def write_folder(folder: Path, count: int, size: int, first_seed: int = FIRST_SEED, workers: int = 1) -> None:
    """Draw `count` phantoms of size x size pixels into `folder`, with manifest.csv. Raises OSError."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    drawing = partial(_write_phantom, folder=folder, size=size)
    seeds = range(first_seed, first_seed + count)
    if workers == 1:
        rows = [row for seed in seeds for row in drawing(seed)]
    else:
        with ProcessPoolExecutor(workers) as pool:
            rows = [row for found in pool.map(drawing, seeds, chunksize=16) for row in found]
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _write_phantom(seed: int, folder: Path, size: int) -> list[tuple[str, str, str, int, str]]:
    """Half of the patients are healthy."""
    made, rng = recipe(seed), stream(seed, "folder")
    findings = (PATHOLOGIES[int(rng.integers(len(PATHOLOGIES)))],) if rng.random() < 0.5 else ()
    phantom = draw(seed, size, findings, made.confounders)
    image = f"images/{seed}.png"
    Image.fromarray(phantom.pixels).save(folder / image)
    rows = []
    for name in PATHOLOGIES:
        mask = f"masks/{seed}.png" if name in findings else ""
        if mask:
            Image.fromarray(phantom.masks[name].astype(np.uint8) * 255).save(folder / mask)
        rows.append((image, f"phantom-{seed}", name, int(name in findings), mask))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m explain.demo.folder", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="where to write images, masks and manifest.csv")
    parser.add_argument("--count", type=int, default=1500, help="phantoms to draw (default 1500)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="seed of the first; each has the next one")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw (default 2)")
    options = parser.parse_args(arguments)
    if options.count < 1 or not 64 <= options.size <= 2048:
        parser.error("--count is at least 1, --size from 64 to 2048")
    if options.workers < 1:
        parser.error(f"--workers {options.workers}: give a whole number from 1")
    write_folder(options.folder, options.count, options.size, options.first_seed, options.workers)
    sys.stdout.write(f"Wrote {options.count} phantoms to {options.folder}.\n")


if __name__ == "__main__":
    main()
