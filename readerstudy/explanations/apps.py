from django.apps import AppConfig


class ExplanationsConfig(AppConfig):
    name = "readerstudy.explanations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from readerstudy.explanations import system_checks

        system_checks.connect()
