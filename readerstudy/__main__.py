"""`python -m readerstudy` and, where it is installed, `readerstudy`: the same as manage.py."""

import os
import sys

MISSING = (
    "The web tier is not installed here. In a checkout: `pip install -r requirements.txt`. "
    "From a package: `pip install 'readerstudy[web]'`; where predictions and explanations are made, "
    "`pip install 'readerstudy[web,explain]'`; with PostgreSQL, add `postgres`."
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    try:
        import django  # noqa: F401
        import environ  # noqa: F401
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(MISSING) from error
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(f"Settings: {error}") from None
    except Exception as error:
        from readerstudy.common.full_disk import SAID, is_full
        from readerstudy.common.refusals import Refusal

        if isinstance(error, Refusal):
            raise SystemExit(str(error)) from None
        if not is_full(error):
            raise
        raise SystemExit(f"{type(error).__name__}: {SAID}") from None


if __name__ == "__main__":
    main()
