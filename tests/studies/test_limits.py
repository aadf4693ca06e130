"""Every number of a design and a plan has limits, in form, model, command and database; older rows keep theirs."""

import importlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from readerstudy.common.limits import LIMITS, PLAN
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.studies.checklist import checklist
from readerstudy.studies.models import Question, Selection, Study
from readerstudy.studies.pages.forms import DesignForm
from readerstudy.studies.pages.plan_form import PlanForm
from readerstudy.studies.selection import Draw, select_examples
from tests.builders import make_batch, make_study

pytestmark = pytest.mark.django_db

REFUSED = (IntegrityError, DataError)  # PostgreSQL: also where the column holds no such number
DESIGN = ("washout_days", "seed", "operating_point")
OUTSIDE = [(name, value) for name in (*DESIGN, *PLAN) for value in (LIMITS[name].least - 1, LIMITS[name].most * 2 + 1)]


def test_every_limit_says_why_and_its_ends_are_allowed():
    for limit in LIMITS.values():
        assert limit.why and not limit.why.endswith(".")
        assert limit.problem(limit.least) == limit.problem(limit.most) == ""
        assert limit.why in limit.problem(limit.most + 1)
        assert limit.problem(float("nan")) and limit.problem(True) and limit.problem("7")


def with_value(study, name, value):
    if name in PLAN:
        study.analysis_plan = {**AnalysisPlan().to_dict(), name: value}
    else:
        setattr(study, name, value)
    return study


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_the_database_refuses_what_is_outside(name, value):
    study = with_value(make_study(), name, value)
    with pytest.raises(REFUSED), transaction.atomic():
        study.save()
    assert Study.objects.get(pk=study.pk).washout_days == 0


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_the_model_refuses_what_is_outside(name, value):
    with pytest.raises(ValidationError):
        with_value(make_study(), name, value).full_clean()


def test_the_ends_are_stored():
    study = make_study()
    for end in ("least", "most"):
        for name in DESIGN:
            with_value(study, name, getattr(LIMITS[name], end))
        study.analysis_plan = AnalysisPlan().to_dict() | {name: getattr(LIMITS[name], end) for name in PLAN}
        study.save()
    study.analysis_plan = AnalysisPlan().to_dict() | {"margin": None}
    study.save()
    study.analysis_plan = {}
    study.save()


def test_questions_and_selections_have_limits_in_the_database():
    study = make_study()
    with pytest.raises(REFUSED), transaction.atomic():
        Question.objects.create(study=study, key="vas", text="?", minimum=0, maximum=1001, position=9)
    with pytest.raises(REFUSED), transaction.atomic():
        Selection.objects.create(study=study, batch=make_batch("pool", 2), seed=2**31)


def test_forms_say_what_is_allowed_and_why():
    study = make_study()
    form = DesignForm({"title": "x", "washout_days": "4000000", "seed": "-1"}, instance=study)
    assert "must be a whole number from 0 to 730, not 4000000: after two years" in str(form.errors["washout_days"])
    assert 'max="730"' in str(form["washout_days"])
    plan = AnalysisPlan().to_dict() | {"truth": "TP", "test": "wilcoxon", "question": study.questions.first().key}
    form = PlanForm(plan | {"bootstrap_replicates": 100_000_000}, study=study)
    assert not form.is_valid()
    assert "from 100 to 50,000, not 100000000" in str(form.errors["bootstrap_replicates"])


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (Draw(per_pathology=0), "Examples per pathology must be a whole number from 2 to 10,000, not 0"),
        (Draw(per_pathology=10**9), "from 2 to 10,000"),
        (Draw(practice=102), "Practice examples must be a whole number from 0 to 100"),
        (Draw(seed=2**31), "The seed must be a whole number from 0 to 2,147,483,647"),
        (Draw(seed=-1), "The seed must be"),
        (Draw(caliper=0.0), "The distance matched within must be from 0.001 to 1, not 0.0: "),
        (Draw(vary_halves=-1), "What halves differ by must be a whole number from 0 to 100, not -1: "),
        (Draw(vary_halves=101), "from 0 to 100"),
    ],
)
def test_a_draw_has_limits(draw, said):
    with pytest.raises(ValidationError, match=said):
        select_examples(make_study(), make_batch("pool", 8), draw, replace=True)


@pytest.mark.parametrize(
    "option", ["--seed=-1", "--seed=4294967296", "--per-pathology=1000000", "--threshold=nan", "--vary-halves=-1"]
)
def test_commands_refuse_what_is_outside(option):
    with pytest.raises(CommandError, match="must be"):
        call_command("select_examples", "--study=a", "--batch=b", option)


def older(slug="older", **values):
    """A study of before the limits: its numbers are outside, and the migration has marked it."""
    study = make_study(slug)
    Study.objects.filter(pk=study.pk).update(kept_outside_limits=True)
    Study.objects.filter(pk=study.pk).update(**values)
    return Study.objects.get(pk=study.pk)


def test_an_open_study_with_a_washout_beyond_all_calendars_goes_on():
    study = older(washout_days=30_000, state="open", opened_at=timezone.now())
    assert study.washout == timedelta(days=30_000)
    study.washout_days = 4_000_000  # which only SQLite could store
    assert timezone.now() + study.washout > timezone.now()


def test_a_draft_of_before_the_limits_is_readable_and_cannot_open():
    study = older(washout_days=30_000, analysis_plan={"bootstrap_replicates": 100_000_000})
    assert AnalysisPlan.from_dict(study.analysis_plan).bootstrap_replicates == 100_000_000
    said = [check.text for check in checklist(study) if check.state == "missing"]
    assert any("The washout must be" in text for text in said)
    assert any("Bootstrap samples must be" in text for text in said)


def test_the_migration_marks_rows_outside_and_changes_none():
    migration = importlib.import_module("readerstudy.studies.migrations.0004_limits")
    ordinary, long = make_study(), older(washout_days=30_000)
    plan = older("plan", analysis_plan={"bootstrap_replicates": 10**8, "margin": None})
    # constraints hold here already, so the rows are marked but for what the migration finds
    marked = [row for row in (ordinary, long, plan) if migration.outside(vars(row), migration.DESIGN)]
    assert marked == [long]
    assert migration.outside(plan.analysis_plan, migration.PLAN)
    assert not migration.outside({**AnalysisPlan().to_dict()}, migration.PLAN)
    migration.keep_what_is_outside(apps, None)
    ordinary.refresh_from_db()
    long.refresh_from_db()
    assert (ordinary.kept_outside_limits, long.kept_outside_limits, long.washout_days) == (False, True, 30_000)
