"""A full disk is said in a sentence: on pages, in the reading room's answers, by commands. /dev/full is one."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import Client

from readerstudy.cases.loading import staging
from readerstudy.cases.loading.receiving import ReceivedFile
from readerstudy.cases.loading.waiting import listed
from tests.builders import make_user
from tests.cases.batches import make_batch, simple_rows, zipped

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full"),
]


def write_to_a_full_disk(*_: object, **__: object) -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


def administrator() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user("administrator", is_staff=True))
    return client


def upload(client: Client, folder: Path):
    archive = zipped(make_batch(folder / "batch", simple_rows()), folder / "batch.zip")
    with archive.open("rb") as file:
        return client.post("/batches/", {"batch": "ward", "file": file})


def assert_said(answer) -> None:
    assert answer.status_code == 507
    assert "The disk is full, so this was not done" in answer.content.decode()


def test_on_a_page(tmp_path, monkeypatch):
    client = administrator()
    monkeypatch.setattr(staging, "write", write_to_a_full_disk)
    assert_said(upload(client, tmp_path))
    assert listed() == []


def test_while_a_large_upload_is_received(tmp_path, monkeypatch, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    client = administrator()
    monkeypatch.setattr(ReceivedFile, "write", write_to_a_full_disk, raising=False)
    assert issubclass(ReceivedFile, TemporaryUploadedFile)
    assert_said(upload(client, tmp_path))


def test_by_a_command(tmp_path):
    command = [
        sys.executable,
        "-c",
        "from readerstudy.__main__ import main; main()",
        "spectacular",
        "--file",
        "/dev/full",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "The disk is full, so this was not done" in done.stderr
