"""Our wording of allauth's forms, and when they do their work."""

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.core.context import request_context
from django.http import HttpRequest


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["login"].label = "User name or email"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class ResetPasswordForm(AllauthResetPasswordForm):
    """Looks the account up and sends the mail when the answer is out: its time does not tell who has an account."""

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        def look_up_and_send() -> None:
            with request_context(request):
                AllauthResetPasswordForm.clean_email(self)
                AllauthResetPasswordForm.save(self, request, **kwargs)

        request.after_answer.append(look_up_and_send)  # type: ignore[attr-defined]
        return str(self.cleaned_data["email"])
