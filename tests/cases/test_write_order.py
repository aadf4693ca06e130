"""What the disk tells of a load: files of one time, made in an order that says nothing of the manifest's."""

from pathlib import Path

import pytest
from django.conf import settings

from readerstudy.cases.loading.written import WrittenFiles
from tests.cases.batches import make_batch, simple_rows
from tests.cases.test_loading import load

pytestmark = pytest.mark.django_db
CASES = 12  # their order is the manifest's by chance once in 479 million loads


def test_files_are_written_in_another_order_than_the_manifests_and_rows_are_not(tmp_path, monkeypatch) -> None:
    written: list[str] = []
    save = WrittenFiles.save

    def noted(self, field, content, suffix, salt):
        written.append(salt)
        return save(self, field, content, suffix, salt)

    monkeypatch.setattr(WrittenFiles, "save", noted)
    rows = simple_rows(CASES)
    loaded = load(make_batch(tmp_path / "batch", rows))
    cases = list(loaded.batch.cases.order_by("pk"))
    assert [case.source_id for case in cases] == [row["image"] for row in rows]
    order = [salt for salt in dict.fromkeys(written) if salt in {case.public_id for case in cases}]
    assert sorted(order) == sorted(case.public_id for case in cases)
    assert order != [case.public_id for case in cases]
    times = {path.stat().st_mtime_ns for path in Path(settings.MEDIA_ROOT).rglob("*.png")}
    assert len(times) == 1
