from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "readerstudy.cases"
    default_auto_field = "django.db.models.BigAutoField"
