"""How long a dry run of a large batch takes, and how its memory grows.

    python -m bench.load_cases [--rows 10000] [--side 128]

Makes a folder of `rows` PNG images (one row each, every tenth with a box) and checks it as `load_cases --dry-run` does:
every image is decoded and hashed. Target: 10,000 rows under 20 s, and a peak that does not follow the number of rows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from bench._measure import peak_rss_mb, report, timing


def make_batch(folder: Path, rows: int, side: int) -> None:
    """Images that differ in one corner, so that making them takes no time."""
    rng = np.random.default_rng(0)
    pixels = np.clip(np.linspace(0, 200, side)[:, None] + rng.normal(0, 8, (side, side)), 0, 255).astype(np.uint8)
    lines = ["image,pathology,label,patient,sex,age,mask,prediction"]
    for row in range(rows):
        pixels[0, :3] = row % 256, row // 256 % 256, row // 65536
        Image.fromarray(pixels).save(folder / f"{row}.png", compress_level=1)
        box = '"10,10,20,20"' if row % 10 == 1 else ""
        lines.append(f"{row}.png,Effusion,{row % 2},P{row // 3},F,{row % 90},{box},0.{row % 10}")
    (folder / "manifest.csv").write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=128)
    args = parser.parse_args()
    os.environ.setdefault("DEBUG", "true")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django

    django.setup()
    from readerstudy.cases.loading.checking import check_source
    from readerstudy.cases.loading.sources import open_source

    def dry_run() -> None:
        with open_source(folder) as source:
            assert check_source(source).report.cases == rows

    with tempfile.TemporaryDirectory() as temporary:
        for rows in (args.rows // 10, args.rows):
            folder = Path(temporary, str(rows))
            folder.mkdir()
            make_batch(folder, rows, args.side)
            took = timing(dry_run, repeats=1, warmup=0)
            report(f"dry run, {rows} rows, {args.side} px", took=took, peak_rss_mb=peak_rss_mb())


if __name__ == "__main__":
    main()
