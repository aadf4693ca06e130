"""The analysis reads the long export as the database writes it."""

import io

import pandas as pd
import pytest

from readerstudy.exchange.dictionary import LONG
from readerstudy.exchange.export import export
from readerstudy.reading.models import Exclusion
from readerstudy.statistics.frame import COLUMNS
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from tests.builders import make_reader, make_reads, make_response, make_study


def test_the_export_has_every_column_of_the_frame() -> None:
    assert set(COLUMNS) <= {column.name for column in LONG}


@pytest.mark.django_db
def test_an_exported_study_can_be_analysed() -> None:
    study = make_study(examples=12)
    for reader in (make_reader(study, "R1"), make_reader(study, "R2")):
        for read in make_reads(reader):
            for assignment in read.assignments.all():
                for question in study.questions.all():
                    bonus = assignment.method.key == "B" and assignment.example.number % 2
                    make_response(assignment, question, 3 + bonus + (assignment.example.number % 3 == 0))
    Exclusion.objects.create(study=study, example=study.examples.get(number=12), why="motion blur")
    frame = pd.read_csv(io.StringIO("".join(export(study, "long"))))
    results = analyse(frame, AnalysisPlan(bootstrap_replicates=100))
    row = next(row for row in results.paired if row.truth == "all" and row.group == "overall")
    assert (row.n_pairs, row.n_incomplete, row.n_examples, row.n_readers) == (22, 0, 11, 2)
    assert row.mean_difference == pytest.approx(12 / 22)
    assert results.flow.responses.excluded == 8
