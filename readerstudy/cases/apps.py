from django.apps import AppConfig
from django.db.models.signals import post_migrate

from readerstudy.jobs.kinds import JobKind


class CasesConfig(AppConfig):
    name = "readerstudy.cases"
    default_auto_field = "django.db.models.BigAutoField"
    job_kinds = [
        JobKind(
            "check_upload",
            "Check again",
            run="readerstudy.cases.jobs:check_upload",
            ask="readerstudy.cases.jobs:ask_to_check",
            access="readerstudy.cases.jobs:may_see",
            page="upload_check",
        ),
        JobKind(
            "load_upload",
            "Load",
            run="readerstudy.cases.jobs:load_upload",
            ask="readerstudy.cases.jobs:ask_to_load",
            access="readerstudy.cases.jobs:may_see",
            page="upload_load",
        ),
    ]

    def ready(self) -> None:
        from readerstudy.cases import system_checks
        from readerstudy.common.storage import level_after_migrate

        system_checks.connect()
        post_migrate.connect(level_after_migrate, sender=self)
