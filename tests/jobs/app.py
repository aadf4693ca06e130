"""An app with jobs of its own, for the tests of workers."""

import os
import time
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404

from readerstudy.jobs.kinds import JobKind
from readerstudy.jobs.rounds import Round

NEVER, STAFF = "tests.jobs.app:never", "tests.jobs.app:only_staff"


class JobsOfTests(AppConfig):
    name = "tests.jobs"
    label = "tests_jobs"
    job_kinds = [
        JobKind("count", "Count", "tests.jobs.app:count", NEVER, STAFF),
        JobKind("refuse", "Refuse", "tests.jobs.app:refuse", NEVER, STAFF),
        JobKind("break", "Break", "tests.jobs.app:break_down", NEVER, STAFF),
        JobKind("die", "Die", "tests.jobs.app:die", NEVER, STAFF),
        JobKind("long", "Long", "tests.jobs.app:count", NEVER, STAFF, time_limit="SHORT_LIMIT"),
        JobKind("draw", "Draw", "tests.jobs.app:count", NEVER, STAFF, queue="gpu", needs_torch=True),
    ]
    rounds = [Round("tests.jobs.app:break_down", 3600), Round("tests.jobs.app:go_round", 3600)]


def go_round(stop) -> None:
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    with (Path(settings.MEDIA_ROOT) / "rounds").open("a") as file:
        file.write("round\n")


def count(work, to: int, file: str, seconds: float = 0.1) -> str:
    """Appends a line to `file` for each number that is not there yet, as a resumable job would."""
    for number in range(1, to + 1):
        time.sleep(seconds)
        with work.writing(), Path(file).open("a+") as lines:
            lines.seek(0)
            if str(number) not in lines.read().split():
                lines.write(f"{number}\n")
        work.progress(number, to, "Counting")
    return f"Counted to {to}."


def refuse(work) -> str:
    raise ValidationError("There is nothing to count: draw examples first.")


def break_down(work) -> str:
    raise ZeroDivisionError("division by zero")


def die(work) -> str:
    os._exit(9)  # as a process that is killed for its memory


def never(about, user, data):
    raise ValidationError("Tests ask for jobs themselves.")


def only_staff(request, about: str) -> None:
    if not request.user.is_staff:
        raise Http404
