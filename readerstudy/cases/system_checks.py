"""What `manage.py check`, and every start, says of folders that hold data beside code."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.files.storage import default_storage


def connect() -> None:
    register(check_folders)
    register(check_object_store, deploy=True)


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


def check_object_store(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """With `check --deploy`: an object store, if there is one, answers us and tells strangers nothing."""
    told = getattr(default_storage, "answers_strangers", None)
    if told is None:
        return []
    try:
        default_storage.exists("a-name-that-no-file-has")
        open_to_all = told()
    except Exception as error:  # of whatever library speaks to the store
        hint = "See MEDIA_STORAGE and the AWS_* variables, and what the credentials may do (docs/deployment.md)."
        return [Error(f"The object store of MEDIA_STORAGE cannot be used: {error}", hint=hint, id="cases.E003")]
    if not open_to_all:
        return []
    hint = "Names, dates and hashes of files tell what readers must not know. Take public access away."
    return [Error("The object store of MEDIA_STORAGE lists its files to strangers.", hint=hint, id="cases.E002")]


def import_paths() -> list[Path]:
    """The folders from which Python imports; "" is the current one."""
    return [path.resolve() for path in map(Path, sys.path) if path.is_dir()]


def _importable(folder: Path, place: Path) -> bool:
    """Whether `import` reaches the folder from there: a name with a dot on the way stops it."""
    return folder.is_relative_to(place) and not any("." in part for part in folder.relative_to(place).parts)


def _share(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
