"""load_reads from spreadsheets: everything right is stored, anything wrong is listed and nothing is."""

import gzip
import json
import re
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy.stats import wilcoxon

from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.cases.models import Batch, Case
from readerstudy.exchange.loading.spreadsheets import load_spreadsheets
from readerstudy.reading.models import Assignment, Response
from readerstudy.studies.freezing import FrozenError
from readerstudy.studies.models import Study
from tests.exchange.sheets import score, trials, write

pytestmark = pytest.mark.django_db


def load(record, files, **options):
    call_command("load_reads", *map(str, files), study="ours", record=record, stdout=StringIO(), **options)
    return Study.objects.get(slug="ours")


def refused(record, files, **options):
    """What the command lists when it refuses; nothing may be left behind."""
    listed = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("load_reads", *map(str, files), study="ours", record=record, stderr=listed, **options)
    assert not Study.objects.exists() and not Batch.objects.exists() and not Case.objects.exists()
    return listed.getvalue()


def test_a_closed_study_without_images_holds_the_reads(tmp_path):
    study = load(*write(tmp_path))
    assert (study.state, study.from_spreadsheets, study.examples.count()) == ("closed", True, 8)
    assert [(m.key, len(m.kinds)) for m in study.methods.all()] == [("A", 3), ("B", 2)]
    assert [(q.key, q.text, q.minimum, q.maximum) for q in study.questions.all()] == [
        ("confidence", "How sure are you?", 1, 5), ("feature", "Is it the right place?", 1, 5),
    ]  # fmt: skip
    assert [reader.code for reader in study.readers.all()] == ["R1", "R2"]
    assert Response.objects.count() == 2 * 2 * 8 * 2
    for response in Response.objects.select_related("question", "assignment__read__reader", "assignment__example"):
        reader, read = response.assignment.read.reader, response.assignment.read
        question = 0 if response.question.key == "confidence" else 1
        assert response.score == score(
            int(reader.code[1]), read.number - 1, response.assignment.example.number, question
        )
        assert (response.source, response.visit) == ("spreadsheet", None)
    with pytest.raises(FrozenError):
        study.examples.first().save()


def test_the_record_says_which_method_was_shown_in_which_read(tmp_path):
    study = load(*write(tmp_path))
    shown = {
        (a.example.number, a.read.number): a.method.key
        for a in Assignment.objects.filter(read__reader__code="R2").select_related("example", "read", "method")
    }
    # trial is 0 for examples 1, 4, 5, 8: Method A in the first read
    assert [shown[number, 1] for number in range(1, 9)] == list("ABBAABBA")
    assert [shown[number, 2] for number in range(1, 9)] == list("BAABBAAB")
    assert study.readers.first().sequences.get(example__number=2).methods == ["B", "A"]


def test_patients_are_keyed_and_ages_capped(tmp_path):
    study = load(*write(tmp_path))
    cases = {e.number: e.prediction.case for e in study.examples.select_related("prediction__case")}
    assert cases[3].patient_key == cases[4].patient_key != cases[1].patient_key
    assert cases[7].patient_key == cases[8].patient_key == ""
    assert (cases[1].age, cases[1].sex, cases[1].source_id) == (90, "F", "")
    assert [cases[n].truths.get().label for n in (1, 2)] == [True, False]


def test_analyze_pairs_the_methods_as_the_spreadsheets_say(tmp_path):
    """The same figures straight from the files, without the product between."""
    study = load(*write(tmp_path, count=40))
    results = study_results(study, study_data(study))
    for index, question in enumerate(("confidence", "feature")):
        for truth, label in (("TP", 1), ("FP", 0)):
            a, b = [], []
            for trial in trials(40):
                for reader in (1, 2):
                    if trial["label"] == label:
                        of_read = [score(reader, read, trial["trialid"], index) for read in (0, 1)]
                        a.append(of_read[trial["trial"]])
                        b.append(of_read[1 - trial["trial"]])
            d = np.subtract(b, a)
            w, p = wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
            row = next(
                row for row in results.paired if (row.question, row.truth, row.group) == (question, truth, "overall")
            )
            expected = {"n_pairs": 40, "n_zero": (d == 0).sum(), "mean_a": np.mean(a), "mean_b": np.mean(b)} | {
                "mean_difference": d.mean(), "sd_difference": d.std(), "w": w, "p_value": p
            }  # fmt: skip
            assert {name: getattr(row, name) for name in expected} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_spreadsheets_saved_with_semicolons_or_tabs_are_read_too(tmp_path, separator):
    record, files = write(tmp_path)
    text = files[0].read_text().replace(",", separator)
    files[0].write_text("\ufeff" + text.replace("sure are you?", "sure, really, are you, reader?"), encoding="utf-8")
    study = load(record, files[:1])
    assert study.questions.first().text == "How sure, really, are you, reader?"
    assert Response.objects.get(assignment__example__number=3, question__key="feature").score == score(1, 0, 3, 1)


def test_every_problem_is_listed_with_file_row_column_and_value(tmp_path):
    record, files = write(tmp_path)
    lines = files[0].read_text().splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + ",5+"
    lines[2] = "2,6,3"
    lines[3] = "3,2.5,three"
    lines[4] = "3,1,1"
    lines[5] = "99,1,1"
    files[0].write_text("\n".join(lines))
    listed = refused(record, files)
    for expected in (
        r"read0-reader1.csv, row 2, Is it the right place\? \(1-5\) “5\+”: the answer must be",
        r"read0-reader1.csv, row 3, How sure are you\? \(1-5\) “6”: the answer must be a whole number from 1 to 5",
        r"row 4, How sure are you\? \(1-5\) “2.5”",
        r"row 4, Is it the right place\? \(1-5\) “three”",
        r"row 5, Example “3”: the example is in row 4 already",
        r"row 6, Example “99”: the record has no such example",
    ):
        assert re.search(expected, listed), (expected, listed)
    assert len(listed.splitlines()) == 6


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    record, files = write(tmp_path)
    copy = tmp_path / "copy-read0-reader1.csv"
    copy.write_text(files[0].read_text())
    files[1].write_text(files[1].read_text().replace("How sure", "How happy"))
    odd = tmp_path / "reads.csv"
    odd.write_text(files[0].read_text())
    listed = refused(record, [*files, copy, odd])
    assert "R1's read 1 is in read0-reader1.csv already" in listed
    assert "read0-reader2.csv, row 1" in listed and "not those of the first file" in listed
    assert "reads.csv: whose read is it?" in listed
    assert "need --record" in refused(None, files)
    assert "cannot be read as JSON" in refused(files[0], files)


def test_a_bad_record_is_refused(tmp_path):
    _, files = write(tmp_path)
    plain = tmp_path / "record.json"
    plain.write_text(
        json.dumps([{"trialid": 1, "target": "Mass", "label": 2, "trial": 0}, {"trialid": 2, "pred": 1.5}])
    )
    listed = refused(plain, files)
    assert "trial 1, label “2”" in listed and "trial 1, pred: it is missing" in listed
    assert "trial 2, pred “1.5”" in listed and "trial 2, target: it is missing" in listed


def test_whose_read_it_is_may_be_said_and_a_slug_is_used_once(tmp_path):
    record, files = write(tmp_path)
    odd = tmp_path / "reads.csv"
    odd.write_text(files[0].read_text())
    study = load(record, [odd], reader="R7", read=2)
    assert [str(read) for reader in study.readers.all() for read in reader.reads.all()] == ["Read 2"]
    with pytest.raises(CommandError, match="Nothing was loaded"):
        load(record, files)
    assert Study.objects.count() == 1


def test_ages_sexes_and_views_of_the_record_are_read_by_the_manifest_s_rules(tmp_path):
    record, files = write(tmp_path)
    trials = json.loads(gzip.decompress(record.read_bytes()))
    trials[0]["source"] |= {"Patient Age": "414Y", "Patient Gender": "Male", "view": "left lateral"}
    trials[1]["source"] |= {"Patient Age": "058Y", "Patient Gender": "?", "view": "AP of somebody"}
    record.write_bytes(gzip.compress(json.dumps(trials).encode()))
    examples = load_spreadsheets(files, record).examples
    assert (examples["1"].age, examples["1"].sex, examples["1"].view) == (None, "M", "LL")
    assert (examples["2"].age, examples["2"].sex, examples["2"].view) == (58, "", "")
