"""Guarded files: headers, caching, who gets what."""

import hashlib

import pytest

from tests.worlds import last_part, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(files_in):
    return make_world("one", cases=1)  # each has nine files, and an object store is asked twice for each


@pytest.fixture
def address(world):
    return f"/batches/{world.batch.name}/files/{last_part(world.case.display.name)}"


@pytest.fixture
def admin(client, world):
    client.force_login(world.people["administrator"])
    return client


def test_a_file_is_sent_whole_and_cached_privately(admin, world, address):
    response = admin.get(address)
    assert b"".join(response.streaming_content) == world.case.display.read()
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private")
    assert "immutable" in response.headers["Cache-Control"]
    assert "Cookie" in response.headers["Vary"]
    assert response.headers["Content-Disposition"] == f'inline; filename="{last_part(world.case.display.name)}"'


def test_the_address_and_the_etag_say_nothing_of_the_file(admin, world, address):
    """A plain hash of a public image identifies it by lookup."""
    world.case.display.seek(0)
    digest = hashlib.sha256(world.case.display.read()).hexdigest()
    etag = admin.get(address).headers["ETag"]
    assert etag.strip('"')[:16] not in digest
    assert last_part(world.case.display.name)[:16] not in digest
    assert "cases/" not in address.replace("one-cases/", "")


def test_a_browser_that_has_the_file_gets_304(admin, address):
    etag = admin.get(address).headers["ETag"]
    response = admin.get(address, headers={"if-none-match": etag})
    assert response.status_code == 304
    assert response.content == b""


def test_nginx_can_send_the_bytes_of_the_disk_and_never_those_of_an_object_store(
    admin, world, address, settings, files_in
):
    settings.MEDIA_ACCEL_PREFIX = "/protected/"
    response = admin.get(address)
    if files_in:
        assert "X-Accel-Redirect" not in response.headers and b"".join(response.streaming_content)
        return
    assert response.content == b""
    assert response.headers["X-Accel-Redirect"] == f"/protected/{world.case.display.name}"


def test_a_file_lost_from_the_storage_is_not_found(admin, world, address):
    world.case.display.storage.delete(world.case.display.name)
    assert admin.get(address).status_code == 404


def test_names_are_whole_file_names(admin, world):
    for name in ("", "png", ".png", "%", "%00", "..%2F..%2Fdb.sqlite3", last_part(world.case.display.name)[1:]):
        assert admin.get(f"/batches/{world.batch.name}/files/{name}").status_code == 404


def test_administrators_get_truth_masks_and_nobody_else(client, world):
    mask = last_part(world.truth.mask.name)
    for role, addresses in {
        "administrator": [f"/studies/one/files/{mask}"],
        "researcher": [f"/batches/{world.batch.name}/files/{mask}", f"/studies/one/files/{mask}"],
        "reader": [f"/reading/one/files/{mask}", f"/studies/one/files/{mask}"],
    }.items():
        client.force_login(world.people[role])
        for address in addresses:
            assert client.get(address).status_code in (403, 404), (role, address)
    client.force_login(world.people["administrator"])
    assert client.get(f"/batches/{world.batch.name}/files/{mask}").status_code == 404  # the study is open
    client.post("/studies/one/examples/truth/", {"why": "a wrong mask"})
    assert client.get(f"/batches/{world.batch.name}/files/{mask}").status_code == 200


def test_researchers_get_images_maps_and_explanation_files(client, world):
    client.force_login(world.people["researcher"])
    for file in (world.case.display, world.explanation.map, world.layer.file):
        assert client.get(f"/studies/one/files/{last_part(file.name)}").status_code == 200
