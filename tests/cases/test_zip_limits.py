"""What a ZIP declares about itself is not believed: neither the size of an entry nor how many there are."""

import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from readerstudy.cases.loading import staging, zip_directory
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.loading.upload_check import TooSlow
from readerstudy.cases.loading.zip_directory import MAX_FILES, check_directory
from tests.cases.batches import make_batch, manifest, messages, png, sent, simple_rows, zipped
from tests.cases.test_sources import refusal
from tests.explain.image_files import encoded, greys

MIB = 2**20


def lying_about_its_size(path: Path, declared: int, real: int) -> Path:
    """A ZIP whose second entry declares fewer bytes than it unpacks to."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", manifest(simple_rows(1)))
        archive.writestr("0.png", bytes(real))
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", real), struct.pack("<L", declared)))
    return path


def test_an_entry_that_unpacks_to_more_than_it_declares_is_refused_without_unpacking_it(tmp_path):
    path = lying_about_its_size(tmp_path / "a.zip", 2 * MIB, 200 * MIB)
    tracemalloc.start()
    said = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.startswith("row 2, image: the file is damaged inside the ZIP")
    assert peak < 20 * MIB


def bare_entries(count: int) -> bytes:
    """A ZIP's end with a list of that many empty entries, which its end record says is of one."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<3H", 0, 0, 0) + bytes(12)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, count * len(entry), 0, 0)
    return entry * count + end


def test_a_zip_with_too_many_files_is_refused_before_its_list_is_read(tmp_path):
    (tmp_path / "a.zip").write_bytes(bare_entries(MAX_FILES + 1))
    with pytest.raises(BatchRefused) as caught, open_source(tmp_path / "a.zip"):
        pass
    assert "the ZIP holds more than 200,000 files. Load it as several batches." in messages(caught.value)


def test_a_list_of_files_that_is_too_long_is_refused_unread(tmp_path):
    (tmp_path / "a.zip").write_bytes(bare_entries(zip_directory.MAX_DIRECTORY_BYTES // 46 + 1))
    with pytest.raises(BatchRefused, match="list of files is over 64 MiB"):
        check_directory(tmp_path / "a.zip")


def test_files_of_large_zips_are_counted_too(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(66_000):  # over 65,535, where a ZIP has another end record
            archive.writestr(str(number), b"")
    check_directory(tmp_path / "a.zip")
    monkeypatch.setattr(zip_directory, "MAX_FILES", 65_999)
    with pytest.raises(BatchRefused, match="more than 65,999 files"):
        check_directory(tmp_path / "a.zip")


def test_a_zip_behind_something_else_is_read_as_before(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", png())
    (tmp_path / "b.zip").write_bytes(b"#!/bin/sh\n" + (tmp_path / "a.zip").read_bytes())
    with open_source(tmp_path / "b.zip") as source:
        assert source.files.names() == ["a.png"]


@pytest.mark.django_db
def test_an_upload_whose_check_takes_too_much_memory_or_time_is_refused(tmp_path, settings):
    large = encoded(np.tile(greys(60, 60), (100, 100)))  # takes as much memory as a photograph, and is made sooner
    path = zipped(make_batch(tmp_path / "batch", simple_rows(1), {"0.png": large}), tmp_path / "a.zip")
    settings.UPLOAD_CHECK_MIB = 600  # enough to start, not for that image
    staged = sent(path)
    (problem,) = staged.problems
    assert (problem["row"], problem["text"]) == (2, "checking it took more than 600 MiB of memory")
    assert staged.may_be_mended and "load_cases" in problem["remedy"]
    settings.UPLOAD_CHECK_SECONDS = 0
    staging.check(staged)
    assert staged.problems[0]["text"] == "checking this upload took more than 0 seconds"
    with pytest.raises(TooSlow):  # the browser's patience; then a worker goes on
        staging.check(staged, seconds=0)
