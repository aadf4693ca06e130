from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "readerstudy.accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import password_reset
        from django.contrib.auth.signals import user_logged_in

        from readerstudy.accounts.adapter import forget_wrong_passwords
        from readerstudy.accounts.middleware import note_log_in

        user_logged_in.connect(note_log_in, dispatch_uid="idle-log-in")
        password_reset.connect(forget_wrong_passwords, dispatch_uid="forget-wrong-passwords")
