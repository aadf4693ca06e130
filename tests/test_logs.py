"""What the application logs while cases are loaded and read: enough to mend a fault, and nothing of a patient."""

import io
import json
import logging
import logging.config
from copy import deepcopy
from unittest.mock import patch

import pytest
from django.conf import settings as installed
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client

from readerstudy.accounts.logs import masked
from readerstudy.cases.loading.checking import check_source
from readerstudy.cases.loading.dicomweb import open_server
from readerstudy.cases.models import Case
from tests.cases.batches import make_batch, simple_rows
from tests.cases.test_dicomweb import server  # noqa: F401
from tests.explain.image_files import dicom, greys
from tests.reading.api.calls import BASE, answer, open_visit, put
from tests.reading.api.conftest import client, me  # noqa: F401

SECRETS = ("Doe^Jane", "PATIENT-4711", "scan-of-jane", "1961", "she coughs", "reader@example.org")


@pytest.fixture
def log():
    """All that goes to standard error as JSON lines, from the lowest level on."""
    stream, wanted = io.StringIO(), deepcopy(installed.LOGGING)
    wanted["handlers"]["console"] |= {"stream": stream, "formatter": "json"}
    wanted["root"]["level"] = "DEBUG"
    before = logging.root.handlers[:], logging.root.level
    logging.config.dictConfig(wanted)
    yield stream
    logging.root.handlers, logging.root.level = before


def test_what_pydicom_and_pillow_say_of_a_file_is_in_no_log(log):
    """Also outside of our own readers of files, and though pydicom sets its level to WARNING when it is imported."""
    for name in ("pydicom", "pydicom.pixels"):
        logging.getLogger(name).critical("Doe^Jane")
    logging.getLogger("PIL.TiffImagePlugin").debug("scan-of-jane")
    logging.getLogger("PIL.Image").warning("reached")
    assert [json.loads(line)["message"] for line in log.getvalue().splitlines()] == ["reached"]


@pytest.mark.django_db
def test_a_load_and_a_read_leave_nothing_of_a_patient_in_the_log(log, client, tmp_path, capfd):  # noqa: F811
    load(tmp_path)
    read(client)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    failed = next(line for line in lines if line.get("status") == 500)
    assert failed["level"] == "ERROR" and "state/" in failed["message"] and "IntegrityError" in failed["traceback"]
    told = "".join((log.getvalue(), *capfd.readouterr()))
    assert [secret for secret in SECRETS if secret in told] == []


def test_a_load_from_a_dicomweb_server_leaves_no_uid_in_the_log(log, server):  # noqa: F811
    check_source(open_server(server[0], {"StudyInstanceUID": "1.2.9"}, None))
    logging.getLogger("tests").debug("reached")
    assert "reached" in log.getvalue() and "1.2.7" not in log.getvalue() and "1.2.9" not in log.getvalue()


def load(folder) -> None:
    """A batch of a DICOM file and PNGs that is taken, and one that is refused."""
    rows = [row | {"patient": "PATIENT-4711", "age": 65} for row in simple_rows()]
    rows.append({"image": "scan-of-jane.dcm", "pathology": "Effusion", "label": 1, "patient": "PATIENT-4711"})
    file = dicom(
        greys(64, 72, seed=9), 8, PatientName="Doe^Jane", PatientID="PATIENT-4711", PatientBirthDate="19610101"
    )
    out = io.StringIO()
    good = make_batch(folder / "good", rows, {"scan-of-jane.dcm": file})
    call_command("load_cases", good, "--batch", "ward", "--linking-table", folder / "links.csv", stdout=out, stderr=out)
    assert Case.objects.filter(batch__name="ward").count() == 5
    bad = make_batch(folder / "bad", [*rows, {"image": "scan-of-jane-2.dcm", "pathology": "Effusion", "label": 7}],
                     {"scan-of-jane-2.dcm": b"DICM" + file[:300]})  # fmt: skip
    with pytest.raises(CommandError):
        call_command("load_cases", bad, "--batch", "other", stdout=out, stderr=out)
    assert "row 7" in out.getvalue(), "whoever loads is told"


def read(client) -> None:  # noqa: F811
    """A log-in that fails, an answer, a comment that is refused, and a fault of the server."""
    Client().post("/accounts/login/", {"login": "reader@example.org", "password": "wrong"})
    client.raise_request_exception = False
    visit = open_visit(client)
    answer(client, visit)
    put(client, f"visits/{visit}/", {"comment": "she coughs"})
    put(client, f"visits/{visit}/", {"comment": "she coughs", "unknown": "PATIENT-4711"})
    quoted = IntegrityError("refused\nDETAIL:  Failing row contains (PATIENT-4711,\nDoe^Jane).\n\nThe above was raised")
    with patch("readerstudy.reading.api.endpoints.reader", side_effect=quoted):
        assert client.get(BASE + "state/").status_code == 500


@pytest.mark.parametrize("said", ["DETAIL:  Key (patient_key)=(4711) already exists.", "DETAIL:  Failing row (a,\nb)."])
def test_rows_that_the_database_quotes_are_masked(said):
    assert masked(f"unique\n{said}\n\nThe above exception") == "unique\nDETAIL: ***\n\nThe above exception"
