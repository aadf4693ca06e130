"""Readers of published annotation files: boxes, run lengths and contours of findings, each in its own format.

Lives here: a module for each form of annotation, and READERS, name -> reader. May not live here: images, models.
"""

from collections.abc import Callable
from pathlib import Path

from explain.evaluate.annotations.boxes import read_nih, read_rsna, read_vindr
from explain.evaluate.annotations.read import Annotation, Annotations
from explain.evaluate.annotations.runs import read_chexlocalize, read_siim

__all__ = ["READERS", "Annotation", "Annotations"]

READERS: dict[str, Callable[[Path], Annotations]] = {
    "nih": read_nih, "rsna": read_rsna, "siim": read_siim, "chexlocalize": read_chexlocalize, "vindr": read_vindr,
}  # fmt: skip
