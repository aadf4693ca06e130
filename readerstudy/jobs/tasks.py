"""What the queue hands to a worker: the number of a job and of its lease."""

from django_tasks import task

from readerstudy.jobs.kinds import named_function


@task()
def run_job(job: int, lease: int) -> None:
    """By name, since who supervises a job may hand it over again."""
    named_function("readerstudy.jobs.supervising:supervise")(job, lease)
