from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CasesConfig(AppConfig):
    name = "readerstudy.cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from readerstudy.cases import system_checks
        from readerstudy.common.storage import level_after_migrate

        system_checks.connect()
        post_migrate.connect(level_after_migrate, sender=self)
