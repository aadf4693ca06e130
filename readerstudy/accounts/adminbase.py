"""What every page of the Django admin here has in common: administrators only, frozen rows read-only, refusals said."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

# sender=model, instance=row: asks the apps above whether the row may be edited; a receiver answers why not, or None.
edit_asked = Signal()


def why_frozen(instance: Any) -> str | None:
    """The sentence that says why a row must not change, or None."""
    answers = (answer for _, answer in edit_asked.send(sender=type(instance), instance=instance))
    return next((answer for answer in answers if answer), None)


class HouseAdmin(admin.ModelAdmin):
    """For rows that people edit. Administrators (is_staff) may; a frozen row can only be looked at."""

    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_administrator", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request) and (obj is None or why_frozen(obj) is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _saying_why(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _saying_why(request, super().delete_view, *args, **kwargs)


class RecordAdmin(HouseAdmin):
    """For rows that only the program writes: to be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _saying_why(request: HttpRequest, view: Callable[..., Any], *args: Any, **kwargs: Any) -> HttpResponse:
    """The model layer has the last word (freezing, roles); its refusal comes back as a message, with nothing saved."""
    try:
        return view(request, *args, **kwargs)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(request.path)
