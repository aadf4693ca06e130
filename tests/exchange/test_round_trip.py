"""Answers go out as a long export and come back by load_reads: the analysis is the same to the last digit."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.reading.models import Exclusion, Read, Response, Sequence, Visit
from readerstudy.statistics.stored import to_json
from readerstudy.studies.models import Example, Look, Study
from tests.builders import make_batch, make_reader, make_reads, make_study, open_now

pytestmark = pytest.mark.django_db
PLAN = {"bootstrap_replicates": 100, "zero_rule": "pratt", "minimum_pairs": 3}


def play(scores: list[int], gaps: set[int], excluded: int, comment: str) -> Study:
    """Two readers, two reads, practice, revisions, timings; some answers missing, one example excluded; closed."""
    study = make_study("trial", examples=6, analysis_plan=PLAN)
    practice = make_batch("practice", 1).cases.get().predictions.get()
    Example.objects.create(study=study, prediction=practice, number=1, practice=True)
    for code in ("R1", "R2"):
        make_reader(study, code)
    study = open_now(study)
    Study.objects.filter(pk=study.pk).update(opened_at=datetime(2026, 1, 1, tzinfo=UTC))
    questions = list(study.questions.all())
    now, place = datetime(2026, 1, 2, 9, tzinfo=UTC), 0
    for reader in study.readers.all():
        reads = make_reads(reader)
        rehearsal = Read.objects.create(reader=reader, number=Read.PRACTICE)
        rehearsal.assignments.create(
            example=study.examples.get(practice=True), method=study.methods.first(), position=1
        )
        for example in study.examples.filter(practice=False):
            Sequence.objects.create(reader=reader, example=example, methods=["A", "B"])
        for read in (rehearsal, *reads):
            for assignment in read.assignments.all():
                now += timedelta(seconds=20, milliseconds=place)
                times = {"opened_at": now, "last_received_at": now, "visible_ms": 900 + place}
                seen = place % 5 != 0  # a spreadsheet has no visits
                visit = Visit.objects.create(assignment=assignment, **times, comment=comment) if seen else None
                if visit and place % 3 == 0:  # looked at once more and not answered: the table has its time only
                    Visit.objects.create(assignment=assignment, **times | {"visible_ms": 70_000 + place}, idle_ms=5000)
                for question in questions:
                    place += 1
                    if place in gaps:
                        continue
                    for revision in (1, 2) if place % 7 == 0 else (1,):
                        Response.objects.create(
                            assignment=assignment,
                            question=question,
                            visit=visit,
                            revision=revision,
                            score=scores[(place + revision) % len(scores)],
                            minimum=1,
                            maximum=5,
                            answered_at=now,
                            received_at=now,
                            elapsed_ms=700 + place if seen else None,
                            visible_ms=600 + place if seen else None,
                        )
    Exclusion.objects.create(study=study, example=study.examples.get(number=excluded, practice=False), why="blurred")
    Exclusion.objects.create(study=study, response=Response.objects.first(), why="slipped")
    Look.objects.create(study=study, what="results", why="safety board")
    study.refresh_from_db()
    study.state, study.closed_at = Study.State.CLOSED, timezone.now()
    study.save()
    return study


def results(study: Study) -> dict:
    """Without the hashes of table and protocol, which hold ids that are unique on one server, and without the facts of
    the cases, which an export of answers does not carry."""
    found = json.loads(json.dumps(to_json(study_results(study, study_data(study)))))
    return found | {
        "data_sha256": None,
        "facts": None,
        "design": [entry for entry in found["design"] if entry[0] != "Protocol"],
    }


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scores=st.lists(st.integers(1, 5), min_size=5, max_size=40),
    gaps=st.sets(st.integers(1, 52), max_size=20),
    excluded=st.integers(1, 6),
    comment=st.text(st.characters(exclude_categories=["C"]), max_size=12) | st.just('=1+1, "x"\n'),
)
def test_a_long_export_loaded_again_gives_the_same_results(tmp_path, scores, gaps, excluded, comment):
    with transaction.atomic():
        study = play(scores, gaps, excluded, comment.strip())
        table = tmp_path / "reads.csv"
        call_command("export_reads", study="trial", output=str(table), stdout=StringIO())
        call_command("load_reads", str(table), study="again", stdout=StringIO())
        again = Study.objects.get(slug="again")
        assert again.state == "closed" and again.analysis_plan == PLAN
        assert results(again) == results(study)
        columns = ["case", "study"]  # ids are unique on one server; everything else is the same
        frame, other = study_data(study).frame, study_data(again).frame
        assert frame.drop(columns=columns).equals(other.drop(columns=columns))
        transaction.set_rollback(True)


def test_a_table_without_its_provenance_loads_with_keys_as_names(tmp_path):
    study = play([3, 4, 2, 5, 1], set(), 2, "")
    table = tmp_path / "reads.csv"
    call_command("export_reads", study="trial", output=str(table), stdout=StringIO())
    (tmp_path / "reads.csv.provenance.json").unlink()
    call_command("load_reads", str(table), study="again", stdout=StringIO())
    again = Study.objects.get(slug="again")
    assert list(again.methods.values_list("label", flat=True)) == ["Method A", "Method B"]
    mine, theirs = results(study), results(again)
    assert [row["mean_difference"] for row in theirs["paired"]] == [row["mean_difference"] for row in mine["paired"]]
    assert theirs["flow"]["responses"] == mine["flow"]["responses"]  # exclusions too


def test_the_provenance_of_another_export_is_refused(tmp_path):
    study = play([3, 4, 2, 5, 1], set(), 2, "")
    table, other = tmp_path / "reads.csv", tmp_path / "other.csv"
    call_command("export_reads", study="trial", output=str(table), stdout=StringIO())
    Exclusion.objects.create(study=study, example=study.examples.get(number=3, practice=False), why="moved")
    call_command("export_reads", study="trial", output=str(other), stdout=StringIO())
    listed = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded: 1 problem"):
        call_command(
            "load_reads", str(table), study="again", protocol=tmp_path / "other.csv.provenance.json", stderr=listed
        )
    assert "other.csv.provenance.json, content_sha256" in listed.getvalue()
    assert "it was not written with reads.csv" in listed.getvalue()
    assert not Study.objects.filter(slug="again").exists()


def test_a_damaged_table_is_refused_whole(tmp_path):
    play([3, 4, 2, 5, 1], set(), 2, "")
    table = tmp_path / "reads.csv"
    call_command("export_reads", study="trial", output=str(table), stdout=StringIO())
    lines = table.read_bytes().decode().split("\r\n")
    header = lines[0].split(",")
    cells = lines[3].split(",")
    cells[header.index("score")], cells[header.index("opened_at")] = "9", "yesterday"
    cells[header.index("truth")] = "true"
    table.write_bytes("\r\n".join([*lines[:3], ",".join(cells), lines[4], *lines[4:]]).encode())
    listed = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("load_reads", str(table), study="again", stderr=listed)
    assert "row 4, score “9”: it must be a whole number from 1 to 5" in listed.getvalue()
    assert "row 4, opened_at “yesterday”" in listed.getvalue()
    assert "row 6: this answer is in row 5 already" in listed.getvalue()
    assert "truth “true”" in listed.getvalue()
    assert not Study.objects.filter(slug="again").exists()
