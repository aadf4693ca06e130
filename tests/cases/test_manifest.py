"""Reading a manifest: encodings, separators, and a sentence for everything that is wrong in it."""

import re

import pytest

from readerstudy.cases.loading.manifest import read_manifest
from readerstudy.cases.loading.problems import BatchRefused, Problems
from tests.cases.batches import messages


def problems_of(text: str | bytes, show_ids: bool = False) -> str:
    problems = Problems(show_ids)
    try:
        read_manifest(text.encode() if isinstance(text, str) else text, problems)
        problems.refuse_if_any()
    except BatchRefused as error:
        return messages(error)
    return ""


PLAIN = "image,pathology,label\na.png,Effusion,1\nb.png,Effusion,0\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.replace("\n", ",, \n").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
    ],
    ids=["plain", "BOM", "UTF-16", "semicolons", "tabs", "Windows", "blank lines", "empty columns", "Excel's hint"],
)
def test_it_reads_what_spreadsheets_write(content):
    problems = Problems()
    cases = read_manifest(content, problems)
    assert not problems.found
    assert [(case.image, case.findings[0].label) for case in cases] == [("a.png", True), ("b.png", False)]


def test_rows_of_one_image_are_one_case():
    text = "image,pathology,label,sex,age,patient\na.png,Effusion,1,F,,P1\na.png,Mass,uncertain,,91,\n"
    (case,) = read_manifest(text.encode(), Problems())
    assert (case.sex, case.age, case.patient) == ("F", 90, "P1")
    assert [(finding.pathology, finding.label) for finding in case.findings] == [("Effusion", True), ("Mass", None)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the manifest is empty"),
        ("image,pathology,label\ncafé.png,Effusion,1\n".encode("latin-1"), "not encoded as UTF-8 (line 2)"),
        (b"image\n\x00\n", "not a text file"),
        (b'image,pathology\n"a.png,Effusion\n', "a quotation mark that is opened and not closed"),
        (b"image,pathology,label\n", "a header and no rows"),
        (b"picture,label\na.png,1\n", "row 1, picture: there is no such column"),
        (b"pathology,label\nEffusion,1\n", "row 1, image: the column is missing"),
        (b"image,label,label\na.png,1,1\n", "row 1, label: the column is there more than once"),
        (b"image,explanation:my map\na.png,b.png\n", "a kind's name begins with a letter and has small letters"),
        (b"image,explanation:input\na.png,b.png\n", "'input' is the reading page's own word for the radiograph"),
        (b"image,pathology,label\na.png,Effusion\n", "row 2: it has 2 cells, and the header 3"),
        (b"image,pathology,label\na.png,Effusion,2\n", "row 2, label “2”: it is not 0 or 1. Write 1 (present)"),
        (b"image,pathology,label\n,Effusion,1\n", "row 2, image: it is empty"),
        (b"image,pathology,label\na.png,,1\n", "row 2, pathology: it is empty, and label is not"),
        (b"image,age\na.png,old\n", "row 2, age: it is not a number"),
        (b"image,age\na.png,412\n", "row 2, age “412”: it is not between 0 and 120"),
        (b"image,age\na.png,63.5\n", "row 2, age “63.5”: it is not a whole number"),
        (b"image,label\na.png,1\nb.png,0\n", "row 1, pathology: the column is missing, and label needs it"),
        (b"image,pathology,label\na.png,=Effusion(),1\n", "row 2, pathology: it is no plain name"),
        (b"image,pathology,label\na.png,a<script>,1\n", "row 2, pathology: it is no plain name"),
        (b"image,view\na.png,upside down\n", "row 2, view: it is not a known view"),
        (b"image,sex\na.png,7\n", "row 2, sex “7”: it is not a known value"),
        (b"image,practice\na.png,maybe\n", "row 2, practice: it is not 0 or 1"),
        (b"image,pathology,prediction\na.png,Mass,64%\n", "row 2, prediction “64%”: it is not a number"),
        (b"image,pathology,prediction\na.png,Mass,64\n", "it is not between 0 and 1"),
        (b"image,pathology,label,mask\na.png,Mass,0,m.png\n", "row 2, mask: a mask needs the label 1"),
        (b"image,pathology,explanation:input_gradient\na.png,Mass,m.png\n", "needs the prediction it explains"),
        (b"image,pathology,label\na.png,Mass,1\na.png,Mass,1\n", "row 3, pathology: row 2 has the same image"),
        (b"image,pathology,sex\na.png,Mass,F\na.png,Effusion,M\n", "row 3, sex “M”: it differs from row 2"),
        (b'image,pathology,label\na.png,"Ma\nss",1\n', "it has line breaks or invisible characters"),
        (b"image,pathology,label\na.png," + b"x" * 81 + b",1\n", "it has more than 80 characters"),
        (
            b"image,pathology,label\na.png,Mass,1\nb.png,mass,1\n",
            "row 3, pathology: row 2 writes it otherwise",
        ),
    ],
)
def test_it_says_what_is_wrong_where_and_what_to_do(content, said):
    found = problems_of(content)
    assert said in found
    assert found.endswith(".")


def test_it_lists_every_problem_of_every_row():
    rows = "".join(f"{number}.png,Effusion,{number},F\n" for number in range(2, 12))
    assert problems_of("image,pathology,label,sex\n" + rows).count("it is not 0 or 1") == 10


def test_what_is_wrong_with_a_column_is_said_once():
    assert problems_of("image,label,label\na.png,1,1\n").count("more than once") == 1
    assert problems_of("image,label\na.png,1\nb.png,0\n").count("column is missing") == 1
    assert problems_of("image,label\na.png,uncertain\n") == ""
    assert problems_of("image,age\na.png,63.0\n") == ""


def test_problems_do_not_name_patients_unless_the_data_are_public():
    text = "image,pathology,patient\nSmith/a.png,Mass,Smith\nSmith/a.png,Effusion,Jones\n"
    assert "Jones" not in problems_of(text)
    assert "Jones" in problems_of(text, show_ids=True)


SLIPPED = "".join(f"{n}.png,Miller{n:c},Effusion,1\n" for n in range(97, 97 + 12))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,pathology,label\na.png,Effusion,Miller\n", "row 2, label: it is not 0 or 1"),
        ("image,pathology,age\na.png,Effusion,Miller 63\n", "row 2, age: it is not a number"),
        ("image,pathology,label\na.png,Miller^Anna,1\n", "row 2, pathology: it looks like a name, an id or a date"),
        ('image,pathology,label\na.png,"Miller, Anna",1\n', "row 2, pathology: it looks like a name"),
        ("image,dataset\na.png,1950-03-12\n", "row 2, dataset: it looks like a name, an id or a date"),
        ("image,pathology,prediction,model\na.png,Mass,0.5,12345678\n", "row 2, model: it looks like a name"),
        (f"image,pathology,patient,label\n{SLIPPED}", "pathology: it has 12 different values in 12 rows"),
        ("image,pathology,label\na.png,Miller,1\nb.png,miller,0\n", "row 2 writes it otherwise"),
    ],
)
def test_a_column_that_has_slipped_puts_no_name_into_a_message(text, said):
    found = problems_of(text)
    assert said in found
    assert not re.search("miller|1950|12345678", found, re.IGNORECASE)


def test_versions_and_dates_inside_a_name_are_no_names():
    text = "image,pathology,prediction,model,dataset\na.png,Mass,0.5,densenet-1.2.4,ward 2024-05-01\n"
    assert problems_of(text) == ""


def test_public_data_may_hold_any_values():
    assert problems_of(f"image,pathology,patient,label\n{SLIPPED}", show_ids=True) == ""


def test_many_pathologies_that_come_again_are_no_names():
    rows = "".join(f"{n}.png,Finding {chr(97 + n % 12)},1\n" for n in range(36))
    assert problems_of("image,pathology,label\n" + rows) == ""


def test_a_semicolon_manifest_may_have_decimal_commas():
    (case,) = read_manifest(b"image;pathology;prediction\na.png;Mass;0,83\n", Problems())
    assert case.findings[0].prediction == 0.83
