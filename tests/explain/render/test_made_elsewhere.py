"""Maps and animations that other tools rendered."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explain.images.radiograph import ImageError
from explain.render import pictures as render
from explain.render.made_elsewhere import read_animation, read_map
from tests.explain.image_files import encoded, greys


def test_a_224_map_comes_back_as_it_is() -> None:
    for bits in (8, 16):
        pixels = greys(224, 224, bits=bits)
        values = read_map(encoded(pixels))
        assert values.shape == (224, 224) and values.dtype == np.float32
        np.testing.assert_allclose(values, pixels / (2**bits - 1), atol=1e-6)


def test_a_large_map_is_averaged_and_a_small_one_repeated() -> None:
    large = greys(448, 448)
    means = large.reshape(224, 2, 224, 2).mean((1, 3)) / 255
    np.testing.assert_allclose(read_map(encoded(large)), means, atol=1e-6)
    small = greys(7, 7)
    np.testing.assert_allclose(read_map(encoded(small)), np.kron(small, np.ones((32, 32))) / 255, atol=1e-6)


def test_a_map_over_the_whole_radiograph_is_cropped_like_the_radiograph() -> None:
    wide = greys(224, 300)
    data = encoded(wide)
    np.testing.assert_allclose(read_map(data, radiograph_shape=(2240, 3000)), wide[:, 38:262] / 255, atol=1e-6)
    with pytest.raises(ImageError, match="row 3: the map is 300 x 224 pixels, neither square nor"):
        read_map(data, "row 3", radiograph_shape=(3000, 2240))


def test_unfit_maps_are_refused() -> None:
    for pixels, words in [
        (np.full((50, 50), 9, np.uint8), "the map is constant"),
        (np.dstack([greys(), greys(), 255 - greys()]), "in colour"),
        (greys(3, 9), "too small"),
    ]:
        with pytest.raises(ImageError, match=words):
            read_map(encoded(pixels), "row 3")
    for data in (b"GIF89a", encoded(greys())[:-99]):
        with pytest.raises(ImageError, match="truncated"):
            read_map(data)


def test_an_animation_comes_back_frame_by_frame() -> None:
    loop = render.boomerang(np.stack([greys(64, 64, seed=n) for n in range(5)]))
    assert np.array_equal(read_animation(render.animation_gif(loop)), loop)
    wide = np.stack([greys(64, 80, seed=n) for n in range(3)])
    assert np.array_equal(read_animation(render.animation_gif(wide)), wide[:, :, 8:72])


def test_unfit_animations_are_refused() -> None:
    still, colour, many = BytesIO(), BytesIO(), BytesIO()
    Image.fromarray(greys()).save(still, "GIF")
    red = [Image.fromarray(np.dstack([greys(seed=n), greys() // 2, greys() // 2])) for n in (0, 1)]
    red[0].save(colour, "GIF", save_all=True, append_images=red[1:])
    dots = [Image.fromarray(greys(8, 8, seed=n)) for n in range(201)]
    dots[0].save(many, "GIF", save_all=True, append_images=dots[1:])
    whole = render.animation_gif(np.stack([greys(seed=n) for n in range(3)]))
    for data, words in [
        (still.getvalue(), "has one frame"),
        (colour.getvalue(), "in colour"),
        (many.getvalue(), "201 frames, more than 200"),
        (whole[: len(whole) // 2], "truncated"),
        (encoded(greys()), "unsupported"),
    ]:
        with pytest.raises(ImageError, match=words):
            read_animation(data, "row 3")


def test_an_animation_bomb_is_refused_before_it_is_decoded() -> None:
    data = bytearray(render.animation_gif(np.stack([greys(seed=n) for n in range(3)])))
    data[6:10] = (8000).to_bytes(2, "little") + (4000).to_bytes(2, "little")
    with pytest.raises(ImageError, match="3 frames of 8000 x 4000 pixels are too many"):
        read_animation(bytes(data))
