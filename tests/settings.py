"""The product's settings as the suite loads them: pytest-django reads settings before any conftest is imported."""

import os

os.environ.setdefault("DEBUG", "true")

from readerstudy.settings import *  # noqa: F403
