from typing import Any

from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "readerstudy.reading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from readerstudy.reading import joining
        from readerstudy.studies.signals import invitation_accepted, study_opened

        study_opened.connect(_allocate_readers, dispatch_uid="reading-allocate")
        invitation_accepted.connect(joining.on_joined, dispatch_uid="reading-joined")


def _allocate_readers(study: Any, **_: Any) -> None:
    from readerstudy.reading.allocation import allocate_study

    allocate_study(study)
