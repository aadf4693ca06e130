"""Radiographs and explanations drawn by hand, of which every pixel is known."""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from explain.render.flow import flow_layer

FRAMES, MAP_SIZE = 11, 224


def _png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", compress_level=1)
    return file.getvalue()


def chest(width: int = 640, height: int = 768, seed: int = 1) -> np.ndarray:
    """A crude 12-bit chest: dark lungs, bright mediastinum and heart, ribs, noise. height x width, uint16."""
    image = Image.new("F", (width, height), 2600.0)
    draw = ImageDraw.Draw(image)
    w, h = width, height
    draw.ellipse((0.12 * w, 0.12 * h, 0.47 * w, 0.84 * h), fill=900)
    draw.ellipse((0.53 * w, 0.12 * h, 0.88 * w, 0.84 * h), fill=900)
    for rib in range(7):
        top = (0.18 + 0.09 * rib) * h
        draw.arc((0.08 * w, top, 0.92 * w, top + 0.28 * h), 190, 350, fill=1500, width=max(2, w // 60))
    draw.ellipse((0.4 * w, 0.45 * h, 0.74 * w, 0.8 * h), fill=2500)
    draw.rectangle((0.46 * w, 0.05 * h, 0.54 * w, 0.95 * h), fill=3000)
    array = np.asarray(image) + np.random.default_rng(seed).normal(0, 40, (height, width))
    array[:12, :12], array[-12:, -12:] = 0, 4095
    return np.clip(array, 0, 4095).astype(np.uint16)


def deep_png(pixels: np.ndarray) -> bytes:
    """16-bit pixels as RGB: high byte in red, low byte in green."""
    rgb = np.zeros((*pixels.shape, 3), np.uint8)
    rgb[..., 0], rgb[..., 1] = pixels >> 8, pixels & 255
    return _png(rgb)


def ring_layer(radius: float) -> bytes:
    """A heat-map layer: a red ring, transparent elsewhere."""
    y, x = np.mgrid[:MAP_SIZE, :MAP_SIZE] - MAP_SIZE / 2
    distance = np.hypot(x - 10, y - 20)
    layer = np.zeros((MAP_SIZE, MAP_SIZE, 4), np.uint8)
    layer[np.abs(distance - radius) < 9] = (222, 45, 38, 255)
    return _png(layer)


def strip(pixels: np.ndarray) -> bytes:
    """Eleven frames side by side; the frame's number can be read from its first pixel: 20 x number."""
    small = np.asarray(Image.fromarray((pixels >> 4).astype(np.uint8)).resize((MAP_SIZE, MAP_SIZE)))
    frames = []
    for number in range(FRAMES):
        frame = np.clip(small.astype(float) + 4 * (number - 5), 0, 255).astype(np.uint8)
        frame[:8, :8] = 20 * number
        frames.append(frame)
    return _png(np.hstack(frames))


def motion() -> np.ndarray:
    """A flow in which one square of 40 pixels, begun at (80, 120), moves 3 pixels to the right."""
    flow = np.zeros((2, MAP_SIZE, MAP_SIZE), np.float32)
    flow[0, 120:160, 80:120] = 3
    return flow


def average(layer: np.ndarray, x: float, y: float, size: float, side: int) -> np.ndarray:
    """The exact area mean of a layer's premultiplied RGBA over each screen pixel: float (side, side, 4)."""

    def weights(start: float, count: int) -> np.ndarray:
        edges = start + np.arange(count + 1) * (size / count)
        at = np.arange(side)[:, None]
        return np.clip(np.minimum(at + 1, edges[1:]) - np.maximum(at, edges[:-1]), 0, None)

    values = layer.astype(float)
    values[..., :3] *= values[..., 3:] / 255
    return np.einsum("yi,xj,ijc->yxc", weights(y, layer.shape[0]), weights(x, layer.shape[1]), values, optimize=True)


@cache
def stimuli(size: tuple[int, int], bits: int) -> tuple[np.ndarray, dict[str, int], dict[str, bytes]]:
    """12-bit pixels, the model's field of view, and every file of an example: "image", then by explanation kind."""
    pixels = chest(*size)
    crop = min(size)
    x, y = (size[0] - crop) // 2, (size[1] - crop) // 2
    files = {
        "image": deep_png(pixels) if bits > 8 else _png((pixels >> 4).astype(np.uint8)),
        "input_gradient": ring_layer(40),
        "guided_backprop": ring_layer(60),
        "integrated_gradients": ring_layer(25),
        "latentshift_map": ring_layer(50),
        "latentshift_animation": strip(pixels[y : y + crop, x : x + crop]),
        "latentshift_flow": flow_layer(motion()),
    }
    return pixels, {"x": x, "y": y, "size": crop}, files
