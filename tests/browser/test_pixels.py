"""Pixels arrive as sent, or the example is refused; and maps are drawn area-true at every size."""

import base64
import io
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import ReadingRoom
from tests.browser.stimuli import MAP_SIZE, average
from tests.browser.test_viewer import image_url, middle, pixels, settle

Make = Callable[..., ReadingRoom]

# As privacy protections do: what is read from a canvas differs by one, here and there.
ALTERED = """
    const { getImageData } = CanvasRenderingContext2D.prototype;
    const noisy = function (...args) {
        const image = getImageData.apply(this, args);
        for (let i = 0; i < image.data.length; i += 97) image.data[i] ^= 1;
        return image;
    };
    CanvasRenderingContext2D.prototype.getImageData = noisy;
    if (window.OffscreenCanvasRenderingContext2D) OffscreenCanvasRenderingContext2D.prototype.getImageData = noisy;
"""
DECODE = """async ([kind, bytes, facts]) => {
    const { decode } = await import("/static/reading/decoder.js");
    const blob = new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))]);
    try {
        const made = [await decode(kind, blob, facts)].flat();
        const { width, height, samples, rgba } = made[0];
        return [width, height, [...(samples ?? rgba)]];
    } catch (error) { return error.message; }
}"""


def decode(room: ReadingRoom, kind: str, content: bytes, facts: Any = None) -> Any:
    return room.page.evaluate(DECODE, [kind, base64.b64encode(content).decode(), facts])


def png(array: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def filtered(pixels: np.ndarray, filters: list[int]) -> bytes:
    """A PNG of uint8 (H, W, C) whose lines use these filters in turn, written by the book."""
    height, width, channels = pixels.shape
    padded = np.zeros((height + 1, width + 1, channels), int)
    padded[1:, 1:] = pixels
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    estimate = left + up - corner
    distances = np.stack([abs(estimate - left), abs(estimate - up), abs(estimate - corner)])
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    predicted = [np.zeros_like(left), left, up, (left + up) // 2, paeth]
    lines = b"".join(
        bytes([filters[y % len(filters)]])
        + ((pixels[y].astype(int) - predicted[filters[y % len(filters)]][y]) % 256).astype(np.uint8).tobytes()
        for y in range(height)
    )
    header = (
        width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0])
    )
    packed = zlib.compress(lines)
    body = chunk(b"IDAT", packed[: len(packed) // 2]) + chunk(b"IDAT", packed[len(packed) // 2 :])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@pytest.fixture
def room(reading_room: Make) -> ReadingRoom:
    made = reading_room(total=1)
    made.open()
    return made


def test_a_canvas_that_alters_what_is_read_from_it_changes_no_pixel_of_a_radiograph(reading_room: Make) -> None:
    room = reading_room(total=1, size=(300, 340))
    room.page.add_init_script(ALTERED)
    page = room.open()
    samples = page.evaluate(
        """async (url) => {
            const { decodeImage } = await import("/static/reading/pixels.js");
            const facts = { bits: 12, width: 300, height: 340 };
            return [...(await decodeImage(await (await fetch(url)).blob(), facts)).samples];
        }""",
        image_url(room),
    )
    assert np.array_equal(np.reshape(samples, (340, 300)), room.trial.pixels)
    shown = pixels(page)
    assert np.array_equal(shown[..., 0], shown[..., 1])


def test_every_filter_and_colour_type_is_undone(room: ReadingRoom) -> None:
    for channels in (1, 2, 3, 4):
        array = np.random.default_rng(channels).integers(0, 256, (13, 17, channels)).astype(np.uint8)
        grey = np.repeat(array[..., :1], 3, axis=2) if channels < 3 else array[..., :3]
        alpha = array[..., -1:] if channels in (2, 4) else np.full((13, 17, 1), 255)
        for filters in ([0], [1], [2], [3], [4], [4, 3, 2, 1, 0]):
            width, height, found = decode(room, "layer", filtered(array, filters))
            assert np.array_equal(np.reshape(found, (height, width, 4)), np.dstack([grey, alpha])), (channels, filters)


def test_a_damaged_file_is_refused_in_words(room: ReadingRoom) -> None:
    array = np.random.default_rng(1).integers(0, 256, (12, 12), dtype=np.uint8)
    whole = png(array)
    flipped = bytearray(whole)
    flipped[60] ^= 1
    damaged = {"cut": whole[:-30], "a bit": bytes(flipped), "no end": whole[:-12], "text": b"<html>not today</html>"}
    lines = b"".join(b"\0" + row.tobytes() for row in array)
    header = (12).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    for what, packed in {
        "too few": zlib.compress(lines[:-13]),
        "too many": zlib.compress(lines + b"\0" * 13),
        "another sum": zlib.compress(lines)[:-4] + b"ABCD",
        "no such filter": zlib.compress(b"\7" + lines[1:]),
    }.items():
        damaged[what] = whole[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    facts = {"bits": 8, "width": 12, "height": 12}
    assert decode(room, "image", whole, facts) == [12, 12, array.ravel().tolist()]
    for what, content in damaged.items():
        assert decode(room, "image", content, facts) == "it arrived damaged", what


def test_a_picture_that_something_on_the_way_made_anew_is_refused(room: ReadingRoom) -> None:
    facts = {"bits": 8, "width": 4, "height": 4}
    grey = np.zeros((4, 4), np.uint8)
    palette, deep = io.BytesIO(), io.BytesIO()
    Image.fromarray(grey).convert("P").save(palette, "PNG")
    Image.fromarray(grey.astype(np.uint16)).save(deep, "PNG")
    for content in (palette.getvalue(), deep.getvalue()):
        assert "something between the server and this page changed it" in decode(room, "image", content, facts)
    assert "4 x 4 were announced" in decode(room, "image", png(np.zeros((4, 5), np.uint8)), facts)
    assert "does not hold 8 bits" in decode(room, "image", png(np.zeros((4, 4, 3), np.uint8)), facts)
    over = png(np.full((4, 4, 3), 200, np.uint8))
    assert "has pixels over 4095" in decode(room, "image", over, {**facts, "bits": 12})


def test_a_file_that_is_another_than_announced_is_refused_and_recorded(reading_room: Make) -> None:
    room = reading_room(total=2)
    small = png(np.zeros((8, 8, 3), np.uint8))
    page = room.page
    page.route("**/files/**", lambda route: route.fulfill(body=small, content_type="image/png"))
    room.open(check=False)
    room.pass_display_check()
    expect(page.locator("#message")).to_contain_text("8 x 8 pixels where 640 x 768 were announced")
    expect(page.locator("#message")).to_contain_text("no answer is taken")
    room.wait_until(lambda: bool(room.trial.visit(1)))
    display = room.trial.visit(1).display
    assert "Input image" in display["failed_files"] and "8 x 8 pixels where" in display["failed_why"]
    page.unroute("**/files/**")
    page.get_by_role("button", name="Try again").click()
    room.wait_for(1)


# --- Maps


AREA_TRUE = """async ([width, letters, square, side]) => {
    const { areaTrue } = await import("/static/reading/area.js");
    const rgba = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
    const drawn = areaTrue({ width, height: rgba.length / 4 / width, rgba }, square, side);
    return btoa(Array.from(drawn, (byte) => String.fromCharCode(byte)).join(""));
}"""
AWKWARD = [  # where the map lies (x, y, size) on a screen of so many pixels
    (0, 0, 326, 326),  # enlarged by no whole number
    (0, 0, 256, 256),  # by a whole one
    (0, 0, 97, 97),
    (0, 0, 16, 16),  # made smaller
    (-103.37, -811.9, 326 * 5.3, 326),  # zoomed in, part of it
    (41.25, -7.5, 199.9, 265),  # moved half off
    (400, 10, 90, 300),  # off the screen
    (-0.31, 0.77, 64.5, 65),
]


def test_maps_are_area_means_at_any_size_and_place(room: ReadingRoom) -> None:
    rng = np.random.default_rng(3)
    for soft in (False, True):
        layer = rng.integers(0, 256, (64, 64, 4)).astype(np.uint8)
        layer[..., 3] = np.where(rng.random((64, 64)) < 0.3, layer[..., 3] if soft else 255, 0)
        for x, y, size, side in AWKWARD:
            letters = base64.b64encode(layer.tobytes()).decode()
            drawn = room.page.evaluate(AREA_TRUE, [64, letters, {"x": x, "y": y, "size": size}, side])
            found = np.frombuffer(base64.b64decode(drawn), np.uint8).reshape(side, side, 4).astype(float)
            expected = average(layer, x, y, size, side)
            assert np.abs(found[..., 3] - expected[..., 3]).max() <= 0.5 + 1e-6, (x, y, size, side)
            colour = expected[..., :3] / np.maximum(expected[..., 3:], 1e-9) * 255
            seen = expected[..., 3] > 1e-6
            assert np.abs(found[..., :3] - colour)[seen].max(initial=0) <= 0.5 + 1e-6, (x, y, size, side)


def test_a_panel_is_a_whole_multiple_of_the_map_only_where_that_costs_little(room: ReadingRoom) -> None:
    sides = range(1, 3000)
    script = """async (sides) => {
        const { evenSide } = await import("/static/reading/area.js");
        return sides.map(evenSide);
    }"""
    found = room.page.evaluate(script, list(sides))
    for side, used in zip(sides, found, strict=True):
        multiple = side // MAP_SIZE * MAP_SIZE
        assert used == (multiple if multiple >= 0.95 * side else side)


def red_share(page: Page) -> np.ndarray:
    """How much of each screen pixel the map's red covers, from what the two panels show: float (side, side), 0..1."""
    bare, mapped = pixels(page).astype(float), pixels(page, "input_gradient").astype(float)
    return np.asarray((mapped[..., 0] - mapped[..., 1] - bare[..., 0] + bare[..., 1]) / (0.8 * (222 - 45)))


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
def test_maps_lie_where_they_belong_at_every_pixel_ratio_and_zoom(
    reading_room: Make, browser: Any, ratio: float
) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, device_scale_factor=ratio)
    room = reading_room(page=context.new_page(), total=1)
    page = room.open()
    layer = np.asarray(Image.open(io.BytesIO(room.trial.files["input_gradient"])))
    whole = red_share(page)
    side = whole.shape[0]
    assert np.abs(average(layer, 0, 0, side, side)[..., 3] / 255 - whole).max() < 0.02
    width = page.evaluate("() => document.querySelector('[data-panel=input] canvas').getBoundingClientRect().width")
    assert abs(width * ratio - side) < 0.1, "one pixel of the canvas is one pixel of the screen"
    room.press("+", "+", "+", "+")
    x, y, _ = middle(page)
    page.mouse.move(x + 37, y - 22)
    page.mouse.down(button="middle")
    page.mouse.move(x + 37 + 13, y - 22 + 7)
    page.mouse.up(button="middle")
    settle(page)
    zoom = 1.25**4
    left, top = (0.5 * (1 - zoom) + moved / width for moved in (13, 7))
    zoomed = average(layer, left * side, top * side, zoom * side, side)[..., 3] / 255
    assert 0.05 < zoomed.mean() < 0.95
    assert np.abs(zoomed - red_share(page)).mean() < 0.004
    context.close()
