"""Files on their way in: only administrators upload, and nobody else's file reaches the disk."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from readerstudy.cases.loading.receiving import receiving
from tests.builders import make_user

pytestmark = pytest.mark.django_db
LARGE = 3 * 2**20  # over FILE_UPLOAD_MAX_MEMORY_SIZE


@pytest.fixture
def written(monkeypatch) -> list[Path]:
    """Names of the files that were begun."""
    begun: list[Path] = []

    def noted() -> Path:
        begun.append(folder)
        return folder

    folder = receiving()
    monkeypatch.setattr("readerstudy.cases.loading.receiving.receiving", noted)
    return begun


@pytest.mark.parametrize("person", ["nobody", "reader", "administrator"])
@pytest.mark.parametrize("page", ["batches", "account_login", "home"])
def test_only_an_administrators_file_is_written(written, person, page):
    """The CSRF check reads the whole form before any view can ask who it is."""
    client = Client(enforce_csrf_checks=True)
    if person != "nobody":
        client.force_login(make_user(person, is_staff=person == "administrator"))
    client.get(reverse("account_login"))  # a stranger has a CSRF cookie too
    client.post(reverse(page), {"file": SimpleUploadedFile("a.zip", bytes(LARGE)), "batch": "b"})
    assert bool(written) is (person == "administrator")


def test_a_small_file_is_not_kept_in_memory_either(rf):
    request = rf.post("/", {"before": "1", "file": SimpleUploadedFile("a.zip", b"small")})
    assert dict(request.POST.items()) == {"before": "1"} and not request.FILES
