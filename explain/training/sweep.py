"""Several bottlenecks trained alike, drawn beside each other: error, overlap and compatibility by bottleneck and epoch.

The figures are those of Cohen et al., MIDL 2021, 2, D.1 and D.2, on one's own images.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from explain.evaluate.localisation import select_top
from explain.models.registry import load_autoencoder
from explain.models.resnet_autoencoder import Shape
from explain.training.autoencoder import Setting
from explain.training.quality import Judge, shifts
from explain.training.runs import Prepared, Say, train

COLUMNS = ("bottleneck", "epoch", "loss", "mae", "prediction_change", "reached", "compatibility_error", "iou")
TITLES = {
    "mae": "error of redrawn images (grey levels of 2,048)",
    "iou": "overlap of map and mask (IoU)",
    "compatibility_error": "compatibility: |wanted - obtained|",
    "prediction_change": "change of predictions by redrawing",
}
Row = dict[str, float | int | str]


def sweep(
    bottlenecks: Sequence[int],
    setting: Setting,
    prepared: Prepared,
    folder: Path,
    device: torch.device,
    say: Say,
    *,
    patience: int = 0,
    resume: bool = False,
) -> list[Row]:
    """Train one model folder for each bottleneck, `folder`/bN; then sweep.csv, sweep.png and, with a classifier,
    examples.png. The classifier judges each three times on the way, and at the end. Returns the rows of the table.
    """
    rows: list[Row] = []
    for bottleneck in bottlenecks:
        say(f"bottleneck {bottleneck}")
        one, place = replace(setting, shape=replace(setting.shape, bottleneck=bottleneck)), folder / f"b{bottleneck}"
        often = max(1, setting.epochs // 3)
        made = train(one, prepared, place, device, say, patience=patience, judge_every=often, resume=resume)
        for row in made.rows:
            rows.append({"bottleneck": bottleneck, **{name: row.get(name, "") for name in COLUMNS[1:]}})
        write_table(rows, folder / "sweep.csv")
    draw(rows, folder / "sweep.png")
    if prepared.judge is not None and prepared.judge.shown:
        draw_examples(prepared.judge, [folder / f"b{size}" for size in bottlenecks], folder / "examples.png", device)
    return rows


def shapes_of(bottlenecks: Sequence[int], shape: Shape) -> list[Shape]:
    """A shape for each bottleneck; ValueError for one that cannot be, or one that comes twice."""
    if len(set(bottlenecks)) < max(2, len(bottlenecks)):
        raise ValueError("--sweep needs at least two bottlenecks, each once")
    return [replace(shape, bottleneck=bottleneck) for bottleneck in bottlenecks]


def write_table(rows: Sequence[Row], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def draw(rows: Sequence[Row], file: Path) -> None:
    """A column for each figure that was measured: above against the bottleneck, at the end; below against the epoch."""
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys(int(row["bottleneck"]) for row in rows))
    measured = [name for name in TITLES if any(row[name] != "" for row in rows)]
    figure = Figure(figsize=(3.6 * len(measured), 6.2), layout="constrained")
    panels = figure.subplots(2, len(measured), squeeze=False)
    for (above, below), name in zip(panels.T, measured):
        curves = {size: _curve(rows, size, name) for size in sizes}
        above.plot(sizes, [values[-1] for _, values in curves.values()], "o-", color="black")
        above.set_xscale("log")
        above.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
        above.minorticks_off()
        above.set(title=TITLES[name], xlabel="bottleneck")
        above.title.set_fontsize(9)
        for shade, (size, (epochs, values)) in zip(np.linspace(0.75, 0, len(sizes)), curves.items()):
            below.plot(epochs, values, ".-", color=str(shade), label=f"{size:,}")
        below.set(xlabel="epoch")
    panels[1][0].legend(title="bottleneck", fontsize=8, title_fontsize=8)
    figure.savefig(file, dpi=80)


def _curve(rows: Sequence[Row], size: int, name: str) -> tuple[list[int], list[float]]:
    found = [row for row in rows if row["bottleneck"] == size and row[name] != ""]
    return [int(row["epoch"]) for row in found], [float(row[name]) for row in found]


def draw_examples(judge: Judge, folders: Sequence[Path], file: Path, device: torch.device, count: int = 3) -> None:
    """For some true positives of different findings a strip: the image; then, for each model, the image redrawn, its
    most faded frame, and the frame with the top 5 % of the map in white.
    """
    columns = {column: pair for pair in judge.shown for column in [pair[1]]}
    chosen = list(columns.values())[:count]
    strips: list[np.ndarray] = [judge.images.batch([image for image, _ in chosen])[:, 0]]
    for folder in folders:
        model = load_autoencoder(str(folder.resolve()), device)
        for shift in shifts(judge, model.module, chosen, batch=count):
            faded = shift.adversary().cpu().numpy()
            maps = shift.max_map().cpu().numpy()
            marked = [np.where(select_top(m, m.size // 20) > 0, 1024, frame) for m, frame in zip(maps, faded)]
            strips += [shift.reconstruction.cpu().numpy(), faded, np.stack(marked)]
    grid = np.concatenate([np.concatenate(list(strip), axis=0) for strip in strips], axis=1)
    grey = np.round((grid.clip(-1024, 1024) + 1024) * (255 / 2048)).astype(np.uint8)
    picture = Image.fromarray(grey)
    picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX).save(file, optimize=True)
