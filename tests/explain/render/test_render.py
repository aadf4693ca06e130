"""What the browser is given: display images, heat layers, overlays, animations, strips."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.render import pictures as render
from explain.render.colour_scales import PUBLISHED
from explain.render.usable import UnusableMap
from tests.explain.image_files import greys


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


def chunks(png: bytes) -> set[bytes]:
    kinds, at = set(), 8
    while at < len(png):
        kinds.add(png[at + 4 : at + 8])
        at += 12 + struct.unpack(">I", png[at : at + 4])[0]
    return kinds


@pytest.fixture
def heat() -> np.ndarray:
    """100 different values on 10 x 10; 95 of them are not over the 95th percentile."""
    return np.random.default_rng(0).permutation(100).reshape(10, 10).astype(np.float32)


@pytest.fixture
def frames() -> np.ndarray:
    """11 noisy frames that hold every grey level, over the model's range and a little beyond."""
    values = np.random.default_rng(0).uniform(-1100, 1100, (11, 64, 64)).astype(np.float32)
    values[:, 0, :] = np.linspace(-1024, 1024, 64)
    return values


def test_reds_is_the_table_that_matplotlib_calls_reds() -> None:
    colormaps = pytest.importorskip("matplotlib").colormaps
    assert np.array_equal(PUBLISHED.colours, np.round(colormaps["Reds"](np.arange(256))[:, :3] * 255))


@pytest.mark.parametrize("bits", [8, 9, 12, 16])
def test_a_display_image_gives_back_the_same_pixels(bits: int) -> None:
    radiograph = Radiograph(greys(bits=bits), bits, (3.0, 200.0))
    image = render.display_image(radiograph)
    assert (image.width, image.height, image.bits) == (120, 96, bits)
    back = render.read_display_image(image.png, image.bits, (3.0, 200.0))
    assert np.array_equal(back.pixels, radiograph.pixels) and back.bits == bits and back.window == (3.0, 200.0)
    if bits > 8:
        rgb = opened(image.png).astype(int)
        assert np.array_equal(rgb[..., 0] * 256 + rgb[..., 1], radiograph.pixels) and not rgb[..., 2].any()
    with pytest.raises(ValueError, match="not stored as a PNG of mode"):
        render.read_display_image(image.png, 12 if bits == 8 else 8)


def test_png_files_hold_pixels_only_and_are_the_same_every_time(heat: np.ndarray, frames: np.ndarray) -> None:
    grey = render.frames_to_grey(frames)
    for make in (
        lambda: render.display_image(Radiograph(greys())).png,
        lambda: render.display_image(Radiograph(greys(bits=12), 12)).png,
        lambda: render.heat_layer(heat),
        lambda: render.overlay(Radiograph(greys()), heat),
        lambda: render.frame_strip(grey),
    ):
        assert chunks(make()) == {b"IHDR", b"IDAT", b"IEND"}
        assert make() == make()
    assert render.animation_gif(grey) == render.animation_gif(grey)


def test_the_field_of_view_is_the_resized_centre_square_at_full_depth() -> None:
    radiograph = Radiograph(greys(96, 120, bits=12), 12, (1.0, 9.0))
    same = render.crop_and_resize(radiograph, 96)
    assert np.array_equal(same.pixels, radiograph.cropped()) and same.window == (1.0, 9.0)
    large = render.crop_and_resize(radiograph)
    assert large.pixels.shape == (600, 600) and large.bits == 12 and large.pixels.dtype == np.uint16
    assert abs(float(large.pixels.mean()) - float(radiograph.cropped().mean())) < 4


def test_the_window_decides_what_is_black_and_white() -> None:
    ramp = np.tile(np.arange(0, 4096, 32, dtype=np.uint16), (64, 1))
    grey = render.grey8(Radiograph(ramp, 12, (1024.0, 2048.0)))[0]
    assert grey[32] == 0 and grey[48] == 128 and grey[64] == 255 and grey[0] == 0 and grey[-1] == 255
    assert render.grey8(Radiograph(ramp, 12))[0, -1] == round(4064 / 4095 * 255)


def test_the_layer_shows_the_pixels_strictly_over_the_95th_percentile(heat: np.ndarray) -> None:
    rgba = opened(render.heat_layer(heat))
    assert rgba.shape == (10, 10, 4)
    assert np.array_equal(rgba[..., 3], np.where(heat > 94.05, 255, 0))  # 0..99: the 95th percentile is 94.05
    assert not rgba[heat < 95].any()
    assert np.array_equal(rgba[heat == 99][0, :3], PUBLISHED.colours[255])
    weakest = rgba[heat == 95][0, :3]
    assert np.array_equal(weakest, PUBLISHED.colours[round(255 * (0.4 + 0.6 * 0.95 / 4.95))])
    assert weakest[0] - weakest[1:].astype(int).max() > 100, "plainly red on any grey"
    stronger = [int(rgba[heat == value][0, :3].sum()) for value in range(95, 100)]
    assert stronger == sorted(stronger, reverse=True)


def test_the_overlay_fades_reds_over_the_grey_in_whole_blocks(heat: np.ndarray) -> None:
    radiograph = Radiograph(greys(120, 120))
    flat = opened(render.overlay(radiograph, heat))
    grey = render.grey8(render.crop_and_resize(radiograph)).astype(float)[..., None]
    rgba = np.kron(opened(render.heat_layer(heat)), np.ones((60, 60, 1), np.uint8))
    expected = np.where(rgba[..., 3:] > 0, 0.2 * grey + 0.8 * rgba[..., :3], grey)
    assert flat.shape == (600, 600, 3)
    np.testing.assert_allclose(flat, expected, atol=0.5)


def test_the_scale_of_a_map_does_not_matter(heat: np.ndarray) -> None:
    assert render.heat_layer(heat) == render.heat_layer(heat * 1e-20)


@pytest.mark.parametrize("bad", ["nan", "constant", "saturated"])
def test_an_unusable_map_is_an_error_not_a_picture(bad: str, heat: np.ndarray) -> None:
    values = {"nan": np.where(heat == 3, np.nan, heat), "constant": heat * 0, "saturated": np.minimum(heat, 90)}[bad]
    for make in (render.heat_layer, lambda values: render.overlay(Radiograph(greys()), values)):
        with pytest.raises(UnusableMap):
            make(values)


def test_all_frames_share_one_window_and_values_beyond_it_are_clipped(frames: np.ndarray) -> None:
    grey = render.frames_to_grey(frames)
    assert np.array_equal(grey, np.round(np.clip((frames + 1024) / 2048 * 255, 0, 255)))
    assert np.array_equal(render.frames_to_grey(frames[3:4])[0], grey[3]), "a frame does not depend on the others"
    with pytest.raises(UnusableMap, match="not finite"):
        render.frames_to_grey(frames * np.nan)


def test_the_boomerang_goes_forth_and_back_without_doubled_ends() -> None:
    assert render.boomerang(np.arange(5)).tolist() == [0, 1, 2, 3, 4, 3, 2, 1]


def test_the_gif_gives_back_every_frame_exactly(frames: np.ndarray) -> None:
    frames[:, 1:5] = np.linspace(-1024, 1024, 256).reshape(4, 64)
    loop = render.boomerang(render.frames_to_grey(frames))
    with Image.open(BytesIO(render.animation_gif(loop))) as gif:
        assert gif.n_frames == 20 and gif.info["loop"] == 0
        for index in range(20):
            gif.seek(index)
            assert gif.info["duration"] == 100
            rgb = np.asarray(gif.convert("RGB"))
            assert (rgb == loop[index][..., None]).all()
    assert len(np.unique(loop)) == 256


def test_the_strip_holds_the_frames_from_top_to_bottom(frames: np.ndarray) -> None:
    grey = render.frames_to_grey(frames)
    strip = opened(render.frame_strip(grey))
    assert strip.shape == (11 * 64, 64)
    assert np.array_equal(strip.reshape(11, 64, 64), grey)
