"""Analyses asked for on the results page, as jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from readerstudy.accounts.models import User
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.running import store_analysis
from readerstudy.common.counting import counted
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import ask
from readerstudy.jobs.work import Work
from readerstudy.studies.jobs import study_of
from readerstudy.studies.models import Study

KIND = "analyze"


def ask_for_analysis(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue an analysis of the answers as they will be when it begins; ValidationError while one is under way."""
    study = study_of(about)
    return ask(KIND, about, f"Analyse “{study.title}”", user, study=study.slug)


def analyze(work: Work, study: str) -> str:
    """What a worker does."""
    work.progress(0, 0, "Analysing the answers")
    analysis = store_analysis(Study.objects.get(slug=study), work.user, work.writing)
    if analysis.status == Analysis.Status.FAILED:
        raise ValidationError(analysis.error)
    return f"Analysed {counted(analysis.responses, 'response')}."
