"""worker: does queued jobs, one at a time."""

import importlib.util
import logging
import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection
from django.db.utils import DatabaseError
from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker

from readerstudy.jobs import supervising
from readerstudy.jobs.models import WorkerSeen
from readerstudy.jobs.queueing import recover
from readerstudy.jobs.rounds import keep_going_round
from readerstudy.jobs.work import end_with

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_SIGNS = 10.0
FORGOTTEN = timedelta(days=1)


class Command(BaseCommand):
    help = (
        "Do queued jobs, one at a time: predictions, explanations, analyses. Run one on each GPU host and one beside "
        "the web server. Example: manage.py worker --queues gpu,default"
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--queues", default="default,gpu", help="Which jobs to take, separated by commas.")
        parser.add_argument("--until-empty", action="store_true", help="End when nothing is left to do.")
        parser.add_argument("--with-parent", action="store_true", help="End when the program that started it ends.")
        parser.add_argument("--interval", type=float, default=1.0, help="Seconds between looks when nothing is to do.")

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [name.strip() for name in options["queues"].split(",") if name.strip()]
        worker = Worker(
            queue_names=queues, interval=options["interval"], batch=options["until_empty"], backend_name="default",
            startup_delay=False, max_tasks=None, worker_id=supervising.worker_name()[:64], excluded_queue_names=[],
        )  # fmt: skip
        _listen(worker)
        if options["with_parent"]:
            end_with(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))
        recover()
        end = threading.Event()
        beside = [
            threading.Thread(target=_give_signs, args=(",".join(queues), end), daemon=True),
            threading.Thread(target=keep_going_round, args=(end,), daemon=True),
        ]
        for thread in beside:
            thread.start()
        self.stdout.write(f"Worker {supervising.worker_name()} takes jobs of: {', '.join(queues)}")
        try:
            worker.run()
        finally:
            end.set()
            for thread in beside:
                thread.join()
            WorkerSeen.objects.filter(name=supervising.worker_name()).delete()
        self.stdout.write("Worker ended.")


def _listen(worker: Worker) -> None:
    """SIGTERM and Ctrl+C: give back the job in hand, for the next worker, and end."""

    def stop(signum: int, frame: Any) -> None:
        supervising.stopping = True
        worker.running = False
        if not worker.running_task:
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _give_signs(queues: str, end: threading.Event) -> None:
    """Say that this worker is there, and take up again what others have left behind."""
    torch = importlib.util.find_spec("torch") is not None
    said = 0.0
    while not end.wait(0.2):
        if time.monotonic() - said < SECONDS_BETWEEN_SIGNS:
            continue
        said = time.monotonic()
        try:
            close_old_connections()
            now = timezone.now()
            WorkerSeen.objects.update_or_create(
                name=supervising.worker_name(), defaults={"queues": queues, "torch": torch, "seen_at": now}
            )
            WorkerSeen.objects.filter(seen_at__lt=now - FORGOTTEN).delete()
            recover()
        except DatabaseError:  # the database is away: the jobs' own writes will say so
            logger.warning("The worker could not say that it is there", exc_info=True)
    connection.close()
