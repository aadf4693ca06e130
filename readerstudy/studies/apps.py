from django.apps import AppConfig


class StudiesConfig(AppConfig):
    name = "readerstudy.studies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from readerstudy.studies import freezing, looking, roles
        from readerstudy.studies.pages import token

        freezing.connect()
        looking.connect()
        roles.connect()
        token.connect()
