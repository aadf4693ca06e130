"""Rounds: work that comes again by itself, done by every worker. Each app lists its own on its AppConfig (`rounds`)."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.db import close_old_connections, connection

from readerstudy.common.refusals import Refusal
from readerstudy.jobs.kinds import named_function

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """run: "package.module:function", called as function(stop); once stop() is true it ends soon. seconds: from one
    beginning to the next. Several workers may do the same round at once."""

    run: str
    seconds: float


def rounds() -> list[Round]:
    return [each for config in apps.get_app_configs() for each in getattr(config, "rounds", ())]


def keep_going_round(end: threading.Event) -> None:
    """Every round at once, then each in its time, until `end`."""
    last: dict[Round, float] = {}
    while True:
        for each in rounds():
            if each not in last or time.monotonic() - last[each] >= each.seconds:
                last[each] = time.monotonic()
                _do(each, end.is_set)
        if end.wait(1):
            break
    connection.close()


def _do(one: Round, stop: Callable[[], bool]) -> None:
    try:
        close_old_connections()
        named_function(one.run)(stop)
    except Refusal as refusal:
        logger.warning("%s", refusal)
    except Exception:  # the worker goes on with its jobs, and the round comes again
        logger.exception("The round %s failed", one.run)
