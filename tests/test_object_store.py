"""Files in an object store: whole, without an address; and what is said where it cannot be used."""

import logging
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from readerstudy.cases.models import save_file
from readerstudy.cases.system_checks import check_object_store
from readerstudy.common import health
from readerstudy.common.object_store import PrivateS3Storage, StoreFailed
from readerstudy.common.refusal_pages import RefusalMiddleware
from readerstudy.explanations.models import Explanation, ExplanationFile
from tests.builders import make_batch, make_user
from tests.test_security import manage


def test_what_is_stored_is_read_again_and_removed(in_object_store):
    name = default_storage.save("maps/a.npy", ContentFile(b"0123"))
    assert default_storage.exists(name)
    with default_storage.open(name) as file:
        assert (file.read(), file.size) == (b"0123", 4)
    default_storage.delete(name)
    assert not default_storage.exists(name)
    with pytest.raises(FileNotFoundError):
        default_storage.open(name)


@pytest.mark.django_db
def test_files_have_an_address_that_leads_nowhere(in_object_store, client, caplog):
    caplog.set_level(logging.DEBUG)
    url = default_storage.url("maps/a b.npy")
    assert url == f"{settings.MEDIA_URL}maps/a%20b.npy"
    prediction = make_batch("ward", cases=1).cases.get().predictions.get()
    file = ExplanationFile(
        explanation=Explanation.objects.create(prediction=prediction, kind="input_gradient", key="k", status="done"),
        role="layer", format="image/png", width=1, height=1,
    )  # fmt: skip
    save_file(file.file, b"layer", ".png")
    file.save()
    client.force_login(make_user("root", is_staff=True))
    page = client.get("/admin/explanations/explanationfile/").content.decode()
    store = urlsplit(in_object_store["MEDIA_STORAGE"])
    assert f'href="{settings.MEDIA_URL}{file.file.name}"' in page and store.netloc not in page
    assert store.netloc not in caplog.text, "the library's log has no place at this level"


def test_a_store_that_fails_is_told_in_a_sentence(in_object_store, rf):
    name = default_storage.save("maps/a.npy", ContentFile(b"0123"))
    away = PrivateS3Storage("s3://nowhere?endpoint=http://127.0.0.1:9&region=us-east-1")
    elsewhere = PrivateS3Storage(in_object_store["MEDIA_STORAGE"].replace("bucket-", "another-"))
    asked = {
        "give": lambda store: store.open(name),
        "take": lambda store: store.save(name, ContentFile(b"0123")),
        "say whether it has": lambda store: store.exists(name),
        "remove": lambda store: store.delete(name),
    }
    for to_do, ask in asked.items():
        with pytest.raises(OSError, match=rf"does not {to_do} {name}: EndpointConnectionError\. .* then try again"):
            ask(away)
    for to_do in ("give", "take"):
        with pytest.raises(StoreFailed, match=f"does not {to_do} {name}: NoSuchBucket") as failed:
            asked[to_do](elsewhere)
    page = RefusalMiddleware(lambda request: None).process_exception(rf.get("/"), failed.value)
    assert page.status_code == 503 and b"What was stored before is kept" in page.content


@pytest.fixture
def anew():
    health.forget()
    yield
    health.forget()


@pytest.mark.django_db
def test_it_is_ready_while_the_store_answers(anew, client, in_object_store, settings, caplog):
    assert client.get("/ready/").status_code == 200
    away = {"BACKEND": "readerstudy.common.object_store.PrivateS3Storage"}
    away["OPTIONS"] = {"address": "s3://nowhere?endpoint=http://127.0.0.1:9&region=us-east-1"}
    settings.STORAGES = {**settings.STORAGES, "default": away}
    health.forget()
    assert client.get("/ready/").status_code == 503
    assert "Not ready: files" in caplog.text


def test_a_store_that_strangers_may_list_fails_the_deployment_check(in_object_store):
    assert [found.id for found in check_object_store(None)] == ["cases.E002"], "moto asks nobody who he is"


def test_settings_say_what_is_wrong_with_an_address():
    for wrong in ("gs://bucket", "s3://", "bucket"):
        done = manage("check", SECRET_KEY="a" * 50, MEDIA_STORAGE=wrong)
        assert done.returncode != 0 and "Set it to s3://BUCKET" in done.stderr, wrong
