"""A run that was started in the browser ends: by its own alarm clock, by a hard stop, or by who looks next."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from readerstudy.analysis import running
from readerstudy.analysis.background import running_analysis
from readerstudy.analysis.models import Analysis
from tests.builders import make_study, open_now

STUCK = """
import os, signal, time, django
django.setup()
from datetime import timedelta
from readerstudy.analysis import background
background.GRACE = timedelta(seconds=1)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as one long computation in C would
with background.limited():
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def study(db):
    return open_now(make_study("ours", examples=2))


@pytest.fixture
def processes():
    """A function that starts a sleeping process with the given last arguments; all are ended afterwards."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        code = "import time; print('here', flush=True); time.sleep(600)"
        started.append(subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE))
        started[-1].stdout.readline()  # before, the system may not know its arguments yet
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def late_run(study, process_id) -> Analysis:
    analysis = Analysis.objects.create(study=study, process_id=process_id)
    Analysis.objects.filter(pk=analysis.pk).update(started_at=timezone.now() - timedelta(hours=2))
    return analysis


def test_a_run_over_its_time_ends_itself_and_says_so(study, settings, monkeypatch):
    settings.ANALYSIS_TIME_LIMIT = 1

    def endless(*_):
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # as code that takes every failure for its own would
                continue

    monkeypatch.setattr(running, "study_results", endless)
    waiting = Analysis.objects.create(study=study)
    with pytest.raises(CommandError, match="ended after 1 seconds"):
        call_command("analyze", study="ours", store=True, analysis=waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == "failed" and "ANALYSIS_TIME_LIMIT" in waiting.error and waiting.finished_at


def test_a_run_that_does_not_listen_is_ended_from_within():
    environment = os.environ | {
        "DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        "ANALYSIS_TIME_LIMIT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1 and b"begun" in done.stdout and b"Timeout" in done.stderr


def test_who_looks_next_ends_a_run_that_is_over_its_time(study, processes):
    analysis = late_run(study, None)
    process = processes("--analysis", str(analysis.pk))
    Analysis.objects.filter(pk=analysis.pk).update(process_id=process.pid)
    assert running_analysis(study) is None
    assert process.wait(30) == -9
    analysis.refresh_from_db()
    assert analysis.status == "failed" and "ended after 3600 seconds" in analysis.error


def test_another_program_that_has_the_number_by_now_is_left_alone(study, processes):
    process = processes("--analysis", "999999")
    late_run(study, process.pid)
    assert running_analysis(study) is None and process.poll() is None


def test_a_run_within_its_time_is_left_alone(study, processes):
    analysis = Analysis.objects.create(study=study)
    process = processes("--analysis", str(analysis.pk))
    Analysis.objects.filter(pk=analysis.pk).update(process_id=process.pid)
    assert running_analysis(study) == analysis and process.poll() is None
