"""One upload in two windows, or in a window and with a worker: one of two holds, and nothing of both is mixed."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from explain.images.radiograph import pixel_sha256, read_radiograph
from readerstudy.cases import jobs
from readerstudy.cases.loading import mending, staging, upload_check
from readerstudy.cases.loading.expiry import about
from readerstudy.cases.loading.staged import Gone, Overtaken, Staged
from readerstudy.cases.models import Case, UploadVersion
from readerstudy.jobs.models import Job
from readerstudy.jobs.work import Work
from tests.builders import make_user
from tests.cases.batches import check_here, make_batch, manifest, png, sent, simple_rows, zipped

pytestmark = pytest.mark.django_db
MEANWHILE = "Meanwhile this upload was checked or mended elsewhere"
BAD = b"no image"


@pytest.fixture
def between(monkeypatch) -> list[Callable[[], object]]:
    """What is put here happens as a check has found out all and has saved nothing: one for each check that begins."""
    waits: list[Callable[[], object]] = []

    def check(*args, **kwargs):
        happens = waits.pop(0) if waits else None
        try:
            return check_here(*args, **kwargs)
        finally:
            if happens:
                happens()

    monkeypatch.setattr(staging, "check_apart", check)
    return waits


@pytest.fixture
def upload(tmp_path, between) -> Staged:
    """Two cases; the image of the second is none."""
    folder = make_batch(tmp_path / "b", simple_rows(2), {"1.png": BAD})
    return sent(zipped(folder, tmp_path / "b.zip"))


def window(user: str = "administrator") -> Client:
    client = Client()
    client.force_login(make_user(user, is_staff=True))
    return client


def image(seed: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("1.png", png(seed))


def send(client: Client, upload: Staged, content: bytes) -> str:
    data = {"corrected": [SimpleUploadedFile("1.png", content)], "batch": "ward"}
    return client.post(f"/batches/staged/{upload.token}/mend/", data, follow=True).content.decode()


def assert_holds(upload: Staged, seed: int) -> None:
    """The upload is the one into which the image of this seed was sent, whole; and so it is loaded."""
    last = staging.find(upload.token)
    assert not last.problems and last.report["cases"] == 2
    assert {path.name for path in last.content.iterdir()} == {"upload.zip", *last.names.values()}
    assert [path.name for path in last.folder.glob("*checked*")] == [upload_check.checked_file(last).name]
    staging.confirm(upload.token, make_user("root"))
    shown = set(Case.objects.values_list("pixel_sha256", flat=True))
    assert shown == {pixel_sha256(read_radiograph(png(number))) for number in (0, seed)}


@pytest.mark.parametrize("late", ["finds the old problems", "has files taken away from under it"])
def test_a_check_that_ends_late_saves_nothing_over_what_was_mended(upload, between, monkeypatch, late):
    older = staging.find(upload.token)

    def mended_elsewhere() -> None:
        staging.check(mending.mend(upload.token, [image(7)], "ward"))
        if late != "finds the old problems":
            raise FileNotFoundError

    between.append(mended_elsewhere)
    with pytest.raises(Overtaken, match=MEANWHILE):
        staging.check(older)
    with pytest.raises(Overtaken):
        older.save()
    assert_holds(upload, 7)


def test_a_worker_that_began_before_the_upload_was_mended_says_so(upload, between):
    client = window()
    jobs.ask_to_check(about(upload.token), None, {})
    job = Job.objects.get()
    Job.objects.update(state=Job.State.RUNNING, lease_until=timezone.now())
    between.append(lambda: staging.check(mending.mend(upload.token, [image(7)], "ward")))  # passed its look at jobs
    with pytest.raises(ValidationError, match=MEANWHILE):
        jobs.check_upload(Work(job.pk, job.lease), upload.token)
    Job.objects.update(state=Job.State.FAILED, error=MEANWHILE)
    assert "No problems were found" in client.get(f"/batches/staged/{upload.token}/").content.decode()
    assert_holds(upload, 7)


def test_two_windows_mend_at_once_and_the_second_is_told(upload, monkeypatch):
    one, other = window(), window("another")
    write, pages = mending.write, []

    def while_it_is_received(target: Path, file: object) -> None:
        write(target, file)
        if not pages:
            pages.append("")
            pages.append(send(other, upload, png(7)))

    monkeypatch.setattr(mending, "write", while_it_is_received)
    page = send(one, upload, png(8))
    assert "No problems were found" in pages[1] and MEANWHILE not in pages[1]
    assert MEANWHILE in page and "No problems were found" in page
    assert_holds(upload, 7)


def test_the_check_in_a_window_is_overtaken_by_the_one_that_was_asked_for_in_another(upload, between):
    one = window()

    def checked_by_a_worker() -> None:
        work = jobs.ask_to_check(about(upload.token), None, {})
        Job.objects.update(state=Job.State.RUNNING, lease_until=timezone.now())
        assert jobs.check_upload(Work(work.pk, work.lease), upload.token) == "No problems in 2 cases."
        Job.objects.update(state=Job.State.DONE, outcome="x", finished_at=timezone.now())

    between.append(checked_by_a_worker)
    page = send(one, upload, png(7))
    assert MEANWHILE in page and "No problems were found" in page
    assert_holds(upload, 7)


def test_the_first_check_of_an_upload_may_be_overtaken_too(tmp_path, between):
    archive = zipped(make_batch(tmp_path / "b", simple_rows(2)), tmp_path / "b.zip")
    found: list[Staged] = []

    def check_again() -> None:
        found.append(staging.find(UploadVersion.objects.get().token))
        staging.check(found[0])

    between.append(check_again)
    with archive.open("rb") as file:
        page = window().post("/batches/", {"batch": "ward", "file": file}, follow=True).content.decode()
    assert MEANWHILE in page and "No problems were found" in page
    assert_holds(found[0], 1)


def test_an_upload_that_is_discarded_while_it_is_checked_is_gone(upload, between):
    between.append(lambda: staging.remove(upload.token))
    with pytest.raises(Gone):
        staging.check(staging.find(upload.token))
    assert not upload.folder.exists() and not UploadVersion.objects.exists()


def test_an_upload_of_an_older_version_is_mended_once_and_loaded(upload):
    state = upload.folder / "state.json"
    kept = json.loads(state.read_text())
    state.write_text(json.dumps({name: value for name, value in kept.items() if name not in ("version", "check")}))
    UploadVersion.objects.all().delete()
    one, other = staging.find(upload.token), staging.find(upload.token)
    one.save()
    with pytest.raises(Overtaken):
        other.save()
    staging.check(mending.mend(upload.token, [image(7)], "ward"))
    assert_holds(upload, 7)


@pytest.mark.parametrize("first", [False, True])
def test_a_process_that_was_killed_as_it_saved_locks_nobody_out(upload, first):
    """Its file was written, and its row was not committed; of the first save there is no row at all."""
    if first:
        UploadVersion.objects.all().delete()
    else:
        UploadVersion.objects.update(version=upload.version - 1)
    staging.check(mending.mend(upload.token, [image(7)], "ward"))
    assert_holds(upload, 7)


def test_a_load_that_has_to_check_again_offers_no_second_load(upload, monkeypatch):
    staging.check(mending.mend(upload.token, [image(7)], "ward"))
    staging.checked_file(staging.find(upload.token)).unlink()
    load, offered = staging.load_checked, []

    def loads(*args, **options):
        offered.append((upload.folder / "ready").exists())
        return load(*args, **options)

    monkeypatch.setattr(staging, "load_checked", loads)
    staging.confirm(upload.token, make_user("loads", is_staff=True))
    assert offered == [False] and Case.objects.count() == 2


def test_a_check_that_cannot_say_it_is_ready_changes_nothing(upload, monkeypatch):
    def full(path: Path, *args, **options) -> None:
        raise OSError(28, "No space left on device")

    mended = mending.mend(upload.token, [image(7)], "ward")
    with monkeypatch.context() as disk, pytest.raises(OSError, match="No space"):
        disk.setattr(Path, "touch", full)
        staging.check(mended)
    assert not staging.find(upload.token).checked
    staging.check(staging.find(upload.token))
    assert_holds(upload, 7)


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_the_same_time_one_holds_whole(upload, monkeypatch):
    rows = [{"image": f"{number}.png", "pathology": "Effusion", "label": 1} for number in range(2)]
    barrier = Barrier(4)

    def found_by_all(token: str) -> Staged:
        found = staging.find(token)
        barrier.wait(30)
        return found

    monkeypatch.setattr(mending, "find", found_by_all)

    def mend(seed: int) -> int | None:
        try:
            table = SimpleUploadedFile("list.csv", manifest(rows).encode())
            staging.check(mending.mend(upload.token, [image(seed), table], "ward"))
            return seed
        except Overtaken:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        held = [seed for seed in pool.map(mend, (5, 6, 7, 8)) if seed]
    assert len(held) == 1
    assert_holds(upload, held[0])
