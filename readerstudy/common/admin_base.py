"""What every page of the Django admin here has in common: administrators only, frozen rows read-only, refusals said."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.dispatch import Signal
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from readerstudy.common.refusals import NotAllowed

# sender=model, instance=row: asks the apps above whether the row may be edited; a receiver answers why not, or None.
edit_asked = Signal()


def why_frozen(instance: Any) -> str | None:
    """The sentence that says why a row must not change, or None."""
    answers = (answer for _, answer in edit_asked.send(sender=type(instance), instance=instance))
    return next((answer for answer in answers if answer), None)


class HouseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
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


class AskingAdmin(HouseAdmin):
    """For rows that are shown only to who said why."""

    change_list_template = "admin/asking_change_list.html"

    def shown(self, request: HttpRequest) -> QuerySet[Any]:
        raise NotImplementedError

    def where_to_ask(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Title and address of each page on which to say why, to see the other rows."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request) & self.shown(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        where = self.where_to_ask(request) if self.has_view_permission(request) else []
        return super().changelist_view(request, {**(extra_context or {}), "where_to_ask": where})

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        self._refuse_hidden(request, object_id)
        return super().changeform_view(request, object_id, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        self._refuse_hidden(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)

    def history_form_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        self._refuse_hidden(request, object_id)
        return super().history_form_view(request, object_id, *args, **kwargs)  # type: ignore[misc]  # SimpleHistoryAdmin's

    def _refuse_hidden(self, request: HttpRequest, object_id: str | None) -> None:
        """403 with a sentence for a row that is there and not shown; Django would say that it does not exist."""
        if object_id is None or not self.has_view_permission(request):
            return
        try:
            pk = self.model._meta.pk.to_python(unquote(object_id))  # " 1" and "+1" name row 1 too
        except ValidationError as error:
            raise Http404 from error
        row = self.model._default_manager.filter(pk=pk)
        if row.exists() and not self.get_queryset(request).filter(pk=pk).exists():
            raise NotAllowed("The study is not closed: say first why you look. The list says where.")


def _saying_why(request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any) -> HttpResponse:
    """The model layer has the last word (freezing, roles); its refusal comes back as a message, with nothing saved."""
    try:
        return view(request, *args, **kwargs)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(request.path)
