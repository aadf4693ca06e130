"""What the field's tables and ZIPs hold: placeholders for patients, names that do not match, other programs' ZIPs."""

import zipfile
from io import BytesIO, StringIO

import pytest
from django.core.management import CommandError, call_command

from readerstudy.cases.loading.checking import check_source
from readerstudy.cases.loading.manifest import read_manifest
from readerstudy.cases.loading.names import apart, names_apart
from readerstudy.cases.loading.problems import BatchRefused, Problems
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.common.identity import known_patient, patient_key
from tests.cases.batches import make_batch, messages, png, simple_rows, zipped

pytestmark = pytest.mark.django_db


def run(source, batch="b", *options, **more):
    out, errors = StringIO(), StringIO()
    try:
        call_command("load_cases", str(source), "--batch", batch, *options, stdout=out, stderr=errors, **more)
    except CommandError as error:
        return out.getvalue(), f"{errors.getvalue()}\n{error}"
    return out.getvalue(), errors.getvalue()


@pytest.mark.parametrize(
    "said",
    [
        *("", " ", "ANONYMOUS", "anonymous^patient", "unknown", "Unknown Patient", "NA", "n/a", "nan", "NaN", "None"),
        *("0", "000000", "0.0", "-", "...", "xxx", "No ID", "not available", "de-identified", "REMOVED", "#REF!"),
        *("1.20E+12", "1,2E+12", "1E+15", "1.2e12", "null", "#N/A"),
    ],
)
def test_placeholders_are_no_patient(said):
    assert known_patient(said) == patient_key(said) == ""


@pytest.mark.parametrize("said", ["1", "P0", "10", "anon-17", "12e45", "NA12", "0001", "Doe 4", "patient 7", "E+12"])
def test_ids_of_somebody_are_kept(said):
    assert known_patient(f" {said} ") == said
    assert patient_key(said) == patient_key(f" {said}") != ""


@pytest.mark.parametrize("said", ["ANONYMOUS", "unknown", "NA", "nan", "0"])
def test_images_of_nobody_in_particular_stay_apart(tmp_path, said):
    folder = make_batch(tmp_path / "f", [row | {"patient": said} for row in simple_rows(4)])
    out, errors = run(folder, "b", "--keep-source-ids")
    assert list(Case.objects.values_list("patient_key", flat=True)) == [""] * 4
    assert "0 known patients; 4 images without a patient id" in out
    assert f"4 images with “{said}” in place of a patient id" in errors


def test_one_id_over_much_of_a_batch_is_warned_of(tmp_path):
    rows = [row | {"patient": "P1" if place < 6 else f"P{place}"} for place, row in enumerate(simple_rows(8))]
    out, errors = run(make_batch(tmp_path / "f", rows), "b", "--keep-source-ids")
    assert "3 known patients" in out and "without a patient id" not in out
    assert "6 of 8 images have the same patient id" in errors
    rows = [row | {"patient": f"P{place // 2}"} for place, row in enumerate(simple_rows(8))]
    _, errors = run(make_batch(tmp_path / "g", rows), "c", "--keep-source-ids")
    assert "the same patient id" not in errors


def test_scientific_notation_is_refused(tmp_path):
    rows = [row | {"patient": "1.20E+12"} for row in simple_rows(2)]
    _, errors = run(make_batch(tmp_path / "f", rows), "b", "--keep-source-ids")
    assert "row 2, patient “1.20E+12”: a spreadsheet has shortened it" in errors and "Make the column text" in errors
    assert not Batch.objects.exists()


def test_names_that_do_not_match_are_listed_both_ways():
    said = apart({"Pleural Effusion": 3, "Mass": 1}, {"Effusion", "Mass", "Edema"})
    start = "Truth without predictions, from which nothing can be drawn: “Pleural Effusion” (3 labels"
    assert said[0].startswith(start)
    assert "is it “Effusion”?" in said[0]
    assert said[1] == "Predictions without truth, from which nothing can be drawn: Edema, Effusion."
    for other in ("effusion", "Effusions", "PleuralEffusion", "pleural_effusion", "Effusion|Mass"):
        assert "is it “Effusion”?" in apart({other: 1}, {"Effusion"})[0]
    assert apart({"Mass": 1}, {"Mass"}) == apart({}, {"Mass"}) == apart({"Mass": 1}, set()) == []


def test_the_draw_lists_names_that_do_not_match():
    from tests.builders import make_batch as rows_of_a_batch
    from tests.builders import make_study

    batch = rows_of_a_batch("pool", 24)
    Truth.objects.filter(case__batch=batch, pathology="Effusion").update(pathology="Pleural Effusion")
    assert names_apart(batch)
    make_study("trial")
    errors, given = StringIO(), {"study": "trial", "batch": "pool", "replace": True}
    pathology = Prediction.objects.exclude(pathology="Effusion").first().pathology
    call_command("select_examples", per_pathology=2, pathology=[pathology], stderr=errors, stdout=StringIO(), **given)
    assert "“Pleural Effusion” (" in errors.getvalue() and "Predictions without truth" in errors.getvalue()
    with pytest.raises(CommandError, match="“Pleural Effusion”"):
        call_command("select_examples", per_pathology=500, stdout=StringIO(), **given)


def test_several_pathologies_in_one_cell_are_warned_of(tmp_path):
    rows = [row | {"pathology": "Effusion|Mass"} for row in simple_rows(2)]
    _, errors = run(make_batch(tmp_path / "f", rows), "b", "--keep-source-ids")
    assert "pathology “Effusion|Mass” in 2 rows names several" in errors


@pytest.mark.parametrize("codec", ["utf-8", "cp850", "cp1252", "cp437"])
@pytest.mark.parametrize("folder", ["", "Röntgen Müller/"])
def test_names_in_a_zip_without_the_flag_of_utf8(tmp_path, codec, folder):
    names = [f"{folder}Übersicht é.png", f"{folder}ñandú ä.png"]
    table = "image,pathology,label\n" + "".join(f"{name.rpartition('/')[2]},Mass,1\n" for name in names)
    path = tmp_path / "a.zip"
    path.write_bytes(old_zip({f"{folder}manifest.csv": table.encode()} | dict(zip(names, map(png, (1, 2)))), codec))
    out, errors = run(path, "b", "--keep-source-ids")
    assert "2 cases loaded" in out, errors


def old_zip(files, codec):
    """As programs write it that do not say how names are encoded."""
    places = {}
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for place, (name, content) in enumerate(files.items()):
            stand_in = ("~" * (len(name.encode(codec)) - 2)) + f"{place:02}"
            places[stand_in.encode()] = name.encode(codec)
            archive.writestr(stand_in, content)
    content = file.getvalue()
    for stand_in, name in places.items():
        content = content.replace(stand_in, name)
    return content


def with_method(path, method):
    """The ZIP, its entries said to be compressed by another method."""
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset : at + offset + 2] = method.to_bytes(2, "little")
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("method", "called"), [(9, "Deflate64"), (93, "method 93"), (98, "method 98")])
def test_another_compression_is_named_with_its_remedy(tmp_path, method, called):
    path = with_method(zipped(make_batch(tmp_path / "f", simple_rows()), tmp_path / "a.zip"), method)
    _, errors = run(path, "b", "--keep-source-ids")
    assert f"entry 1 of the ZIP is compressed by {called}" in errors and "“Deflate”" in errors
    assert "damaged" not in errors


def workbook_bytes():
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.xlsx", "a.zip"])
def test_a_workbook_in_place_of_a_csv_is_named(tmp_path, name):
    path = tmp_path / "f" / name
    path.parent.mkdir()
    path.write_bytes(workbook_bytes())
    (tmp_path / "f" / "1.png").write_bytes(png())
    for source in (path, path.parent):
        _, errors = run(source, "b", "--keep-source-ids")
        if (name, source) != ("a.zip", path.parent):
            assert "workbook" in errors and "CSV UTF-8" in errors
    assert not Batch.objects.exists()


def problems_of(text):
    problems = Problems()
    try:
        read_manifest(text.encode(), problems)
    except BatchRefused as error:
        return messages(error)
    return "\n".join(map(str, problems.found))


def test_several_rows_for_one_finding_s_boxes_say_how_to_write_them():
    said = problems_of('image,pathology,label,mask\na.png,Opacity,1,"1,2,30,40"\na.png,Opacity,1,"50,2,30,40"\n')
    assert "row 2 has another box or mask of the same image and pathology" in said
    assert "all its boxes into the column mask as x,y,w,h, separated by ;" in said
    assert "as x,y,w,h" in problems_of("image,pathology,label,x,y,width,height\na.png,Opacity,1,1,2,3,4\n")


def test_a_missing_linking_table_does_not_hide_what_is_wrong_with_the_manifest(tmp_path):
    rows = simple_rows(3)
    rows[1]["label"] = "perhaps"
    _, errors = run(make_batch(tmp_path / "f", rows))
    assert "row 3, label: it is not 0 or 1" in errors and "--linking-table FILE" in errors and "2 problems" in errors


def test_the_same_zip_with_another_option_is_called_what_it_is(tmp_path):
    path = zipped(make_batch(tmp_path / "f", simple_rows()), tmp_path / "a.zip")
    run(path, "b", "--linking-table", str(tmp_path / "l.csv"))
    _, errors = run(path, "b", "--keep-source-ids")
    assert "with the same content is already there, loaded as data that are not public and not synthetic" in errors
    _, errors = run(path, "b", "--simulated", "--linking-table", str(tmp_path / "m.csv"))
    assert "with the same content is already there" in errors
    rows = simple_rows()
    rows[0]["label"] = 1
    _, errors = run(make_batch(tmp_path / "g", rows), "b", "--linking-table", str(tmp_path / "m.csv"))
    assert "with the same 4 images and other facts, labels or predictions" in errors
    _, errors = run(make_batch(tmp_path / "h", simple_rows(5)), "b", "--linking-table", str(tmp_path / "m.csv"))
    assert "with other content is already there, 4 of its 4 images among these" in errors


def test_a_model_that_is_not_there_is_said_before_other_predictions():
    from tests.builders import make_batch as rows_of_a_batch

    rows_of_a_batch("pool", 4)
    with pytest.raises(CommandError) as raised:
        call_command("predict", batch="pool", model="nonsense", device="cpu", stderr=StringIO())
    assert "nonsense" in str(raised.value) and "--add-model" not in str(raised.value)


def test_a_zip_is_still_read_by_its_names(tmp_path):
    path = zipped(make_batch(tmp_path / "f", simple_rows()), tmp_path / "a.zip")
    with open_source(path) as source:
        assert source.files.names() == [*(f"{place}.png" for place in range(4)), "manifest.csv"]


@pytest.mark.parametrize("other", ["pleural_effusion", "Pleural  Effusion", "Pleural-Effusion", "PLEURAL EFFUSION"])
def test_two_spellings_of_one_pathology_are_refused(other):
    problems = Problems()
    text = f"image,pathology,label\na.png,Pleural Effusion,1\nb.png,{other},1\n"
    read_manifest(text.encode(), problems)
    assert [str(problem) for problem in problems.found] == [
        "row 3, pathology: row 2 writes it otherwise. Write it the same way everywhere."
    ]


def test_a_letter_with_its_accent_apart_is_the_same_letter():
    problems = Problems()
    read_manifest("image,pathology,label\na.png,\u00c9panchement,1\nb.png,E\u0301panchement,1\n".encode(), problems)
    assert "row 2 writes it" in str(problems.found[0])


@pytest.mark.parametrize(
    ("cell", "label"), [("1,0", True), ("0,0", False), ("1.00", True), ("-1,0", None), ("#NV", None)]
)
def test_flags_are_read_however_a_program_wrote_them(cell, label):
    problems = Problems()
    (case,) = read_manifest(f"image;pathology;label;practice\na.png;Mass;{cell};1,0\n".encode(), problems)
    assert not problems.found
    assert case.findings[0].label is label and case.practice is True


def test_patient_ids_that_became_numbers_are_warned_of(tmp_path):
    rows = [{"image": f"{n}.png", "patient": f"{n}.0"} for n in range(12, 15)]
    with open_source(make_batch(tmp_path / "batch", rows)) as source:
        report = check_source(source).report
    assert report.patients == 3
    (warning,) = report.warnings
    assert warning.startswith("3 images with a patient id like 123.0") and "12.0" not in warning


def test_a_zip_with_backslashes_and_folders_and_one_with_dots(tmp_path):
    for name, entries in {"windows": ("images\\", "images\\1.png"), "dots": ("./images/1.png",)}.items():
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number, entry in enumerate(entries):
                info = zipfile.ZipInfo("x")
                info.filename = entry
                archive.writestr(info, png() if number == len(entries) - 1 else b"")
            archive.writestr("./manifest.csv" if name == "dots" else "manifest.csv", "image\nimages/1.png\n")
        with open_source(path) as source:
            assert check_source(source).report.cases == 1
            assert "images/1.png" in source.files.names() and len(source.files.names()) == 2


def test_a_zip_in_a_zip_is_named(tmp_path):
    inner = zipped(make_batch(tmp_path / "batch", [{"image": "1.png"}]), tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(inner, "cases.zip")
    with (
        open_source(tmp_path / "outer.zip") as source,
        pytest.raises(BatchRefused, match="the file is a ZIP, not an image"),
    ):
        check_source(source)
