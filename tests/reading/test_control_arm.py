"""A control arm (a method that shows no explanation) is not asked about explanations; that is never missing."""

import uuid

import pytest
from django.test import Client

from readerstudy.analysis.gathering import about_study, study_data
from readerstudy.analysis.report import write_report
from readerstudy.exchange.export import export
from readerstudy.exchange.tables import completeness, wide_rows
from readerstudy.reading import progress
from readerstudy.reading.models import Visit
from readerstudy.reading.recording import Answer, finish_read, record_response
from readerstudy.reading.refusals import ReadRefused
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.studies.asking import asked_counts, not_asked
from readerstudy.studies.checklist import checklist
from readerstudy.studies.models import Question
from tests.builders import make_reader, make_reads, make_response, make_study, make_user, open_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """Method B shows nothing; `feature` asks about the explanation."""
    study = make_study(examples=6)
    study.methods.filter(key="B").update(kinds=[])
    study.questions.filter(key="feature").update(about_explanation=True)
    return open_now(study)


@pytest.fixture
def reader(study):
    reader = make_reader(study, user=make_user("reader"))
    make_reads(reader)
    return reader


def answer_all(reader, number=1):
    """Everything that is asked, and nothing else."""
    for assignment in reader.reads.get(number=number).assignments.select_related("method"):
        for question in reader.study.questions.all():
            if assignment.method.key == "A" or question.key == "confidence":
                make_response(assignment, question, 1 + (assignment.position + number) % 5)


def test_the_rule(study):
    assert not_asked(study) == [("B", "feature")]
    methods = {method.key: method.pk for method in study.methods.all()}
    assert asked_counts(study) == {methods["A"]: 2, methods["B"]: 1}


def test_what_a_reader_gets_names_it_and_an_answer_to_it_is_refused(study, reader):
    client = Client()
    client.force_login(reader.membership.user)
    told = {}
    for assignment in reader.reads.get(number=1).assignments.all():
        body = client.get(f"/api/reading/trial/assignments/{assignment.position}/").json()
        told[assignment.method.key] = body["not_asked"]
    assert told == {"A": [], "B": ["feature"]}
    control = reader.reads.get(number=1).assignments.filter(method__key="B").first()
    visit = Visit.objects.create(assignment=control)
    with pytest.raises(ReadRefused, match="this method shows none"):
        record_response(reader, Answer(uuid.uuid4(), visit.pk, "feature", 3))
    assert record_response(reader, Answer(uuid.uuid4(), visit.pk, "confidence", 3))[1]


def test_progress_and_finishing_wait_for_what_is_asked_only(study, reader):
    answer_all(reader)
    now = progress.reads_of(reader)[0]
    assert (now.done, now.total) == (6, 6)
    assert progress.first_unanswered(now.read, asked_counts(study)) is None
    assert finish_read(reader, now.read).finished_at is not None


def test_a_question_that_is_asked_still_holds_the_read_up(study, reader):
    first = reader.reads.get(number=1)
    for assignment in first.assignments.all():
        make_response(assignment, Question.objects.get(study=study, key="confidence"), 3)
    with pytest.raises(ReadRefused, match="3 examples are not answered yet"):
        finish_read(reader, first)


def test_a_full_study_is_complete(study, reader):
    answer_all(reader, 1)
    answer_all(reader, 2)
    assert completeness(study) == (18, 18)
    assert completeness(study, "feature") == (6, 6)


def test_exports_say_not_asked_and_not_nothing(study, reader):
    answer_all(reader, 1)
    rows = list(wide_rows(study))
    assert {row["feature_B"] for row in rows} == {"not asked"}
    assert {type(row["confidence_A"]) for row in rows} == {int, type(None)}
    assert "not asked" not in "".join(export(study, "long"))


def test_the_analysis_compares_what_is_asked_with_both_and_misses_nothing(study, reader):
    for number in (1, 2):
        answer_all(reader, number)
    second = make_reader(study, "R2", user=make_user("second"))
    make_reads(second)
    for number in (1, 2):
        answer_all(second, number)
    results = analyse(study_data(study).frame, AnalysisPlan(bootstrap_replicates=100), about=about_study(study))
    assert {row.question for row in results.paired} == {"confidence"}
    assert {row.question for row in results.contrasts} == {"confidence"}
    assert results.not_asked == [("B", "feature")]
    assert results.flow.responses.expected == results.flow.responses.analysed == 36
    assert [entry.incomplete for entry in results.flow.pairs] == [0]
    assert not [sentence for sentence in results.warnings if "incomplete" in sentence]


def test_the_report_of_a_study_with_a_control_arm_says_what_was_not_asked(study, reader, tmp_path):
    for number in (1, 2):
        answer_all(reader, number)
    results = analyse(study_data(study).frame, AnalysisPlan(bootstrap_replicates=100), about=about_study(study))
    write_report(results, tmp_path / "report")
    report = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "is not asked with Method B" in report


def test_the_checklist_refuses_a_plan_that_compares_what_is_not_asked_and_a_method_that_asks_nothing():
    study = make_study()
    study.analysis_plan = {"primary_endpoint": {"question": "feature", "truth": "TP"}}
    study.save()
    study.methods.filter(key="B").update(kinds=[])
    study.questions.filter(key="feature").update(about_explanation=True)
    missing = " ".join(check.text for check in checklist(study) if check.state == "missing")
    assert "question “feature”, which is asked with fewer than two methods" in missing
    study.questions.update(about_explanation=True)
    missing = " ".join(check.text for check in checklist(study) if check.state == "missing")
    assert "Nothing is asked with Method B" in missing


def test_the_list_of_answers_tells_what_is_not_asked_from_what_is_open(study, reader, django_assert_max_num_queries):
    client = Client()
    client.force_login(reader.membership.user)
    read = reader.reads.get(number=1)
    kinds = {row.position: row.method.key for row in read.assignments.select_related("method")}
    make_response(read.assignments.get(position=2), study.questions.get(key="confidence"), 4)
    make_response(read.assignments.get(position=2), study.questions.get(key="confidence"), 5, revision=2)
    with django_assert_max_num_queries(14):
        body = client.get("/api/reading/trial/answers/").json()
    assert body == {
        "examples": [
            {
                "position": position,
                "answers": {"confidence": 5} if position == 2 else {},
                "not_asked": ["feature"] if kinds[position] == "B" else [],
            }
            for position in range(1, 7)
        ]
    }
