"""Downloads: the header that names the file says one thing, whatever is asked for."""

import re
from pathlib import Path

import pytest

from readerstudy.common.downloads import LONGEST, disposition
from readerstudy.exchange.export import DOWNLOADS
from readerstudy.studies.models import Look
from tests.worlds import make_world

ROOT = Path(__file__).resolve().parent.parent
EVIL = [
    "x\r\nSet-Cookie: a=b",
    "x\n",
    'x"; filename="evil.html',
    "../../etc/passwd",
    "x\0",
    "é" * 400,
    "x;y",
    "a" * 5000,
]


@pytest.mark.parametrize("name", [*EVIL, "", ".", "-", "...", "trial-long.csv"])
def test_a_name_never_ends_the_header_nor_adds_to_it(name):
    assert re.fullmatch(rf'attachment; filename="[A-Za-z0-9_][A-Za-z0-9._-]{{0,{LONGEST - 1}}}"', disposition(name))


def test_an_ordinary_name_stays_and_a_long_one_keeps_its_suffix():
    assert disposition("one-results-20261128-1301.zip") == 'attachment; filename="one-results-20261128-1301.zip"'
    assert disposition("x" * 300 + ".csv", inline=True).endswith('xxx.csv"')


def test_only_the_helper_writes_the_header():
    written = re.compile(r"filename=\\?[\"'{]|as_attachment")
    wrong = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "readerstudy").rglob("*.py")
        if written.search(file.read_text()) and file.name != "downloads.py"
    ]
    assert not wrong, "use readerstudy.common.downloads.disposition"


@pytest.mark.django_db
@pytest.mark.parametrize("question", EVIL)
def test_a_question_that_is_none_of_the_studys_is_refused_by_every_table(client, question):
    world = make_world("one", "closed")
    client.raise_request_exception = False
    client.force_login(world.people["researcher"])
    for table in DOWNLOADS:
        page = client.get(f"/studies/one/results/tables/{table}/", {"question": question})
        answer = client.get("/api/studies/one/reads/", {"table": table, "question": question})
        assert (page.status_code, answer.status_code) == (404, 404), table
        assert answer.json()["detail"].startswith("The study has no question"), table
    assert not Look.objects.exists(), "a refused download is no look"


@pytest.mark.django_db
def test_a_question_of_the_study_names_the_file(client):
    world = make_world("one", "closed")
    client.force_login(world.people["researcher"])
    answer = client.get("/studies/one/results/tables/imrmc/", {"question": "confidence"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="one-confidence-imrmc.imrmc"'
