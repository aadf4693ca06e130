"""Keeps links that are keys (invitations, password resets) out of the logs. deploy/nginx.conf does the same."""

import logging
import re

_KEY = re.compile(r"((?:invitations|reset/key)/)[^/\s?'\"<>]+", re.IGNORECASE)
_QUERY = re.compile(r"(/[\w./-]*)\?[^\s'\"]*")


def masked(text: str) -> str:
    """`text` with *** for the secret part of each such address, and without the query of any."""
    return _QUERY.sub(r"\1", _KEY.sub(r"\1***", text))


class MaskKeys(logging.Filter):
    """For handlers and for gunicorn's own loggers: masks a record's message and traceback; keeps every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = masked(record.exc_text) if record.exc_text else record.exc_text
        return True


def mask_gunicorn() -> None:
    """gunicorn sets its loggers up before the application is loaded, outside LOGGING."""
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, MaskKeys) for each in logger.filters):
            logger.addFilter(MaskKeys())
