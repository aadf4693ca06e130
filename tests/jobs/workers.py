"""Real workers on a test's database and media, in processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection


class Workers:
    """`start` starts one; `end` kills those that are left."""

    def __init__(self, settings_module: str = "tests.settings") -> None:
        self.settings_module = settings_module
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "readerstudy", "worker", "--interval", "0.1", *arguments],
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": self.settings_module,
                "DATABASE_URL": database_url(),
                "MEDIA_ROOT": str(settings.MEDIA_ROOT),
                "SECRET_KEY": settings.SECRET_KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host, port = values["HOST"] or "127.0.0.1", values["PORT"] or "5432"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{host}:{port}/{values['NAME']}"


def wait_for(condition: Callable[[], object], what: Callable[[], object] = str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.05)
