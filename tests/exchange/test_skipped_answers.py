"""Reads as the field keeps them: skipped answers, other encodings, the same sheet twice. Missing is never made up."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from readerstudy.analysis.gathering import study_data, study_results
from readerstudy.cases.models import Batch
from readerstudy.reading.models import Assignment, Response
from readerstudy.studies.models import Study
from tests.exchange.sheets import HEADER, score, write

pytestmark = pytest.mark.django_db


def load(record, files, slug="ours", **options):
    out, errors = StringIO(), StringIO()
    call_command("load_reads", *map(str, files), study=slug, record=record, stdout=out, stderr=errors, **options)
    return Study.objects.get(slug=slug), out.getvalue(), errors.getvalue()


def skip_one(tmp_path, cell):
    """Load the sheets with `cell` in place of R1's first answer of read 1, to `confidence`."""
    record, files = write(tmp_path)
    lines = files[0].read_text().splitlines()
    lines[1] = f"1,{cell},{score(1, 0, 1, 1)}"
    files[0].write_text("\n".join(lines))
    return load(record, files)


@pytest.mark.parametrize("cell", ["", " ", "N/A", "n/a", "NA", "nan", "-", "#N/A", "None", "."])
def test_a_skipped_answer_is_missing_and_counted(tmp_path, cell):
    _, out, _ = skip_one(tmp_path, cell)
    assert "1 answer not given, taken as missing (R1 read 1: 1)" in out
    of_example = Response.objects.filter(
        assignment__read__reader__code="R1", assignment__read__number=1, assignment__example__number=1
    )
    assert list(of_example.values_list("question__key", "score")) == [("feature", score(1, 0, 1, 1))]
    assert Response.objects.count() == 63
    assert Batch.objects.get(name="ours-reads").report["skipped"] == 1


def test_the_analysis_leaves_the_pair_of_a_skipped_answer_out(tmp_path):
    """Of one cell: whatever stood there, the same 63 answers are stored."""
    study, _, _ = skip_one(tmp_path, "N/A")
    results = study_results(study, study_data(study))
    (row,) = [row for row in results.paired if (row.question, row.truth, row.group) == ("confidence", "TP", "overall")]
    assert row.n_pairs == 7  # four true positives, two readers, one pair without its first side


def test_a_missing_row_is_missing_answers(tmp_path):
    record, files = write(tmp_path)
    lines = files[3].read_text().splitlines()
    files[3].write_text("\n".join([*lines[:3], ",,", "", *lines[5:]]))  # without examples 3 and 4
    _, out, _ = load(record, files)
    assert "4 answers not given, taken as missing (R2 read 2: 4)" in out
    kept = Assignment.objects.filter(read__reader__code="R2", read__number=2)
    assert [a.example.number for a in kept.order_by("position")] == [1, 2, 5, 6, 7, 8]


def test_a_read_that_was_not_done_at_all_is_missing_answers(tmp_path):
    record, files = write(tmp_path)
    files[3].write_text(HEADER + "\n")
    _, out, _ = load(record, files)
    assert "16 answers not given, taken as missing (R2 read 2: 16)" in out


def test_files_without_one_answer_are_refused(tmp_path):
    record, files = write(tmp_path)
    files[0].write_text(HEADER + "\n")
    with pytest.raises(CommandError, match="Nothing was loaded"):
        load(record, files[:1])


def test_a_wrong_answer_is_still_refused(tmp_path):
    record, files = write(tmp_path)
    files[0].write_text(files[0].read_text().replace("\n1,", "\n1,7,1,", 1))
    with pytest.raises(CommandError, match="Nothing was loaded"):
        load(record, files)
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b"sep=;\r\n" + text.replace(",", ";").encode(),
        lambda text: ("\ufeffsep=;\n" + text.replace(",", ";")).encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: ("\n,,\n" + text.replace("\n", ",,\n")).encode(),
        lambda text: _decimal(text).encode(),
    ],
    ids=["UTF-16", "UTF-16 LE", "UTF-16 BE", "sep=", "BOM and sep=", "old Mac", "blank rows", "decimal commas"],
)
def test_reads_are_decoded_as_manifests_are(tmp_path, encode):
    record, files = write(tmp_path)
    for path in files:
        path.write_bytes(encode(path.read_text()))
    load(record, files)
    for response in Response.objects.select_related("question", "assignment__read__reader", "assignment__example"):
        read = response.assignment.read
        question = 0 if response.question.key == "confidence" else 1
        number = response.assignment.example.number
        assert response.score == score(int(read.reader.code[1]), read.number - 1, number, question)
    assert Response.objects.count() == 64


def _decimal(text):
    header, *lines = text.splitlines()
    return "\n".join([header.replace(",", ";"), *(";".join(f"{cell},0" for cell in line.split(",")) for line in lines)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and so on", "is a ZIP, not a CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(400), "is an Excel workbook, not a CSV"),
        ("Example,Größe (1-5)\n1,3\n".encode("cp1252"), "is not encoded as UTF-8 (line 1)"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, said):
    record, files = write(tmp_path)
    files[0].write_bytes(content)
    errors = StringIO()
    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("load_reads", *map(str, files), study="ours", record=record, stderr=errors)
    assert f"read0-reader1.csv: the file {said}" in errors.getvalue()


def test_the_same_sheet_as_two_readers_is_warned_of(tmp_path):
    record, files = write(tmp_path)
    files[1].write_bytes(files[0].read_bytes())
    _, _, errors = load(record, files[:2])
    assert "Warning: R2's read 1 gives the same answer as R1's read 1 to 16 of 16 questions" in errors
    assert errors.count("Warning") == 1
    assert len(Batch.objects.get(name="ours-reads").report["warnings"]) == 1


def test_a_copy_with_an_answer_or_two_changed_is_warned_of_too(tmp_path):
    record, files = write(tmp_path, count=40)
    lines = files[0].read_text().splitlines()
    lines[7] = "7,1,1" if lines[7] != "7,1,1" else "7,2,2"
    files[1].write_text("\r\n".join(reversed(lines[1:])).join([HEADER + "\r\n", "\r\n"]))
    _, _, errors = load(record, files)
    assert "R2's read 1 gives the same answer as R1's read 1" in errors


def test_readers_who_differ_are_not_warned_of(tmp_path):
    record, files = write(tmp_path, count=40)
    _, _, errors = load(record, files[:3])
    assert "Warning" not in errors


def test_a_blank_score_in_our_own_export_is_missing(tmp_path, capsys):
    study, _, _ = load(*write(tmp_path))
    call_command("export_reads", study=study.slug, output=str(tmp_path / "reads.csv"), why="to load it again")
    path = tmp_path / "reads.csv"
    provenance = tmp_path / "reads.csv.provenance.json"
    header, first, *rest = path.read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index("score")] = "N/A"
    path.write_text("\n".join([header, ",".join(cells), *rest]))
    described = json.loads(provenance.read_text())
    del described["content_sha256"]
    provenance.write_text(json.dumps(described))
    _, out, _ = load(None, [path], slug="again")
    assert "1 answer not given, taken as missing" in out
    assert Response.objects.filter(assignment__read__reader__study__slug="again").count() == 63
