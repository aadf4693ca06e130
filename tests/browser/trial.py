"""A real study with one reader in the middle of it, for the reading room's tests."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from explain.methods.kinds import kind as kind_of
from readerstudy.cases.models import save_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.models import Assignment, Read, Reader, Response, Visit
from readerstudy.studies.models import Example, Study
from tests.browser.stimuli import FRAMES, MAP_SIZE, stimuli
from tests.builders import make_batch, make_reader, make_reads, make_study, make_user, open_now

SLUG = "chest"
PASSWORD = "let-me-read-1"  # of every user that the builders make
METHODS = {
    "A": ["input_gradient", "guided_backprop", "integrated_gradients"],
    "B": ["latentshift_map", "latentshift_animation"],
}
ANIMATION = {
    "lambdas": [-80 + 10 * number for number in range(FRAMES)],
    "frames": FRAMES,
    "predictions": [0.05 * number for number in range(FRAMES)],
}


class Trial:
    """Examples 1..total in order, Method A for the odd and Method B for the even ones; the first read is open."""

    def __init__(
        self, total: int = 6, bits: int = 12, size: tuple[int, int] = (640, 768), practice: int = 0,
        methods: dict[str, list[str]] = METHODS, **fields: Any,
    ) -> None:  # fmt: skip
        self.bits, self.size, self.methods = bits, size, methods
        self.pixels, self.crop, self.files = stimuli(size, bits)
        study = make_study(SLUG, examples=total, **fields)
        if practice:
            for number, case in enumerate(make_batch(f"{SLUG}-practice", practice).cases.all(), start=1):
                Example.objects.create(study=study, prediction=case.predictions.get(), number=number, practice=True)
        for key, kinds in methods.items():
            study.methods.filter(key=key).update(kinds=kinds)
        for example in study.examples.select_related("prediction__case"):
            self._illustrate(example)
        self.study = open_now(study)
        self.reader = self.joined("R1")
        if practice:
            self._practise()

    def _illustrate(self, example: Example) -> None:
        case = example.prediction.case
        case.bits, (case.width, case.height) = self.bits, self.size
        case.display_width, case.display_height = self.size
        case.crop_x, case.crop_y, case.crop_size = self.crop["x"], self.crop["y"], self.crop["size"]
        case.display_sha256 = hashlib.sha256(self.files["image"]).hexdigest()
        save_file(case.display, self.files["image"], ".png", case.public_id)
        case.save()
        for name in dict.fromkeys(name for kinds in self.methods.values() for name in kinds):
            animated, content = kind_of(name).shows == "animation", self.files[name]
            explanation = Explanation.objects.create(
                prediction=example.prediction, kind=name, key=name, status="done", record=ANIMATION if animated else {}
            )
            file = ExplanationFile(
                explanation=explanation, role="strip" if animated else "layer", format="image/png",
                sha256=hashlib.sha256(content).hexdigest(), width=MAP_SIZE, height=MAP_SIZE,
            )  # fmt: skip
            save_file(file.file, content, ".png", case.public_id)
            file.save()
            example.explanations.add(explanation)

    def joined(self, code: str) -> Reader:
        """A reader who has consented and read the instructions, and whose first read is open."""
        reader = make_reader(self.study, code, user=make_user(f"reader-{code}"))
        reader.consented_at = reader.instructions_read_at = timezone.now()
        reader.specialty = "Radiology"
        reader.save()
        make_reads(reader)
        return reader

    def _practise(self) -> None:
        """The reader is still at the practice read; the first scored one waits."""
        self.reader.reads.update(opened_at=None)
        read = Read.objects.create(reader=self.reader, number=Read.PRACTICE, opened_at=timezone.now())
        for position, example in enumerate(self.study.examples.filter(practice=True).order_by("number"), start=1):
            method = self.study.methods.get(key="AB"[(position - 1) % 2])
            Assignment.objects.create(read=read, example=example, method=method, position=position)

    # --- what is stored ---

    def change(self, **fields: Any) -> None:
        """Change the study behind the back of its protocol."""
        Study.objects.filter(pk=self.study.pk).update(**fields)

    def scores(self) -> list[tuple[int, str, int, int]]:
        """(position, question, score, revision) as stored, in order of arrival."""
        rows = Response.objects.order_by("id")
        return list(rows.values_list("assignment__position", "question__key", "score", "revision"))

    def visit(self, position: int) -> Visit:
        """The first visit of an example."""
        return Visit.objects.filter(assignment__position=position).order_by("opened_at").first()

    # --- what may go wrong ---

    def file(self, position: int, kind: str) -> Path:
        """Where an explanation's file is on the disk."""
        shown = Assignment.objects.get(read__reader=self.reader, read__number=1, position=position)
        row = ExplanationFile.objects.get(explanation__kind=kind, explanation__examples=shown.example)
        return Path(row.file.path)

    def spoil(self, position: int, kind: str, how: str) -> Callable[[], object]:
        """Lose or damage a file on the server's disk; returns how to mend it."""
        path = self.file(position, kind)
        if how == "missing":
            path.unlink()
        else:
            path.write_bytes(self.files[kind][:-40] + bytes(40))
        return lambda: path.write_bytes(self.files[kind])


def session_cookie(reader: Reader, url: str) -> dict[str, str]:
    """The cookie of a browser in which the reader has logged in."""
    client = Client()
    client.force_login(reader.membership.user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}
