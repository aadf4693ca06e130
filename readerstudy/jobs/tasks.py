"""What the queue hands to a worker: the number of a job and of its lease."""

from django_tasks import task

from readerstudy.jobs.supervising import supervise


@task()
def run_job(job: int, lease: int) -> None:
    supervise(job, lease)
