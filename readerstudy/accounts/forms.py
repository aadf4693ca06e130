"""Our wording of allauth's forms."""

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["login"].label = "User name or email"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
