"""What `manage.py check`, and every start, says of folders that hold data beside code."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


def connect() -> None:
    register(check_folders)


def check_folders(app_configs: Any, **_: Any) -> list[CheckMessage]:
    media, models = Path(settings.MEDIA_ROOT).resolve(), settings.MODEL_ROOT
    found: list[CheckMessage] = []
    below = [place for place in import_paths() if _importable(media, place)]
    if below:
        found.append(
            Warning(
                f"MEDIA_ROOT, {media}, lies below {below[0]}, where Python looks for code to import.",
                hint="Stop the server, move the folder to a place outside and set MEDIA_ROOT to it. Stored rows name "
                "their files relative to it, so nothing else changes.",
                id="cases.W001",
            )
        )
    if models is not None and _share(Path(models).resolve(), media):
        found.append(
            Error(
                "MODEL_ROOT and MEDIA_ROOT lie one in the other: an upload could become a model.",
                hint="Give the models a folder of their own, which only operators may write.",
                id="cases.E001",
            )
        )
    return found


def import_paths() -> list[Path]:
    """The folders from which Python imports; "" is the current one."""
    return [path.resolve() for path in map(Path, sys.path) if path.is_dir()]


def _importable(folder: Path, place: Path) -> bool:
    """Whether `import` reaches the folder from there: a name with a dot on the way stops it."""
    return folder.is_relative_to(place) and not any("." in part for part in folder.relative_to(place).parts)


def _share(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
