"""Files in an object store: whole, without an address; and what is said where it cannot be used."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from readerstudy.cases.system_checks import check_object_store
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


def test_files_have_no_address(in_object_store):
    with pytest.raises(NotImplementedError):
        default_storage.url("maps/a.npy")


@pytest.mark.django_db
def test_it_is_ready_while_the_store_answers(client, in_object_store, settings, caplog):
    assert client.get("/ready/").status_code == 200
    away = {"BACKEND": "readerstudy.common.object_store.PrivateS3Storage"}
    away["OPTIONS"] = {"address": "s3://nowhere?endpoint=http://127.0.0.1:9&region=us-east-1"}
    settings.STORAGES = {**settings.STORAGES, "default": away}
    assert client.get("/ready/").status_code == 503
    assert "Not ready: files" in caplog.text


def test_a_store_that_strangers_may_list_fails_the_deployment_check(in_object_store):
    assert [found.id for found in check_object_store(None)] == ["cases.E002"], "moto asks nobody who he is"


def test_settings_say_what_is_wrong_with_an_address():
    for wrong in ("gs://bucket", "s3://", "bucket"):
        done = manage("check", SECRET_KEY="a" * 50, MEDIA_STORAGE=wrong)
        assert done.returncode != 0 and "Set it to s3://BUCKET" in done.stderr, wrong
