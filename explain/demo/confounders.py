"""A lesson in confounding: three classifiers of one finding, and what their explanations show.

    python -m explain.demo.confounders --output lesson                          one page with pictures, figures as JSON
    python -m explain.demo.confounders --output try --limit 200 --size 112      a first try

What is trained and measured: explain.demo.confounding.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from explain.demo.confounding import Learned, Pictures, Setting, fit, lesson, pictures, shift_of
from explain.demo.phantoms import COMPANION, PATHOLOGIES
from explain.evaluate.localisation import select_top
from explain.methods.gradients import input_gradients
from explain.models.demo_pair import DemoAutoencoder, load_demo
from explain.training.loop import duration, seconds_of

PAGE, FIGURES, SHOWN = "confounders.html", "confounders.json", 3
ROWS = (
    ("auc", "AUC, the thing as common with the finding as without"),
    ("auc_planted", "AUC where the thing goes with the finding, as in training"),
    ("auc_crossed", "AUC where it is the other way round"),
    ("gap", "prediction without the finding: with the thing less without"),
    ("on_thing", "input gradient on the thing (1: as much as anywhere)"),
    ("on_finding", "input gradient on the finding"),
    ("changed_thing", "Latent Shift changes the thing (1: as much as anything)"),
    ("changed_finding", "Latent Shift changes the finding"),
)
TEXTS = {
    "apart": "The thing is as common without the finding.",
    "confounded": "The thing is there in 95 % with the finding, in 5 % without.",
    "penalised": "The same pictures; the input gradient on the thing costs.",
}


def page(setting: Setting, test: Pictures, learned: Sequence[Learned], autoencoder: DemoAutoencoder) -> str:
    """One HTML page that needs nothing else: the table, and pictures of patients who have both."""
    heads = "".join(f"<th>{escape(one.name)}<br><small>{escape(TEXTS[one.name])}</small></th>" for one in learned)
    rows = "".join(
        f"<tr><th>{escape(text)}</th>{''.join(f'<td>{one.figures[key]:.3f}</td>' for one in learned)}</tr>"
        for key, text in ROWS
    )
    shown = _shown(test)
    parts = []
    for place in shown:
        cells = [_cell(_marked(test, place), "the patient: finding outlined in white, thing in black")]
        for one in learned:
            cells += _explained(setting, test, place, one, autoencoder)
        parts.append(f"<tr>{''.join(cells)}</tr>")
    columns = "".join(f'<th colspan="2">{escape(one.name)}</th>' for one in learned)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Right for the wrong reason</title>
<style>body{{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
th{{text-align:left;font-weight:600}}
td,th{{padding:.25rem .6rem;vertical-align:top}}td{{font-variant-numeric:tabular-nums}}img{{width:9rem;display:block}}
small{{font-weight:400}}</style></head><body>
<h1>Right for the wrong reason</h1>
<p>Three classifiers of {escape(setting.pathology)} learned from {setting.images} synthetic radiographs of the same
patients. In some pictures there is a thing that is no finding: {escape(setting.thing)}. All are measured on
{setting.test} new patients; 15 % of the labels in training were wrong.</p>
<table><tr><th></th>{heads}</tr>{rows}</table>
<h2>What explanations show</h2>
<p>For each classifier: its input gradient (top 5 % in red), and the image that Latent Shift redraws with the lowest
prediction.</p>
<table><tr><th></th>{columns}</tr>{"".join(parts)}</table>
</body></html>
"""


def _shown(test: Pictures) -> list[int]:
    return [int(place) for place in np.flatnonzero(test.truth & test.planted)[:SHOWN]]


def _explained(setting: Setting, test: Pictures, place: int, one: Learned, autoencoder: DemoAutoencoder) -> list[str]:
    x = test.x[place : place + 1]
    values = input_gradients(one.model, x, torch.tensor([setting.column]))[0].numpy()
    grey = _grey(x[0, 0].numpy())
    picture = np.stack([grey] * 3, axis=-1)
    picture[select_top(values, values.size // 20) > 0] = (220, 30, 30)
    shifted = shift_of(setting, one.model, autoencoder, x)
    p, lowest = shifted.prediction_reconstruction[0].item(), min(shifted.predictions[0])
    faded = _grey(shifted.adversary()[0].numpy())
    return [_cell(picture, f"{one.name}: gradient"), _cell(faded, f"{one.name}: {p:.2f} falls to {lowest:.2f}")]


def _marked(test: Pictures, place: int) -> NDArray[np.uint8]:
    grey = _grey(test.x[place, 0].numpy())
    for mask, level in ((test.finding[place], 255), (test.thing[place], 0)):
        grey[ndimage.binary_dilation(mask, iterations=3) & ~ndimage.binary_dilation(mask, iterations=1)] = level
    return grey


def _grey(image: NDArray[Any]) -> NDArray[np.uint8]:
    return np.round((image.clip(-1024, 1024) + 1024) * (255 / 2048)).astype(np.uint8)


def _cell(pixels: NDArray[np.uint8], text: str) -> str:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    content = base64.b64encode(file.getvalue()).decode()
    return f'<td><img alt="{escape(text)}" src="data:image/png;base64,{content}"><small>{escape(text)}</small></td>'


def tell_cost(setting: Setting) -> str:
    """What this setting and the full one take here, from a few pictures drawn and two steps of the third training."""
    told = [f"This ({setting.images} images, {setting.size} px) takes about {duration(_seconds(setting))} here"]
    full = Setting(setting.pathology)
    if setting != full:
        told.append(f"the full setting ({full.images} images, {full.size} px) about {duration(_seconds(full))}")
    return "; ".join(told) + "."


def _seconds(setting: Setting) -> float:
    part = replace(setting, images=4, epochs=2, batch=4)
    seen = pictures(part, 0, 4, planted=True, noise=0.0, workers=1)
    drawn = seconds_of(lambda: pictures(part, 0, 4, planted=True, noise=0.0, workers=1), times=1) / 4
    learned = seconds_of(lambda: fit(part, seen, 1.0, torch.device("cpu")), times=1) / 8
    # an image costs about half without the penalty, whose gradient is differentiated again: 1 + 1/2 + 1/2
    return drawn * (2 * setting.images + setting.test) + 2.0 * learned * setting.epochs * setting.images


def main(arguments: Sequence[str] | None = None) -> None:
    full = Setting()
    parser = argparse.ArgumentParser(
        prog="python -m explain.demo.confounders", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--output", type=Path, required=True, help=f"folder for {PAGE} and {FIGURES}")
    parser.add_argument("--pathology", choices=PATHOLOGIES, default=full.pathology, help="the finding (default Mass)")
    parser.add_argument("--size", type=int, default=full.size, help="pixels a side, a multiple of 16 (default 224)")
    parser.add_argument("--limit", type=int, default=full.images, help="pictures to learn from (default 1200)")
    parser.add_argument("--test", type=int, default=full.test, help="new patients (default 240)")
    parser.add_argument("--epochs", type=int, default=full.epochs, help="passes over the pictures (default 6)")
    parser.add_argument("--penalty", type=float, default=full.penalty, help="weight of the penalty (default 100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw")
    given = parser.parse_args(arguments)
    if given.size % 16 or not 64 <= given.size <= 512 or given.limit < 16 or given.test < 40 or given.epochs < 1:
        parser.error("--size is a multiple of 16 from 64 to 512, --limit at least 16, --test at least 40, --epochs 1")
    if given.workers < 1:
        parser.error(f"--workers {given.workers}: give a whole number from 1")
    if not 0 <= given.penalty < float("inf"):
        parser.error("--penalty is a number from 0")
    setting = Setting(
        given.pathology, given.size, given.limit, given.test, given.epochs, penalty=given.penalty, seed=given.seed
    )
    try:
        given.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output {given.output} cannot be made a folder: {error.strerror}")
    autoencoder = load_demo()[1]
    say(tell_cost(setting))
    test, learned = lesson(setting, autoencoder, given.workers, say)
    figures = {"setting": asdict(setting), "thing": COMPANION[setting.pathology]}
    figures |= {one.name: {key: round(value, 4) for key, value in one.figures.items()} for one in learned}
    (given.output / FIGURES).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    (given.output / PAGE).write_text(page(setting, test, learned, autoencoder), "utf-8")
    say(f"Wrote {PAGE} and {FIGURES} to {given.output}.")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
