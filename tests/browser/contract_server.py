"""A stand-in for the reading API (docs/reading-api.md): in memory, with switches for every way a server can fail.

It lets the browser modules be tested on their own. Switches are attributes of `Contract`, set by the test.
"""

import hashlib
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
CSP = "default-src 'self'; img-src 'self' blob: data:"
LIST = b"""<!doctype html><title>list</title><form action="/bye" data-reading-logout><button>Log out</button></form>
<script type="module" src="/static/reading/logout.js"></script>"""
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}
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


@cache
def stimuli(size: tuple[int, int], bits: int) -> tuple[np.ndarray, dict[str, int], dict[str, bytes]]:
    """Pixels, the model's field of view, and every file of an example."""
    pixels = chest(*size)
    crop = min(size)
    x, y = (size[0] - crop) // 2, (size[1] - crop) // 2
    image = deep_png(pixels) if bits > 8 else _png((pixels >> 4).astype(np.uint8))
    files = {
        "image": image, "grad": ring_layer(40), "guided": ring_layer(60), "integrated": ring_layer(25),
        "shift": ring_layer(50), "strip": strip(pixels[y : y + crop, x : x + crop]),
    }  # fmt: skip
    return pixels, {"x": x, "y": y, "size": crop}, files


class Contract:
    """The study, what was stored, and the switches."""

    def __init__(self, total: int = 6, bits: int = 12, size: tuple[int, int] = (640, 768)) -> None:
        self.total, self.bits = total, bits
        self.pixels, self.crop, self.files = stimuli(size, bits)
        self.study: dict[str, Any] = {
            "slug": "chest", "title": "A study", "show_frame_predictions": False, "wl_drag_direction": "standard",
            "allow_changes": True, "single_key_shortcuts": True, "panel_columns": 4,
        }  # fmt: skip
        self.questions = [
            {"key": "confidence", "text": "How confident are you in the model's prediction?", "minimum": 1,
             "maximum": 5, "low_label": "not at all", "high_label": "very"},
            {"key": "feature", "text": "Is the model looking at the correct feature?", "minimum": 1,
             "maximum": 5, "low_label": "no", "high_label": "exactly"},
        ]  # fmt: skip
        self.responses: list[dict[str, Any]] = []
        self.visits: dict[str, dict[str, Any]] = {}
        self.updates: list[dict[str, Any]] = []
        self.preferences: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.finished = False
        self.reader = "R1"
        self.lock = threading.Lock()
        # Switches
        self.refuse_all = False  # every connection is cut
        self.lose_replies = 0  # so many writes are stored, and their answers lost
        self.logged_in = True
        self.missing: set[str] = set()  # paths of files that are not there
        self.damaged: set[str] = set()
        self.password = "correct horse"

    def answers(self, position: int) -> dict[str, int]:
        return {r["question"]: r["score"] for r in self.responses if r["position"] == position}

    def resume(self) -> int:
        keys = {question["key"] for question in self.questions}
        return next((p for p in range(1, self.total + 1) if set(self.answers(p)) != keys), self.total + 1)

    def state(self) -> dict[str, Any]:
        read = {"number": 1, "of": 2, "total": self.total, "done": self.resume() - 1,
                "state": "finished" if self.finished else "open", "resume_position": self.resume(),
                "seconds_per_example": None}  # fmt: skip
        return {"study": self.study, "reader": self.reader, "read": read, "questions": self.questions,
                "simulated": False}  # fmt: skip

    def url(self, position: int, name: str) -> str:
        return f"/media/{position:03d}-{name}.png"

    def assignment(self, position: int, practice: bool) -> dict[str, Any]:
        method_a = position % 2 == 1
        # Not the files' own hashes: those would identify public images.
        sha = {name: hashlib.sha256(name.encode()).hexdigest() for name in self.files}

        def panel(key: str, title: str, kind: str, **more: Any) -> dict[str, Any]:
            return {
                "key": key,
                "title": title,
                "what_is_this": f"{title}: what it shows, in two plain sentences. "
                "Highlighting unrelated features is a sign that wrong features were used.",
                "type": kind,
                **more,
            }

        def a_map(key: str, title: str) -> dict[str, Any]:
            return panel(key, title, "map", layer_url=self.url(position, key), opacity=0.8,
                         sha256s={"layer_url": sha[key]})  # fmt: skip

        panels = [panel("input", "Input image", "input", sha256s={})]
        if method_a:
            panels += [a_map("grad", "Image gradient"), a_map("guided", "Guided backprop"),
                       a_map("integrated", "Integrated gradients")]  # fmt: skip
        else:
            shown = self.study["show_frame_predictions"]
            panels += [a_map("shift", "Latent shift, 2D"), panel(
                "animation", "Latent shift, animation", "animation", strip_url=self.url(position, "strip"),
                frames=FRAMES, lambdas=[-80 + 10 * i for i in range(FRAMES)], frame_ms=100, zero_frame=8,
                frame_predictions=[0.05 * i for i in range(FRAMES)] if shown else None,
                sha256s={"strip_url": sha["strip"]})]  # fmt: skip
        height, width = self.pixels.shape
        return {
            "position": position, "total": self.total, "practice": practice,
            "example": {"number": position + 90, "pathology": "Cardiomegaly", "probability_percent": 64, "sex": "F",
                        "age": 58},
            "method": {"label": "Method A" if method_a else "Method B"},
            "case": {"image": {"url": self.url(position, "image"), "bits": self.bits, "width": width,
                               "height": height, "sha256": sha["image"]}, "crop": self.crop},
            "panels": panels, "answers": self.answers(position), "comment": "", "visit_token": f"token-{position}",
        }  # fmt: skip

    # --- the API: each returns (status, body) ---

    def get(self, path: str, practice: bool) -> tuple[int, Any]:
        if path == "state/":
            return 200, self.state()
        if match := re.fullmatch(r"assignments/(\d+)/", path):
            return 200, self.assignment(int(match[1]), practice)
        if practice and re.fullmatch(r"feedback/\d+/", path):
            return 200, {"truth": True, "text": "The heart is wider than half the chest."}
        return problem(404, "There is no such page.")

    def write(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        now = datetime.now(UTC).isoformat()
        if path == "visits/":
            self.visits.setdefault(body["id"], body)
            return 201, {"id": body["id"]}
        if match := re.fullmatch(r"visits/([0-9a-f-]{36})/", path):
            self.updates.append({"id": match[1], **body})
            self.visits[match[1]] |= body
            return 200, {"saved_at": now}
        if match := re.fullmatch(r"responses/([0-9a-f-]{36})/", path):
            known = next((r for r in self.responses if r["id"] == match[1]), None)
            if known is None:
                place = (body["position"], body["question"])
                revision = 1 + sum((r["position"], r["question"]) == place for r in self.responses)
                known = {"id": match[1], "revision": revision, "saved_at": now, **body}
                self.responses.append(known)
            return 200, {"saved_at": known["saved_at"], "revision": known["revision"]}
        if path == "finish/":
            self.finished = True
            return 200, {"detail": "The next read opens on 3 December."}
        if path == "preferences/":
            self.preferences.append(body)
            return 200, {}
        return problem(404, f"There is nothing to {method} here.")


def problem(status: int, detail: str, code: str = "") -> tuple[int, Any]:
    return status, {"title": detail, "detail": detail, "status": status, "code": code}


def page(practice: bool) -> bytes:
    """The real template, with the few tags it has filled in by hand: this server knows no Django."""
    text = (ROOT / "templates/reading/read.html").read_text()
    text = re.sub(r"{% load .*?%}|{#.*?#}", "", text)
    text = re.sub(r"{% static '([^']+)' %}", r"/static/\1", text)
    text = re.sub(r"{% if practice %}(.*?){% endif %}", r"\1" if practice else "", text)
    api = "/api/reading/chest/" + ("practice/" if practice else "")
    values = {"study_slug": "chest", "api_url": api, "session_url": "/api/session/", "list_url": "/reading/chest/"}
    text = re.sub(r"{{ (\w+) }}", lambda match: values[match[1]], text)
    assert "{%" not in text, "the template has tags that the contract server does not know"
    return text.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    contract: Contract

    def log_message(self, *args: Any) -> None:
        pass

    def reply(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:  # the browser left before the image had come
            self.close_connection = True

    def reply_json(self, answer: tuple[int, Any]) -> None:
        status, body = answer
        kind = "application/json" if status < 400 else "application/problem+json"
        self.reply(status, json.dumps(body).encode(), kind)

    def cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    def handle_request(self) -> None:
        contract = self.contract
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        path = self.path.split("?")[0]
        with contract.lock:
            contract.requests.append(f"{self.command} {path}")
            if contract.refuse_all:
                self.cut()
            elif path.startswith("/api/"):
                self.answer_api(path, json.loads(sent or b"{}"))
            elif path.startswith("/media/"):
                self.answer_media(path)
            elif path.startswith("/static/"):
                self.answer_static(ROOT / path.lstrip("/"))
            elif path in ("/reading/chest/", "/bye"):
                self.reply(200, LIST, "text/html")
            else:
                self.reply(200, page("practice" in path), "text/html", Set_Cookie="csrftoken=abc; Path=/")

    do_GET = do_POST = do_PUT = handle_request

    def answer_api(self, path: str, body: dict[str, Any]) -> None:
        contract = self.contract
        if self.command != "GET" and self.headers.get("X-CSRFToken") != "abc":
            return self.reply_json(problem(403, "The form was not protected."))
        if path == "/api/session/":
            contract.logged_in = body.get("password") == contract.password
            return self.reply_json((200, {}) if contract.logged_in else problem(403, "That password is not right."))
        if not contract.logged_in:
            return self.reply_json(problem(401, "Please log in again.", "login_required"))
        if self.headers.get("X-Reader") not in (None, contract.reader):
            return self.reply_json(problem(409, "Someone else is logged in.", "wrong_reader"))
        practice = path.startswith("/api/reading/chest/practice/")
        rest = path.removeprefix("/api/reading/chest/").removeprefix("practice/")
        if self.command == "GET":
            return self.reply_json(contract.get(rest, practice))
        answer = contract.write(self.command, rest, body)
        if contract.lose_replies > 0:
            contract.lose_replies -= 1
            return self.cut()
        return self.reply_json(answer)

    def answer_static(self, file: Path) -> None:
        if file.is_file():
            self.reply(200, file.read_bytes(), TYPES[file.suffix])
        else:
            self.reply(404, b"", "text/plain")

    def answer_media(self, path: str) -> None:
        contract = self.contract
        name = Path(path).stem.split("-")[1]
        if path in contract.missing:
            self.reply_json(problem(404, "The file is not there."))
        elif path in contract.damaged:
            self.reply(200, contract.files[name][:-40] + bytes(40), "image/png")
        else:
            self.reply(200, contract.files[name], "image/png")


@contextmanager
def serve(contract: Contract) -> Iterator[str]:
    """Serve a contract on a free port of this machine; gives its address."""
    handler = type("Handler", (_Handler,), {"contract": contract})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":  # look at the page by hand
    with serve(Contract()) as address:
        print(f"{address}/read/  and  {address}/practice/   (Ctrl-C ends)")
        while True:
            time.sleep(60)
