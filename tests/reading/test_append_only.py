"""A stored answer is never rewritten, whoever asks and however."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from readerstudy.reading import append_only
from readerstudy.reading.models import Response
from tests.builders import make_reader, make_reads, make_response, make_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def response():
    study = make_study()
    read = make_reads(make_reader(study))[0]
    return make_response(read.assignments.first(), study.questions.first(), 4)


@pytest.mark.parametrize(
    "sql", ["UPDATE reading_response SET score = 1 WHERE id = %s", "DELETE FROM reading_response WHERE id = %s"]
)
def test_raw_sql_is_refused(response, sql):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [response.pk])
    assert Response.objects.get(pk=response.pk).score == 4


def test_the_rows_are_not_replaced_or_emptied_either(response):
    sql = "INSERT OR REPLACE INTO reading_response SELECT * FROM reading_response"
    if connection.vendor == "postgresql":
        sql = "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE reading_response CASCADE"
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_orm_update_and_delete_are_refused(response):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Response.objects.update(score=1)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        response.delete()


def test_a_revision_is_added_once(response):
    make_response(response.assignment, response.question, 2, revision=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_response(response.assignment, response.question, 3, revision=2)


@pytest.mark.parametrize("score", [0, 6])
def test_the_database_checks_the_score(response, score):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_response(response.assignment, response.question, score, revision=2)


def test_the_guard_outlives_a_migration_that_remakes_the_table(response):
    """SQLite drops a table's triggers when it remakes the table; every migrate installs them again."""
    append_only.remove(connection)
    call_command("migrate", verbosity=0)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Response.objects.update(score=1)
