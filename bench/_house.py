"""A database and a media folder of the benchmark's own, made and taken away; import before anything of Django."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def house(postgres: str = "") -> Iterator[tuple[str, Path]]:
    """Set up Django on an empty database: SQLite in a temporary folder, or a new database on the server `postgres`.

    Yields (DATABASE_URL, MEDIA_ROOT). Nothing is left behind.
    """
    with tempfile.TemporaryDirectory() as folder:
        media = Path(folder) / "media"
        with _new_database(postgres) if postgres else _sqlite(folder) as url:
            os.environ |= {
                "DATABASE_URL": url, "MEDIA_ROOT": str(media), "DEBUG": "true", "SECRET_KEY": "of a benchmark",
                "DJANGO_SETTINGS_MODULE": "readerstudy.settings", "LOG_LEVEL": "WARNING",
                "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
            }  # fmt: skip
            import django

            django.setup()
            from django.conf import settings
            from django.core.management import call_command
            from django.db import connection

            settings.DEBUG = False  # or every query would be kept
            settings.ALLOWED_HOSTS = ["*"]
            call_command("migrate", verbosity=0)
            yield url, media
            connection.close()


@contextmanager
def _sqlite(folder: str) -> Iterator[str]:
    yield f"sqlite:///{folder}/bench.sqlite3"


@contextmanager
def _new_database(server: str) -> Iterator[str]:
    import psycopg
    from psycopg import sql

    name = sql.Identifier(f"bench_{uuid4().hex[:12]}")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield server.rsplit("/", 1)[0] + "/" + name.as_string().strip('"')
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
