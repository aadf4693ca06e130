from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from readerstudy.jobs.rounds import Round
from readerstudy.studies.navigation import Tab


class ReadingConfig(AppConfig):
    name = "readerstudy.reading"
    default_auto_field = "django.db.models.BigAutoField"
    study_tabs = [
        Tab("mails", "Mails", "study_mails", 8),
        Tab("allocation", "Allocation", "study_allocation", 9),
        Tab("progress", "Progress", "study_progress", 10),
        Tab("exclusions", "Exclusions", "study_exclusions", 11),
    ]
    rounds = [Round("readerstudy.reading.mailing.sending:send_round", seconds=15 * 60)]
    study_pages = {
        "preview": "study_preview",
        "practice_preview": "study_preview_practice",
        "allocation": "study_allocation",
        "reading": "reading_list",
        "withdraw": "reader_withdraw",
        "erase": "reader_erase",
    }

    def ready(self) -> None:
        from readerstudy.reading import joining
        from readerstudy.studies.signals import closing_asked, invitation_accepted, study_opened

        study_opened.connect(_allocate_readers, dispatch_uid="reading-allocate")
        post_migrate.connect(_guard_responses, sender=self, dispatch_uid="reading-append-only")
        closing_asked.connect(_unfinished, dispatch_uid="reading-unfinished")
        invitation_accepted.connect(joining.on_joined, dispatch_uid="reading-joined")


def _allocate_readers(study: Any, **_: Any) -> None:
    from readerstudy.reading.allocation.drawing import allocate_study

    allocate_study(study)


def _unfinished(study: Any, **_: Any) -> str:
    from readerstudy.reading.study_progress import unfinished

    return unfinished(study)


def _guard_responses(using: str, **_: Any) -> None:
    """After every migrate, not in one migration: SQLite loses triggers whenever a later migration remakes the table."""
    from readerstudy.reading import append_only

    if append_only.TABLE in connections[using].introspection.table_names():
        append_only.install(connections[using])
