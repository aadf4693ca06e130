"""Exports: stable columns, truth for researchers, no formula runs, and a look before closing is recorded."""

import csv
import getpass
import io
import json

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from readerstudy.exchange.dictionary import LONG
from readerstudy.exchange.export import TABLES, data_dictionary, export, safe_cell
from readerstudy.exchange.tables import completeness
from readerstudy.reading.models import Exclusion, Response, Sequence, Visit
from readerstudy.statistics.descriptives import timing
from readerstudy.statistics.frame import normalise
from readerstudy.studies.models import Look
from tests.builders import make_reader, make_reads, make_response, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """One reader, read 1 half answered; one answer revised."""
    study = make_study(examples=4)
    reader = make_reader(study)
    read = make_reads(reader)[0]
    confidence, feature = study.questions.all()
    for example in study.examples.all():
        Sequence.objects.create(reader=reader, example=example, methods=["A", "B"])
    for assignment in read.assignments.all()[:2]:
        make_response(assignment, confidence, 4)
        make_response(assignment, feature, 2)
    make_response(read.assignments.first(), confidence, 5, revision=2)
    return study


def rows(study, format="long"):
    return list(csv.DictReader(io.StringIO("".join(export(study, format)))))


def test_long_has_one_row_per_response_in_stable_columns(study):
    found = rows(study)
    assert list(found[0]) == [column.name for column in LONG]
    assert [(row["question"], row["score"], row["revision"], row["is_current"]) for row in found[:3]] == [
        ("confidence", "4", "1", "0"), ("confidence", "5", "2", "1"), ("feature", "2", "1", "1"),
    ]  # fmt: skip
    assert found[0]["truth"] == "TP" and found[0]["sequence"] == "A>B" and found[0]["practice"] == "0"
    assert found[0]["received_at"].endswith("Z")


def test_wide_puts_the_methods_side_by_side(study):
    found = rows(study, "wide")
    assert len(found) == 2
    methods = {row["example"]: [m for m in "AB" if row[f"confidence_{m}"]] for row in found}
    assert all(len(shown) == 1 for shown in methods.values())
    assert sorted(row[f"confidence_{methods[row['example']][0]}"] for row in found) == ["4", "5"]


def test_imrmc_is_its_input_format(study):
    lines = "".join(export(study, "imrmc")).split("\r\n")
    assert lines[1] == "BEGIN DATA:"
    assert lines[2:6] == ["truth,1,truth,1", "truth,2,truth,0", "truth,3,truth,1", "truth,4,truth,0"]
    assert lines[6].startswith("R1,1,") and lines[6].endswith(",5")
    assert len(lines) == 2 + 4 + 2 + 1


def test_exclusions_in_force_are_marked_and_left_out_of_imrmc(study):
    example = study.examples.get(number=1)
    exclusion = Exclusion.objects.create(study=study, example=example, why="motion blur")
    assert {row["example"]: row["excluded"] for row in rows(study)} == {"1": "1", "2": "0"}
    exported = "".join(export(study, "imrmc"))
    assert "R1,1," not in exported and "truth,1," not in exported and "truth,2," in exported
    exclusion.lifted_at = timezone.now()
    exclusion.save()
    assert {row["excluded"] for row in rows(study)} == {"0"}


def test_no_cell_starts_a_formula(study):
    assert [safe_cell(value) for value in ("=1+1", "+x", "-x", "@x", "\n=1", "\uff1d1", "fine", -3, None)] == [
        "'=1+1", "'+x", "'-x", "'@x", "'\n=1", "'\uff1d1", "fine", -3, "",
    ]  # fmt: skip
    assignment = study.readers.get().reads.get(number=1).assignments.last()
    visit = Visit.objects.create(assignment=assignment, comment="=HYPERLINK(1)")
    response = make_response(assignment, study.questions.first(), 3)
    assert response.visit is None
    type(response).objects.create(
        assignment=assignment, question=study.questions.last(), score=1, minimum=1, maximum=5, visit=visit
    )
    assert rows(study)[-1]["comment"] == "'=HYPERLINK(1)"


def test_the_comment_is_the_one_last_left_also_in_a_visit_without_an_answer(study):
    assignment = study.readers.get().reads.get(number=1).assignments.last()
    first = Visit.objects.create(assignment=assignment, comment="unsure")
    fields = {"question": study.questions.first(), "score": 3, "minimum": 1, "maximum": 5}
    Response.objects.create(assignment=assignment, visit=first, **fields)
    assert [row["comment"] for row in rows(study)][-1] == "unsure"
    Visit.objects.create(assignment=assignment, comment="rotated")
    Visit.objects.create(assignment=assignment)
    assert [row["comment"] for row in rows(study)] == [""] * 5 + ["rotated"]
    Visit.objects.create(assignment=assignment, comment="")
    assert [row["comment"] for row in rows(study)] == [""] * 6


def test_the_time_looking_at_an_example_is_over_all_its_visits_less_idle_time(study):
    assignment = study.readers.get().reads.get(number=1).assignments.last()
    paused = Visit.objects.create(assignment=assignment, visible_ms=9000, idle_ms=0)
    fields = {"score": 3, "minimum": 1, "maximum": 5, "visit": paused}
    Response.objects.create(assignment=assignment, question=study.questions.last(), **fields)
    Visit.objects.create(assignment=assignment, visible_ms=None)  # of a page of before, closed at once
    Visit.objects.create(assignment=assignment, visible_ms=130_000, idle_ms=61_500)
    row = rows(study)[-1]
    assert (row["visible_ms"], row["idle_ms"], row["looking_ms"]) == ("9000", "0", "77500")
    times = timing(normalise(pd.DataFrame(rows(study))))
    assert (times.source, times.n_visits, times.by_read[0].median) == ("looking", 1, 77.5)


def test_each_answer_has_its_own_times_beside_those_of_its_visit(study):
    assignment = study.readers.get().reads.get(number=1).assignments.last()
    visit = Visit.objects.create(assignment=assignment, images_ready_ms=300, visible_ms=9000)
    for question, elapsed in zip(study.questions.all(), (2100, 3900)):
        fields = {"question": question, "score": 3, "minimum": 1, "maximum": 5, "visit": visit}
        Response.objects.create(assignment=assignment, elapsed_ms=elapsed, visible_ms=elapsed - 100, **fields)
    columns = ("answered_ms", "answered_visible_ms", "images_ready_ms", "visible_ms")
    assert [[row[column] for column in columns] for row in rows(study)[-2:]] == [
        ["2100", "2000", "300", "9000"], ["3900", "3800", "300", "9000"],
    ]  # fmt: skip


def test_it_says_how_complete_the_data_are(study):
    assert completeness(study) == (4, 16)


def test_streaming_takes_a_fixed_number_of_queries(study, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        rows(study)


def test_the_command_writes_table_dictionary_and_provenance(study, tmp_path, capsys):
    target = tmp_path / "reads.csv"
    for why in ("", "w" * 301):
        with pytest.raises(CommandError, match="say why you look"):
            call_command("export_reads", study="trial", format="long", output=str(target), why=why)
    assert not target.exists()
    call_command("export_reads", study="trial", format="long", output=str(target), why="interim check")
    assert "4 of 16 answers" in capsys.readouterr().out
    described = json.loads((tmp_path / "reads.csv.provenance.json").read_text())
    assert described["rows"] == 5 and described["protocol"]["methods"][0]["key"] == "A"
    assert "confidence_B" in (tmp_path / "reads.csv.dictionary.csv").read_text()
    look = Look.objects.get()
    assert (look.why, look.user, look.account) == ("interim check", None, getpass.getuser())
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_reads", study="trial", output=str(tmp_path / "none" / "x.csv"), why="x")
    with pytest.raises(CommandError, match="There is no study"):
        call_command("export_reads", study="nothing", output="-")


def test_a_question_that_the_study_has_not_ends_the_command_with_a_sentence(study, tmp_path):
    asked = {"study": "trial", "format": "imrmc", "question": "nonesuch", "why": "x"}
    with pytest.raises(CommandError, match="no question “nonesuch”; there are confidence, feature"):
        call_command("export_reads", output=str(tmp_path / "reads.imrmc"), **asked)
    assert list(tmp_path.iterdir()) == []


def test_imrmc_counts_the_answers_to_its_one_question(study, tmp_path, capsys):
    call_command("export_reads", study="trial", format="imrmc", output=str(tmp_path / "reads.imrmc"), why="x")
    assert "2 of 8 answers to the question “confidence”" in capsys.readouterr().out


def test_every_column_is_in_the_dictionary(study):
    described = {(row["table"], row["column"]) for row in csv.DictReader(io.StringIO("".join(data_dictionary(study))))}
    for table in TABLES:
        header = next(csv.reader(io.StringIO("".join(export(study, table.name)))))
        expected = set(header) if table.content_type == "text/csv" else set()
        assert {column for name, column in described if name == table.name} == expected, table.name
