from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "readerstudy.cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from readerstudy.cases import system_checks

        system_checks.connect()
