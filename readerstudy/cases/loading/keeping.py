"""What images, masks and other files decode to, kept between the check of a batch and its load, so that each is decoded
once.

A folder holds, by the SHA-256 of a file's bytes: KEY.png, the pixels as a case stores them; KEY.shown.png and KEY.npy
where a case has a smaller or curved picture for browsers; KEY.json, written last, with the facts. Masks: KEY.mask.*.
Files of extensions: KEY.file.npz.
Such a folder may identify patients, as the files do that it was made of.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explain.images.as_read import AsRead
from explain.images.checks import ImageError
from explain.images.radiograph import DicomFacts, Radiograph, pixel_sha256
from explain.render.pictures import DisplayImage, display_image, read_display_image
from readerstudy.cases.loading.masks import mask_png
from readerstudy.common.storage import staging_root

FORM = 1  # of these files; those of another form are made again
MAX_DISPLAY_SIDE = 2048
FOLDERS = "*.kept"  # of loads at the command line, below MEDIA_ROOT/staging


@dataclass(frozen=True)
class Shown:
    """What browsers are shown of a case: size in pixels, SHA-256 of the PNG; own: whether it is a file of its own."""

    width: int
    height: int
    sha256: str
    own: bool


@dataclass(frozen=True)
class Picture:
    """A radiograph that was decoded and checked. shape: rows and columns; digest: its pixel_sha256; sha256: of the PNG.

    radiograph: its pixels, as they were decoded, or else read back from the PNG; called only where they are needed.
    key, shown, sha256: empty where nothing is kept.
    """

    digest: str
    shape: tuple[int, int]
    bits: int
    window: tuple[float, float] | None
    as_read: AsRead | None
    facts: DicomFacts | None
    radiograph: Callable[[], Radiograph]
    key: str = ""
    sha256: str = ""
    shown: Shown | None = None


@dataclass(frozen=True)
class Mask:
    """digest: SHA-256 of the pixels inside, as packed bits. key: of its file; empty where nothing is kept."""

    digest: str
    key: str = ""


class Kept:
    """folder: None keeps nothing, for a dry run. passing: a picture or mask goes once it was taken, so that a load
    needs the space of its batch once; what explanation files decode to stays to the end, for findings may share it."""

    def __init__(self, folder: Path | None, passing: bool = False) -> None:
        self.folder, self.passing = folder, passing
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def picture(self, key: str, decode: Callable[[], tuple[Radiograph, DicomFacts | None]]) -> Picture:
        """The picture of the file with this SHA-256; decoded unless it is kept. key: "" for one that no file has.
        Raises what `decode` raises."""
        found = self._facts(key)
        if found:
            return self._read(key, found)
        radiograph, facts = decode()
        digest = pixel_sha256(radiograph)
        made = (digest, radiograph.pixels.shape, radiograph.bits, radiograph.window, radiograph.as_read, facts)
        if self.folder is None:
            return Picture(*made, lambda: radiograph)
        key = key or digest
        sha256, shown = self._write_pictures(key, radiograph)
        facts_of_it = {
            "digest": digest,
            "shape": radiograph.pixels.shape,
            "bits": radiograph.bits,
            "window": radiograph.window,
            "as_read": radiograph.as_read and asdict(radiograph.as_read),
            "facts": facts and asdict(facts),
            "sha256": sha256,
            "shown": asdict(shown),
        }
        self._note(key, facts_of_it)
        return Picture(*made, lambda: radiograph, key, sha256, shown)

    def kept_picture(self, key: str) -> Picture:
        """Raises ImageError where it is not there any more."""
        found = self._facts(key)
        if not found:
            raise _gone()
        return self._read(key, found)

    def mask(self, key: str, draw: Callable[[], np.ndarray | None]) -> Mask | None:
        """The mask drawn by what has this key, None where there is none; drawn unless it is kept. key: "" for one that
        no file has. Raises what `draw` raises."""
        name = f"{key}.mask" if key else ""
        found = self._facts(name)
        if found:
            return Mask(found["digest"], name)
        inside = draw()
        if inside is None:
            return None
        digest = hashlib.sha256(np.packbits(inside).tobytes()).hexdigest()
        if self.folder is None:
            return Mask(digest)
        name = name or f"{key_of(digest, inside.shape)}.mask"
        png = mask_png(inside)
        self._write(f"{name}.png", png)
        self._note(name, {"digest": digest, "sha256": _sha256(png)})
        return Mask(digest, name)

    def mask_file(self, key: str) -> bytes:
        """The file as a case's truth stores it. Raises ImageError."""
        return self._content(f"{key}.png", (self._facts(key) or {}).get("sha256", ""))

    def array(self, way: list[Any], content: bytes, decode: Callable[[], np.ndarray]) -> str:
        """The key of what a file of an extension decodes to, in this way; decoded unless it is kept. Empty where
        nothing is kept. Raises what `decode` raises."""
        name = f"{key_of(way, _sha256(content))}.file"
        if self._facts(name):
            return name
        decoded = decode()
        if self.folder is None:
            return ""
        packed = BytesIO()
        np.savez_compressed(packed, decoded)
        self._write(f"{name}.npz", packed.getvalue())
        self._note(name, {"of": _sha256(content), "sha256": _sha256(packed.getvalue())})
        return name

    def kept_array(self, key: str, content: bytes) -> np.ndarray:
        """content: of the file, which must be the one that was decoded. Raises ImageError."""
        found = self._facts(key)
        if not found or found["of"] != _sha256(content):
            raise _gone()
        with np.load(BytesIO(self._content(f"{key}.npz", found["sha256"])), allow_pickle=False) as arrays:
            return np.asarray(arrays["arr_0"])

    def files(self, picture: Picture) -> tuple[bytes, bytes | None]:
        """The files as a case stores them: its pixels, and what browsers are shown, None where it is the same file.
        Raises ImageError."""
        whole = self._content(f"{picture.key}.png", picture.sha256)
        own = picture.shown is not None and picture.shown.own
        return whole, self._content(f"{picture.key}.shown.png", picture.shown.sha256) if own and picture.shown else None

    def taken(self, picture: Picture) -> None:
        """The case has its files."""
        if self.passing and self.folder:
            for name in (".json", ".png", ".shown.png", ".npy"):
                (self.folder / f"{picture.key}{name}").unlink(missing_ok=True)

    def _write_pictures(self, key: str, radiograph: Radiograph) -> tuple[str, Shown]:
        whole = display_image(radiograph)
        self._write(f"{key}.png", whole.png)
        if radiograph.curve is not None:
            curve = BytesIO()
            np.save(curve, radiograph.curve)
            self._write(f"{key}.npy", curve.getvalue())
        digest, start = _sha256(whole.png), radiograph.as_shown()
        if max(radiograph.pixels.shape) > MAX_DISPLAY_SIDE:
            start = shrunk(start, MAX_DISPLAY_SIDE)
        if start is radiograph:
            return digest, _shown(whole, own=False)
        del whole
        shown = display_image(start)
        self._write(f"{key}.shown.png", shown.png)
        return digest, _shown(shown, own=True)

    def _read(self, key: str, found: dict[str, Any]) -> Picture:
        window = found["window"] and tuple(found["window"])
        as_read = found["as_read"] and AsRead(**{name: _tupled(value) for name, value in found["as_read"].items()})
        facts = found["facts"] and DicomFacts(**found["facts"])

        @cache
        def radiograph() -> Radiograph:
            read = read_display_image(self._content(f"{key}.png", found["sha256"]), found["bits"], window)
            curve = self._path(f"{key}.npy")
            shape = np.load(curve, allow_pickle=False) if curve.exists() else None
            return Radiograph(read.pixels, read.bits, window, shape, as_read)

        place = (found["digest"], _tupled(found["shape"]), found["bits"], window, as_read, facts)
        return Picture(*place, radiograph, key, found["sha256"], Shown(**found["shown"]))

    def _facts(self, key: str) -> dict[str, Any] | None:
        try:
            found = json.loads(self._path(f"{key}.json").read_text()) if key and self.folder else {}
        except (OSError, ValueError):
            return None
        return dict(found) if found.get("form") == FORM else None

    def _note(self, key: str, facts: dict[str, Any]) -> None:
        self._write(f"{key}.json", json.dumps(facts | {"form": FORM}, default=lambda value: value.item()).encode())

    def _content(self, name: str, sha256: str) -> bytes:
        """A file that is what was written, also after a power cut. Raises ImageError."""
        try:
            content = self._path(name).read_bytes()
        except OSError:
            raise _gone() from None
        if _sha256(content) != sha256:
            raise _gone()
        return content

    def _write(self, name: str, content: bytes) -> None:
        part = self._path(f"{name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(self._path(name))

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / name


@contextmanager
def kept_for_a_load() -> Iterator[Kept]:
    """A folder for one load at the command line; `clean_up` removes that of a load that was killed."""
    staging_root().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=staging_root(), suffix=FOLDERS.removeprefix("*")))
    try:
        yield Kept(folder, passing=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def key_of(*parts: Any) -> str:
    return _sha256(json.dumps(parts).encode())


def shrunk(radiograph: Radiograph, side: int) -> Radiograph:
    """The radiograph with its longest side `side` pixels, same depth and window; areas are averaged."""
    height, width = radiograph.pixels.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smaller = Image.fromarray(radiograph.pixels.astype(np.float32)).resize(size, Image.Resampling.BOX)
    pixels = np.round(np.asarray(smaller)).astype(radiograph.pixels.dtype)
    return Radiograph(pixels, radiograph.bits, radiograph.window)


def _shown(image: DisplayImage, own: bool) -> Shown:
    return Shown(image.width, image.height, _sha256(image.png), own)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _gone() -> ImageError:
    return ImageError("", "what was kept of it since the check is gone or damaged", "Send or load the batch again")
