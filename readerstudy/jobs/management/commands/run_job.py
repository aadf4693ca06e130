"""run_job: what a worker starts to do one job. Not for people: it refuses without a lease."""

import logging
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from readerstudy.common.refusals import Refusal
from readerstudy.jobs.kinds import kind_named, named_function
from readerstudy.jobs.models import Job
from readerstudy.jobs.supervising import end
from readerstudy.jobs.work import LeaseLost, Work, end_with

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "What `worker` starts for each job. Example, for a worker only: manage.py run_job 12 1 --parent 4711"
    requires_system_checks = []  # they load every page, and the worker was checked when it started

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("job", type=int)
        parser.add_argument("lease", type=int)
        parser.add_argument("--parent", type=int, required=True, help="The worker's process: this ends with it.")

    def handle(self, *args: Any, **options: Any) -> None:
        end_with(options["parent"], lambda: os._exit(1))  # a killed worker cannot end what it started
        job = Job.objects.select_related("asked_by").filter(
            pk=options["job"], lease=options["lease"], state=Job.State.RUNNING
        ).first()  # fmt: skip
        if job is None:
            raise CommandError("This job is not yours: another worker has it, or it has ended.")
        work = Work(job.pk, job.lease, job.asked_by)
        try:
            outcome = named_function(kind_named(job.kind).run)(work, **job.arguments)
        except LeaseLost:
            return
        except ValidationError as error:
            end(job.pk, job.lease, Job.State.FAILED, error="\n".join(error.messages))
        except Refusal as refusal:
            end(job.pk, job.lease, Job.State.FAILED, error=str(refusal))
        except Exception as error:  # whatever it is, the page must say so
            logger.exception("Job %s (%s) failed", job.pk, job.kind)
            end(job.pk, job.lease, Job.State.FAILED, error=_unforeseen(error))
        else:
            end(job.pk, job.lease, Job.State.DONE, outcome=str(outcome or "")[:300])


def _unforeseen(error: Exception) -> str:
    return f"{type(error).__name__}: {error}. This was not foreseen: the worker's log has the details. Then ask again."
