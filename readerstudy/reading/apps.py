from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "readerstudy.reading"
    default_auto_field = "django.db.models.BigAutoField"
