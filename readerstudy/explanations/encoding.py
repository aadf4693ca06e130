"""From computed maps and frames to the files of an explanation. NumPy and Pillow only; safe to run in threads."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.methods.kind import Form
from explain.render import pictures as render
from explain.render.curve import lambda_chart, lambda_curve
from explain.render.flow import flow_layer
from explain.render.usable import UnusableMap, require_usable
from readerstudy.explanations.computing import Computed

Role = Literal["layer", "overlay", "gif", "strip", "curve"]  # as ExplanationFile.Role


@dataclass(frozen=True)
class EncodedFile:
    role: Role
    content: bytes
    suffix: str
    format: str
    width: int
    height: int


def encode(shows: Form, computed: Computed, radiograph: Radiograph) -> list[EncodedFile]:
    """The files of one explanation of that form.

    Raises UnusableMap for a non-finite or constant map, and for an animation in which nothing moves.
    """
    if computed.map is not None:
        require_usable(computed.map)
    return _ENCODERS[shows](computed, radiograph)


def _still(computed: Computed, radiograph: Radiograph) -> list[EncodedFile]:
    if computed.map is None:
        raise ValueError("there is no map")
    return encode_map(computed.map, radiograph)


def _animation(computed: Computed, radiograph: Radiograph) -> list[EncodedFile]:
    if computed.frames is None:
        raise ValueError("there are no frames")
    frames = render.frames_to_grey(computed.frames)
    if (frames == frames[0]).all():
        raise UnusableMap("all frames of the animation look the same: the change is less than one grey level")
    return encode_frames(frames, computed.record)


def _curve(computed: Computed, radiograph: Radiograph) -> list[EncodedFile]:
    chart = lambda_chart(computed.record["lambdas"], computed.record["predictions"])
    return [_image("layer", chart, ".png"), _lambda_curve(computed.record)]


def _flow(computed: Computed, radiograph: Radiograph) -> list[EncodedFile]:
    if computed.frames is None:
        raise ValueError("there is no flow")
    layer = flow_layer(computed.frames)
    return [_image("layer", layer, ".png"), _image("overlay", render.laid_over(radiograph, layer), ".png")]


_ENCODERS: dict[Form, Callable[[Computed, Radiograph], list[EncodedFile]]] = {
    "still": _still,
    "animation": _animation,
    "curve": _curve,
    "flow": _flow,
}


def encode_map(values: np.ndarray, radiograph: Radiograph) -> list[EncodedFile]:
    """Layer and overlay of a map, (224, 224)."""
    layer, overlay = render.heat_layer(values), render.overlay(radiograph, values)
    return [_image("layer", layer, ".png"), _image("overlay", overlay, ".png")]


def encode_frames(frames: np.ndarray, record: dict[str, Any]) -> list[EncodedFile]:
    """Strip, boomerang GIF and lambda curve of grey frames, uint8 (N, H, W)."""
    files = [
        _image("strip", render.frame_strip(frames), ".png"),
        _image("gif", render.animation_gif(render.boomerang(frames)), ".gif"),
    ]
    if record.get("lambdas"):
        files.append(_lambda_curve(record))
    return files


def _lambda_curve(record: dict[str, Any]) -> EncodedFile:
    curve = lambda_curve(record["lambdas"], record["predictions"])
    return EncodedFile("curve", curve, ".svg", "image/svg+xml", 0, 0)


def map_bytes(values: np.ndarray) -> bytes:
    """The float map as .npy, float32."""
    file = BytesIO()
    np.save(file, values.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _image(role: Role, content: bytes, suffix: str) -> EncodedFile:
    with Image.open(BytesIO(content)) as picture:
        width, height = picture.size
    return EncodedFile(role, content, suffix, Image.MIME[str(picture.format)], width, height)
