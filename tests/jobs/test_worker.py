"""Real workers in processes of their own: work is finished once, whoever is killed."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from readerstudy.jobs import queueing
from readerstudy.jobs.models import Job, WorkerSeen
from readerstudy.jobs.supervising import end
from readerstudy.jobs.work import LeaseLost, Work
from tests.jobs.app import count
from tests.jobs.workers import Workers, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def jobs_of_tests(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.jobs.app.JobsOfTests"]


@pytest.fixture
def workers():
    """Starts workers on this test's database; ends those that are left."""
    found = Workers("tests.jobs.settings")
    yield found.start
    found.end()


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def ask_to_count(tmp_path, to: int = 5, **options) -> Job:
    return queueing.ask("count", "test/1", "Count", None, to=to, file=str(tmp_path / "lines"), **options)


def lines(tmp_path) -> list[str]:
    return (tmp_path / "lines").read_text().split()


def test_a_worker_does_each_kind_of_end_and_says_so(tmp_path, workers, settings):
    counted = ask_to_count(tmp_path, seconds=0.0)
    refused = queueing.ask("refuse", "test/1", "Refuse", None)
    broken = queueing.ask("break", "test/1", "Break", None)
    worker = workers("--until-empty")
    output, _ = worker.communicate(timeout=90)
    assert state(counted) == "done" and counted.outcome == "Counted to 5." and (counted.done, counted.total) == (5, 5)
    assert lines(tmp_path) == ["1", "2", "3", "4", "5"]
    assert state(refused) == "failed" and refused.error == "There is nothing to count: draw examples first."
    assert state(broken) == "failed" and "ZeroDivisionError" in broken.error and "Traceback" in output
    assert not WorkerSeen.objects.exists()
    assert (settings.MEDIA_ROOT / "rounds").read_text() == "round\n", "a round that fails before it is no hindrance"


def test_an_error_that_no_database_takes_is_kept_all_the_same():
    job = queueing.ask("refuse", "test/1", "Refuse", None)
    Job.objects.update(state=Job.State.RUNNING)
    assert end(job.pk, job.lease, Job.State.FAILED, error="half \ud83d, NUL \0")
    assert state(job) == "failed" and job.error == "half \ufffd, NUL \ufffd"


def test_a_killed_workers_job_is_taken_up_again_and_nothing_is_doubled(tmp_path, workers, monkeypatch):
    job = ask_to_count(tmp_path, to=20)
    first = workers()
    wait_for(lambda: Job.objects.filter(pk=job.pk, done__gte=1).exists())
    first.kill()
    assert state(job) == "running"
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())  # a minute later
    workers("--until-empty")
    wait_for(lambda: state(job) == "done")
    assert lines(tmp_path) == [str(number) for number in range(1, 21)]
    assert job.lease == 2


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(tmp_path, workers):
    waiting = queueing.ask("refuse", "test/2", "Refuse", None)
    queueing.cancel(waiting, None)
    assert state(waiting) == "cancelled"
    with pytest.raises(ValidationError, match="has ended already"):
        queueing.cancel(waiting, None)
    job = ask_to_count(tmp_path, to=1000)
    workers()
    wait_for(lambda: Job.objects.filter(pk=job.pk, done__gte=1).exists())
    queueing.cancel(job, None)
    wait_for(lambda: state(job) == "cancelled")
    stored = len(lines(tmp_path))
    again = ask_to_count(tmp_path, to=stored + 1, seconds=0.0)  # what was stored is kept, and the rest is done
    wait_for(lambda: state(again) == "done")
    assert len(lines(tmp_path)) == len(set(lines(tmp_path))) == max(stored, stored + 1)


def test_a_worker_that_is_asked_to_end_gives_its_job_back(tmp_path, workers):
    job = ask_to_count(tmp_path, to=1000)
    worker = workers()
    wait_for(lambda: Job.objects.filter(pk=job.pk, done__gte=1).exists())
    worker.terminate()
    worker.communicate(timeout=30)
    assert state(job) == "queued" and job.lease == 2


def test_work_that_dies_each_time_fails_with_a_sentence(workers):
    job = queueing.ask("die", "test/1", "Die", None)
    workers("--until-empty").communicate(timeout=90)
    assert state(job) == "failed" and "begun 3 times" in job.error


def test_work_over_its_time_is_ended(tmp_path, workers):
    job = queueing.ask("long", "test/1", "Long", None, to=1000, file=str(tmp_path / "lines"))
    workers("--until-empty").communicate(timeout=90)
    assert state(job) == "failed" and "SHORT_LIMIT" in job.error


def test_one_of_a_kind_at_a_time(tmp_path):
    ask_to_count(tmp_path)
    with pytest.raises(ValidationError, match="under way already"):
        ask_to_count(tmp_path)
    assert queueing.ask("count", "test/2", "Count another", None, to=1, file="x").state == "queued"


def test_a_late_worker_can_write_nothing(tmp_path):
    job = ask_to_count(tmp_path)
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now())
    late = Work(job.pk, lease=1)
    assert queueing.recover() == 1
    with pytest.raises(LeaseLost):
        count(late, to=1, file=str(tmp_path / "lines"))
    assert not (tmp_path / "lines").exists()
    assert queueing.recover() == 0  # one UPDATE takes it, whoever else looks


def test_pages_say_which_worker_is_missing():
    assert "manage.py worker --queues default" in queueing.missing_worker("count")
    seen = WorkerSeen.objects.create(name="host:1", queues="default,gpu", torch=False, seen_at=timezone.now())
    assert queueing.missing_worker("count") == ""
    assert "no torch" in queueing.missing_worker("draw")
    WorkerSeen.objects.filter(pk=seen.pk).update(torch=True)
    assert queueing.missing_worker("draw") == ""
    WorkerSeen.objects.filter(pk=seen.pk).update(seen_at=timezone.now() - 2 * queueing.WORKER_SILENT)
    assert queueing.missing_worker("count")
