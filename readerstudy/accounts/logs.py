"""What a log may hold: no link that is a key (deploy/nginx.conf keeps them out too), no row of the database, and
nothing that a file says of a patient."""

import json
import logging
import re
from datetime import UTC, datetime

from django.conf import settings

from explain.images.quotes import LEVELS

_KEY = re.compile(r"((?:invitations|reset/key|no-mail)/)[^/\s?'\"<>]+", re.IGNORECASE)
_QUERY = re.compile(r"(/[\w./-]*)\?[^\s'\"]*")
_ROW = re.compile(r"(DETAIL: ).*?(?=\n\n|\Z)", re.DOTALL)  # PostgreSQL quotes the row that it refuses


def masked(text: str) -> str:
    """`text` with *** for the secret part of each such address and for quoted rows, and without the query of any."""
    return _ROW.sub(r"\1***", _QUERY.sub(r"\1", _KEY.sub(r"\1***", text)))


class MaskKeys(logging.Filter):
    """For handlers and for gunicorn's own loggers: masks a record's message and traceback; keeps every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = masked(record.exc_text) if record.exc_text else record.exc_text
        return True


class NoQuotes(logging.Filter):
    """For handlers: leaves out what libraries log of the files that they read. On import pydicom sets its own level."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= LEVELS.get(record.name.partition(".")[0], logging.NOTSET)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message; the status and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (status := getattr(record, "status_code", None)) is not None:
            line["status"] = status
        if record.exc_info or record.exc_text:
            line["traceback"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
        return json.dumps(line, ensure_ascii=False)


def mask_gunicorn() -> None:
    """gunicorn sets its loggers up before the application is loaded, outside LOGGING."""
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, MaskKeys) for each in logger.filters):
            logger.addFilter(MaskKeys())
        for handler in logger.handlers if settings.LOG_FORMAT == "json" else ():
            handler.setFormatter(JsonLines())
