"""The pages of batches: upload, dry run, confirm, linking table; and what is left when something goes wrong."""

import os
import socket
import time
from pathlib import Path
from urllib.parse import urlparse

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from readerstudy.cases.loading import staging
from readerstudy.cases.loading.receiving import receiving
from readerstudy.cases.loading.upload_check import check_apart
from readerstudy.cases.models import Batch, Case
from tests.builders import make_user
from tests.cases.batches import check_here, make_batch, manifest, mask_png, png, simple_rows, zipped
from tests.cases.test_load_cases import everything_written

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user("administrator", is_staff=True))
    return client


@pytest.fixture(autouse=True)
def checked_here(monkeypatch) -> None:
    monkeypatch.setattr(staging, "check_apart", check_here)


@pytest.fixture
def archive(tmp_path) -> Path:
    rows = simple_rows()
    rows[0]["patient"] = "Quack"
    rows.append({"image": "0.png", "pathology": "Mass", "label": 1, "mask": "Quack mask.png"})
    return zipped(make_batch(tmp_path / "batch", rows, {"Quack mask.png": mask_png()}), tmp_path / "Quack.zip")


def upload(client: Client, archive: Path, batch: str = "ward", **data: object):
    with archive.open("rb") as file:
        return client.post("/batches/", {"batch": batch, "file": file, **data})


def left_over() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_upload_check_confirm_and_link(admin, archive, monkeypatch):
    monkeypatch.setattr(staging, "check_apart", check_apart)  # in its own process, this once
    report = upload(admin, archive)
    assert report.status_code == 302
    address = report.headers["Location"]
    page = admin.get(address).content.decode()
    assert "No problems were found" in page
    assert "Load 4 cases" in page
    assert "Quack" not in page
    assert admin.get(f"{address}thumbs/2.png").content.startswith(b"\x89PNG")
    assert not Batch.objects.exists()

    page = admin.post(address, follow=True).content.decode()
    assert "4 cases were loaded as batch ward" in page
    assert Case.objects.count() == 4
    table = admin.post(f"{address}linking/")
    assert table.content.decode().splitlines()[1] == f"2,0.png,{Case.objects.first().public_id}"
    assert admin.post(f"{address}linking/").status_code == 410
    assert admin.get(address).status_code == 410
    assert not any(b"Quack" in text for text in everything_written().values())

    page = admin.get("/batches/ward/").content.decode()
    case = Case.objects.first()
    assert case.public_id in page
    assert admin.get(f"/batches/ward/thumbs/{case.public_id}.png").content.startswith(b"\x89PNG")
    assert "ward" in admin.get("/batches/").content.decode()
    assert Batch.objects.get().loaded_by.username == "administrator"


def test_pages_do_not_query_for_each_case(admin, archive, django_assert_max_num_queries):
    admin.post(upload(admin, archive).headers["Location"])
    with django_assert_max_num_queries(11):  # one counts the predictions of now, in all; two are of jobs and workers
        admin.get("/batches/ward/")
    with django_assert_max_num_queries(8):
        admin.get("/batches/")


def test_public_data_need_no_linking_table(admin, archive):
    address = upload(admin, archive, keep_source_ids="on", simulated="on").headers["Location"]
    assert "Quack mask" not in admin.get(address).content.decode()
    answer = admin.post(address)
    assert answer.headers["Location"] == "/batches/ward/"
    batch = Batch.objects.get()
    assert (batch.source, batch.simulated, batch.cases.first().source_id) == ("Quack.zip", True, "0.png")
    assert not list((Path(settings.MEDIA_ROOT) / "staging").iterdir())


def test_a_csv_with_its_images(admin):
    images = [SimpleUploadedFile(f"{index}.png", png(index)) for index in range(2)]
    table = SimpleUploadedFile("list.csv", manifest(simple_rows(2)).encode("utf-8-sig"))
    answer = admin.post("/batches/", {"batch": "ward", "file": table, "images": images})
    assert "Load 2 cases" in admin.get(answer.headers["Location"]).content.decode()


def test_problems_are_listed_and_what_was_sent_is_kept(admin, tmp_path):
    rows = [*simple_rows(), {"image": "9.png", "pathology": "Mass", "label": "perhaps"}]
    archive = zipped(make_batch(tmp_path / "batch", rows), tmp_path / "a.zip")
    address = upload(admin, archive).headers["Location"]
    page = admin.get(address).content.decode()
    cells = ('<td class="number">6</td>', "<td>label</td>", "<td>it is not 0 or 1</td>")
    assert all(cell in page for cell in cells)
    assert '<button class="button" type="submit">Load' not in page and "Send and check again" in page
    assert "has problems to mend" in admin.get("/batches/").content.decode()
    admin.post(address)
    assert not Batch.objects.exists()
    admin.post(f"{address}discard/")
    assert left_over() == []


def test_a_zip_that_cannot_be_opened_is_not_kept(admin, tmp_path):
    archive = zipped(make_batch(tmp_path / "batch", simple_rows(1)), tmp_path / "a.zip", prefix="../")
    address = upload(admin, archive).headers["Location"]
    page = admin.get(address).content.decode()
    assert "has a path that leads outside" in page and "Send and check again" not in page
    assert [path.name for path in left_over()] == ["state.json"]


@pytest.mark.parametrize(("name", "content"), [("a.zip", b"PK\x03\x04 half"), ("a.exe", b"MZ"), ("a.csv", b"")])
def test_what_is_no_batch_is_refused_on_the_form(admin, name, content):
    answer = admin.post("/batches/", {"batch": "ward", "file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert left_over() == []


def test_the_same_upload_again_has_nothing_to_load(admin, archive):
    admin.post(upload(admin, archive).headers["Location"])
    page = admin.get(upload(admin, archive).headers["Location"]).content.decode()
    assert "there is nothing to load" in page


def test_discarding_leaves_nothing(admin, archive):
    address = upload(admin, archive).headers["Location"]
    folder = staging.find(address.split("/")[-2]).folder
    (folder / "ready").rename(folder / "loading")
    os.utime(folder / "loading")
    assert "is being loaded" in admin.post(f"{address}discard/", follow=True).content.decode()
    (folder / "loading").rename(folder / "ready")
    admin.post(f"{address}discard/")
    assert left_over() == []
    assert admin.get(address).status_code == 410


def test_confirming_twice_loads_once(admin, archive):
    address = upload(admin, archive).headers["Location"]
    admin.post(address)
    answer = admin.post(address, follow=True)
    assert "is being loaded or was refused" in answer.content.decode()
    assert Batch.objects.count() == 1


def test_a_batch_whose_name_is_taken_in_between_gets_another(admin, archive):
    address = upload(admin, archive).headers["Location"]
    Batch.objects.create(name="ward", source="someone else")
    page = admin.post(address, follow=True).content.decode()
    assert "with other content is already there" in page and "Send and check again" in page
    admin.post(f"{address}mend/", {"batch": "ward-2"})
    assert "were loaded as batch ward-2" in admin.post(address, follow=True).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_upload_leaves_nothing_behind(admin, live_server):
    uploads = receiving()
    uploads.mkdir(parents=True)
    admin.get("/batches/")
    token = admin.cookies["csrftoken"].value
    at = urlparse(live_server.url)
    start = (
        '--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n' + token + "\r\n"
        '--x\r\nContent-Disposition: form-data; name="batch"\r\n\r\nward\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    ).encode()
    cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in admin.cookies.items())
    head = (
        f"POST /batches/ HTTP/1.1\r\nHost: {at.netloc}\r\nCookie: {cookies}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n"
    ).encode()
    with socket.create_connection((at.hostname, at.port)) as connection:
        connection.sendall(head + start + bytes(5_000_000))
        deadline = time.monotonic() + 10
        while not list(uploads.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(uploads.iterdir())  # it is under way
    while list(uploads.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(uploads.iterdir())
    assert left_over() == []
    assert not Batch.objects.exists()
