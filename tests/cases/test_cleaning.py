"""What is kept for a while goes after that while, visited or not; killed processes leave nothing."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from readerstudy.cases.jobs import CHECK, ask_to_check, check_upload
from readerstudy.cases.loading import staging
from readerstudy.cases.loading.expiry import about
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.receiving import receiving
from readerstudy.cases.loading.staged import Elsewhere, Gone, Staged
from readerstudy.cases.loading.waiting import listed
from readerstudy.cases.models import Case, UploadVersion
from readerstudy.jobs.models import Job
from readerstudy.jobs.work import Work
from tests.builders import make_user
from tests.cases.batches import check_here, make_batch, sent, simple_rows, zipped

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    archive = zipped(make_batch(tmp_path / "batch", simple_rows()), tmp_path / "batch.zip")
    monkeypatch.setattr(staging, "check_apart", check_here)
    return sent(archive)


def sent_before(staged: Staged, seconds: float) -> None:
    state = json.loads((staged.folder / "state.json").read_text())
    (staged.folder / "state.json").write_text(json.dumps({**state, "created": time.time() - seconds}))


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def aged(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"Quack")
    os.utime(path, (time.time() - seconds,) * 2)
    return path


@pytest.mark.parametrize(
    "use",
    [
        staging.find,
        lambda token: staging.confirm(token, make_user("administrator")),
        lambda token: staging.thumbnail(token, 2),
        staging.take_linking_table,
    ],
    ids=["look", "load", "thumbnail", "linking table"],
)
def test_an_upload_that_is_over_a_day_old_is_gone_for_every_use(staged, use):
    (staged.folder / "linking.csv").write_text("row,image,case\n")
    sent_before(staged, DAY + 1)
    (staged.folder / "touched").touch()  # the folder's own time says nothing
    with pytest.raises(Gone):
        use(staged.token)
    assert not Case.objects.exists()
    assert listed() == []


def test_the_cleaning_command_removes_what_has_expired_and_what_killed_processes_left(staged, capsys):
    sent_before(staged, DAY + 1)
    aged(receiving() / "ab.part", DAY + 1)
    aged(receiving().parent / "killed.kept" / "x.png", 2 * 3600)  # of a load at the command line
    os.utime(receiving().parent / "killed.kept", (time.time() - 2 * 3600,) * 2)
    aged(receiving().parent / f"{'0' * 32}.gone" / "state.json", 60)
    aged(Path(settings.MEDIA_ROOT) / "cases" / "ab" / ".writing-xyz", 2 * 3600)
    young = [
        aged(receiving() / "cd.part", 60),
        aged(receiving().parent / "goes-on.kept" / "x.png", 60),
        aged(Path(settings.MEDIA_ROOT) / "cases" / "ab" / ".writing-abc", 60),
        aged(Path(settings.MEDIA_ROOT) / "cases" / "ab" / "abcd.png", 400 * DAY),
    ]
    call_command("clean_up")
    assert sorted(files()) == sorted(young)
    said = capsys.readouterr().out
    assert "expired uploads: 1, interrupted uploads: 1" in said
    assert "half written files: 1" in said


@pytest.mark.parametrize(
    ("state", "ended", "kept"),
    [("queued", None, True), ("running", None, True), ("done", 1, True), ("cancelled", 1, True), ("failed", 25, False)],
)
def test_an_upload_does_not_expire_while_a_worker_is_at_it_or_will_be(staged, state, ended, kept):
    sent_before(staged, 3 * DAY)
    finished = None if ended is None else timezone.now() - timedelta(hours=ended)
    Job.objects.create(
        kind=CHECK, about=about(staged.token), title="Check", queue="default", state=state, finished_at=finished,
        error="The worker ended." if state == "failed" else "",
    )  # fmt: skip
    Job.objects.create(kind=CHECK, about=about("0" * 32), title="Another's", queue="default")
    call_command("clean_up")
    assert staged.folder.is_dir() == kept and [one.token for one in listed()] == [staged.token] * kept
    if kept:
        assert staging.find(staged.token).checked
    else:
        with pytest.raises(Gone):
            staging.find(staged.token)


def test_an_upload_of_another_host_is_said_to_be_there_until_it_has_expired(staged):
    staged.folder.rename(staged.folder.with_name("on-another-host"))
    with pytest.raises(Elsewhere, match="in the MEDIA_ROOT of the web host that received"):
        staging.find(staged.token)
    UploadVersion.objects.update(changed_at=timezone.now() - timedelta(hours=25))
    waits = Job.objects.create(kind=CHECK, about=about(staged.token), title="Check", queue="default")
    call_command("clean_up")
    assert UploadVersion.objects.exists()  # its host has a use for it
    waits.delete()
    call_command("clean_up")
    with pytest.raises(Gone, match="Nothing of it is kept"):
        staging.find(staged.token)


def test_an_upload_that_has_waited_for_days_is_checked_and_kept_for_another(staged):
    staged.report = {}
    staged.save()
    work = ask_to_check(about(staged.token), None, {})
    sent_before(staged, 3 * DAY)
    Job.objects.update(state=Job.State.RUNNING)
    assert check_upload(Work(work.pk, work.lease), staged.token) == "No problems in 4 cases."
    Job.objects.all().delete()
    assert staging.find(staged.token).checked


def test_an_upload_whose_check_was_killed_is_listed_can_be_discarded_and_expires(staged):
    (staged.folder / "state.json").unlink()  # as a worker leaves it that was killed before the check ended
    client = Client()
    client.force_login(make_user("administrator", is_staff=True))
    page = client.get("/batches/").content.decode()
    assert "its check was interrupted" in page
    assert f"/batches/staged/{staged.token}/discard/" in page
    os.utime(staged.folder, (time.time() - DAY - 1,) * 2)
    call_command("clean_up")
    assert files() == []


def test_a_load_whose_process_was_killed_is_loaded_again(staged):
    (staged.folder / "ready").rename(staged.folder / "loading")
    os.utime(staged.folder / "loading")
    user = make_user("administrator")
    with pytest.raises(BatchRefused, match="being loaded"):
        staging.confirm(staged.token, user)
    os.utime(staged.folder / "loading", (time.time() - staging.DEAD_AFTER_SECONDS - 1,) * 2)
    assert staging.confirm(staged.token, user).created


def test_large_uploads_are_received_where_they_can_be_found(settings, tmp_path):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    seen: list[Path] = []
    archive = zipped(make_batch(tmp_path / "batch", simple_rows()), tmp_path / "batch.zip")
    client = Client()
    client.force_login(make_user("administrator", is_staff=True))
    receive = staging.receive

    def look(file, *args, **kwargs):
        seen.append(Path(file.temporary_file_path()))
        assert file.temporary_file_path().startswith(str(receiving()))
        assert "batch.zip" not in file.temporary_file_path()
        return receive(file, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch, archive.open("rb") as file:
        patch.setattr(staging, "receive", look)
        patch.setattr(staging, "check_apart", check_here)
        assert client.post("/batches/", {"batch": "ward", "file": file}).status_code == 302
    assert len(seen) == 1
    assert not seen[0].exists()
