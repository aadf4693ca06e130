"""The power page: how many readers and cases a study needs for its planned endpoint, of a study or before any."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.analysis.pages.power_forms import NAMES, AreaForm, Row, ScoreForm
from readerstudy.analysis.pilots import (
    ENDPOINTS,
    PUBLISHED,
    PUBLISHED_THRESHOLD,
    SCORES,
    SHARES,
    Values,
    study_pilots,
    trusted_from,
)
from readerstudy.common.refusals import NotAllowed
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies.access import may_create_study, researcher_study, signed_in
from readerstudy.studies.looking import refuse_readers
from readerstudy.studies.models import Study

SOURCES = {"study": "this study", "published": "the published study (Cohen et al., MIDL 2021)", "typed": "typed"}


def power_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Power by readers and cases. A closed study's components fill the form; an open study's are not shown."""
    study = researcher_study(request, slug)
    refuse_readers(study, signed_in(request))
    return _page(request, study)


def power_before_a_study(request: HttpRequest) -> HttpResponse:
    """The same before the first study exists, from published or typed components."""
    if not may_create_study(signed_in(request)):
        raise NotAllowed("Studies are planned by administrators and by people who run a study.")
    return _page(request, None)


def _page(request: HttpRequest, study: Study | None) -> HttpResponse:
    plan = _plan(study)
    endpoint = _known(request.GET.get("endpoint"), ENDPOINTS, _planned_endpoint(plan))
    threshold = _threshold(request.GET.get("threshold", ""))
    own = study_pilots(study, endpoint, plan, threshold) if study else {}
    known: dict[str, Mapping[str, Values]] = {
        "study": own,
        "published": {question: found[endpoint] for question, found in PUBLISHED.items()},
    }
    source = _known(
        request.GET.get("source"), tuple(SOURCES), "study" if own else "published" if not study else "typed"
    )
    pilots = known.get(source, {})
    question = _known(request.GET.get("question"), tuple(pilots), next(iter(pilots), ""))
    asked = "effect" in request.GET
    kind = ScoreForm if endpoint in SCORES else AreaForm
    pilot = pilots.get(question, {})
    form = kind(request.GET if asked else None, initial={**_initial(plan, endpoint), **_layout(pilot), **pilot})
    rows: list[Row] = form.rows() if asked and form.is_valid() else []
    context = {
        "study": study,
        "form": form,
        "first_of_pilot": form.PILOT[0],
        "rows": rows,
        "sizes": form.sizes() if rows else [],
        "asked": form.cleaned_data if rows else None,
        "endpoint": endpoint,
        "endpoints": NAMES,
        "source": source,
        "sources": {name: title for name, title in SOURCES.items() if study or name != "study"},
        "questions": list(pilots),
        "question": question,
        "pilot": pilots.get(question),
        "threshold": _shown_threshold(source, plan, question, threshold) if endpoint in SHARES else None,
    }
    return render(request, "analysis/power.html", context)


def _known(given: str | None, names: tuple[str, ...], otherwise: str) -> str:
    return given if given in names and given is not None else otherwise


def _threshold(text: str) -> float | None:
    """From which score an answer trusts the prediction; None where nothing usable is given."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= 1000 else None


def _shown_threshold(source: str, plan: AnalysisPlan, question: str, asked: float | None) -> float:
    return PUBLISHED_THRESHOLD if source == "published" else trusted_from(plan, question, asked)


def _layout(pilot: Values) -> dict[str, str]:
    """Variances of readers nested in methods plan such a study; others do for both."""
    return {"layout": "nested"} if "var_tr" in pilot and pilot["var_tr"] is None else {}


def _plan(study: Study | None) -> AnalysisPlan:
    try:
        return AnalysisPlan.from_dict(study.analysis_plan) if study else AnalysisPlan.proposed()
    except AnalysisError:  # the plan's page says what is wrong with it
        return AnalysisPlan.proposed()


def _planned_endpoint(plan: AnalysisPlan) -> str:
    """What the plan's primary endpoint is on this page; of all examples together, their true positives."""
    if plan.primary_endpoint.test == "obuchowski_rockette":
        return "auc"
    return "scores_FP" if plan.primary_endpoint.truth == "FP" else "scores_TP"


def _initial(plan: AnalysisPlan, endpoint: str) -> dict[str, object]:
    """What the plan says, as first values of the form."""
    found: dict[str, object] = {"alpha": plan.alpha}
    if endpoint in SCORES:
        fixed = plan.primary_endpoint.test == "fixed_readers"
        found |= {"aim": plan.primary_endpoint.aim, "mode": "fixed_readers" if fixed else "readers_and_patients"}
        if plan.primary_endpoint.margin_points is not None:
            found["margin"] = plan.primary_endpoint.margin_points
    elif plan.inference_mode != "auto":
        found["mode"] = plan.inference_mode
    return found
